"""The board: static pages of what the repository holds, no more and no less."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest
from delivery.errors import Refused, Unknown
from delivery.site.words import commit_url, with_code
from delivery.verbs.rollback import rollback
from delivery.verbs.site import site
from delivery.workplace import Workplace

from tests.delivery.chronicled import chronicled
from tests.delivery.growing import deliver
from tests.delivery.world import KUSTOMIZE_APP, World

NOW = datetime(2026, 6, 1, tzinfo=UTC)
APP = f"apps/{KUSTOMIZE_APP}.html"
HELD = f"apps/{KUSTOMIZE_APP}-003.html"
SCRIPT = '<script>alert("x")</script><img src=x onerror=alert(1)>'
LOCAL = re.compile(r'(?:href|src)="([^":#]*)(?:#[^"]*)?"')

Files = dict[str, str]


def pages(world: World, folder: Path, now: datetime | None = NOW) -> Files:
    """Return the files of the board by path."""
    out = folder / "board"
    site(world.work, out, now)
    found = (path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_text("utf-8") for path in found}


@pytest.fixture(scope="module")
def told(baked: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Four apps with 36 records, one of them on hold. Not to be changed."""
    return chronicled(baked.copy(tmp_path_factory.mktemp("told") / "repository"), 4, 36)


@pytest.fixture(scope="module")
def board(told: World, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Its board."""
    return pages(told, tmp_path_factory.mktemp("board"))


def test_board_is_the_same_bytes_again(told: World, tmp_path: Path) -> None:
    first = pages(told, tmp_path / "first", now=None)
    clone = World(tmp_path / "clone")
    told.git("clone", "--quiet", "--mirror", ".", str(clone.root / ".git"))
    clone.git("config", "core.bare", "false")
    assert pages(clone, tmp_path / "second", now=None) == first


def test_board_has_a_page_for_each_app_and_record(board: Files) -> None:
    assert sum(path.startswith("records/") for path in board) == 36
    assert {f"apps/{KUSTOMIZE_APP}-{number:03}.html" for number in range(1, 5)} <= set(board)


def test_links_lead_to_pages(board: Files) -> None:
    for path, text in board.items():
        targets = {normpath(join(dirname(path), link)) for link in LOCAL.findall(text) if link}
        assert targets <= set(board), path


def test_pages_ask_nobody_and_run_nothing(board: Files) -> None:
    for path, text in board.items():
        assert "<script" not in text, path
        assert not re.search(r'(src|srcset)="|@import|url\(', text), path
        assert path.endswith(".css") or "default-src 'none'" in text


def test_index_tells_what_is_where_and_since_when(board: Files) -> None:
    row = board["index.html"].split(f">{KUSTOMIZE_APP}-001</a></th>")[1].split("</tr>")[0]
    assert ">model 3</a>" in row
    assert re.search(
        r'since <time datetime="2026-03-\d\dT[\d:]+Z">2026-03-\d\d</time>, \d+ days', row
    )


def test_hold_is_told_with_its_reason_and_its_end(board: Files) -> None:
    for text in (board["index.html"], board[HELD]):
        assert "On hold" in text
        assert f"deliver resume {KUSTOMIZE_APP}-003 --env prod" in text
        assert re.search(r"<q>[^<]+</q>", text)


def test_pending_overlay_is_told_with_the_command(board: Files) -> None:
    assert "its overlay, or the environment&#39;s settings, changed" in board["index.html"]
    assert f"deliver render --env dev {KUSTOMIZE_APP}-001" in board["index.html"]


def test_release_that_waits_for_promotion_is_told(world: World, tmp_path: Path) -> None:
    text = pages(world, tmp_path)["index.html"]
    assert "staging is ahead (model 2)" in text
    assert f"deliver promote {KUSTOMIZE_APP} --to prod" in text


def test_branch_that_waits_for_review_is_told(world: World, tmp_path: Path) -> None:
    branch = world.promote("prod").branch
    assert f"branch {branch} waits to be merged" in pages(world, tmp_path)["index.html"]


def test_stopped_environment_is_told(world: World, tmp_path: Path) -> None:
    settings = (world.root / "delivery.yaml").read_text()
    stopped = settings.replace("- name: prod\n", "- name: prod\n    stopped: a <b>leak</b>\n")
    world.change({"delivery.yaml": stopped})
    assert "prod is stopped: a &lt;b&gt;leak&lt;/b&gt;" in pages(world, tmp_path)["index.html"]


def test_evidence_is_told_with_bounds_and_who_merged(board: Files) -> None:
    text = board[f"records/{KUSTOMIZE_APP}-001/prod-0002.html"]
    assert "Model 3 was promoted from staging to prod." in text
    assert re.search(r"0\.\d{4} \(0\.\d{4} to 0\.\d{4}\)", text)
    assert "30 of 30 checks passed; judged beside prod/0001." in text
    assert re.search(r"<dt>merged</dt><dd><time[^>]+>[-0-9 :]+</time> of \w+", text)


def test_rollback_shows_the_evidence_that_it_rests_on(board: Files) -> None:
    text = board[f"records/{KUSTOMIZE_APP}-003/prod-0003.html"]
    assert "prod went back to model 1, as in prod/0001." in text
    assert 'href="../../records/tumour-classifier-003/prod-0001.html">prod/0001</a>, given' in text


def test_deployment_that_was_taken_back_is_told(board: Files) -> None:
    assert board[HELD].count("taken back") == 1
    assert "A rollback took it back." in board[f"records/{KUSTOMIZE_APP}-003/prod-0002.html"]
    assert "A rollback took it back." not in board[f"records/{KUSTOMIZE_APP}-003/prod-0001.html"]


def test_words_of_a_check_are_text_and_code() -> None:
    assert with_code("at `release` <b>") == "at <code>release</code> &lt;b&gt;"


@pytest.mark.parametrize(
    ("repository", "url"),
    [
        ("https://git.example.com/acme/models.git", "https://git.example.com/acme/models/commit/c"),
        ("https://user:secret@git.example.com/acme/models.git", None),
        ("git@git.example.com:acme/models.git", None),
        ("file:///srv/models.git", None),
    ],
)
def test_commits_link_to_hosts_that_browsers_reach(repository: str, url: str | None) -> None:
    assert commit_url(repository, "c") == url


def test_script_in_a_reason_is_text(world: World, tmp_path: Path) -> None:
    world.deliver_to("prod", 3)
    work = world.work
    world.merge(rollback(work, KUSTOMIZE_APP, "prod", to=None, reason=SCRIPT, change=SCRIPT))
    found = pages(world, tmp_path)
    assert [path for path, text in found.items() if "<script" in text or "<img" in text] == []
    assert "&lt;script&gt;alert(&#34;x&#34;)" in found[APP]


def test_script_in_a_name_is_text(world: World, tmp_path: Path) -> None:
    words = ("commit", "--amend", "--quiet", "--no-edit", "--author", "\"'&<b>x <x@example.com>")
    world.git(*words)
    assert "<b>x" not in pages(world, tmp_path)[APP]


def test_name_with_odd_signs_hides_no_record(world: World, tmp_path: Path) -> None:
    words = (
        "commit",
        "--amend",
        "--quiet",
        "--no-edit",
        "--author",
        "a\x01b\x02 c <x@example.com>",
    )
    world.git(*words)
    assert "a?b? c, merged by Sam</td>" in pages(world, tmp_path)[APP]


def test_without_confirmations_what_ran_is_unknown(world: World, tmp_path: Path) -> None:
    found = pages(world, tmp_path)
    assert "what ran is unknown" in found["index.html"]
    assert "seen to run: unknown" in found[APP]


def test_record_that_nothing_confirmed_is_told(board: Files) -> None:
    assert "Approved, not seen to run" in board["index.html"]


def test_new_repository_has_a_board(baked: World, tmp_path: Path) -> None:
    found = pages(baked, tmp_path)
    assert "no release yet" in found["index.html"]
    assert "No record yet." in found[APP]


def test_altered_evidence_is_not_shown(world: World, tmp_path: Path) -> None:
    path = f"releases/prod/{KUSTOMIZE_APP}/records/0001.evidence.json"
    world.change({path: (world.root / path).read_bytes().replace(b"0.99", b"0.98")})
    with pytest.raises(Refused) as refusal:
        site(world.work, tmp_path, NOW)
    assert refusal.value.code == "evidence-altered"


def test_shallow_clone_has_no_board(world: World, tmp_path: Path) -> None:
    world.git("clone", "--quiet", "--depth=1", f"file://{world.root}", str(tmp_path / "clone"))
    with pytest.raises(Unknown) as refusal:
        site(Workplace.open(tmp_path / "clone"), tmp_path / "out", NOW)
    assert refusal.value.code == "history-missing"


def test_what_waits_longest_comes_first(board: Files) -> None:
    days = re.findall(r"dev is ahead [^<]+since <time datetime=\"([-0-9]+)", board["index.html"])
    assert len(days) > 1
    assert days == sorted(days)


def test_command_says_what_it_wrote(world: World, tmp_path: Path) -> None:
    out = tmp_path / "board"
    told = json.loads(deliver(world, "site", "--out", str(out), "--json").stdout)
    assert told["pages"] == len(list(out.rglob("*.html")))
    sizes = [(out / name).stat().st_size for name in ("index.html", "style.css")]
    assert (told["folder"], told["first_view_bytes"]) == (str(out), sum(sizes))


def test_board_imports_no_statistics() -> None:
    code = (
        "import sys, delivery.verbs.site\n"
        "print({'mlflow', 'numpy', 'scipy', 'sklearn'} & set(sys.modules) or 'none')"
    )
    words = [sys.executable, "-c", code]
    env = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"
