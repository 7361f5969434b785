"""Bad input at the real command line: a named refusal with a next step, and nothing written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World
from tests.e2e.user import User, finish

Prepare = Callable[[World], object]
APP = f"apps/{KUSTOMIZE_APP}/app.yaml"
WHY = ("--reason", "because")
PROMOTE = ("promote", KUSTOMIZE_APP, "--to", "prod", *WHY)
ROLLBACK = ("rollback", KUSTOMIZE_APP, "--env", "staging", *WHY)
RENDER = ("render", "--env", "staging")
RELEASE = ("release", KUSTOMIZE_APP)


def nothing(world: World) -> None:
    """Leave the repository as it is."""


def merged(path: str, change: Callable[[str], str | bytes]) -> Prepare:
    """Commit a changed file on main."""
    return lambda world: world.change({path: change((world.root / path).read_text())})


def written(path: str, text: str) -> Prepare:
    """Write a file, and do not commit it."""
    return lambda world: world.write({path: text})


def both(*steps: Prepare) -> Prepare:
    return lambda world: [step(world) for step in steps]


def git(*words: str) -> Prepare:
    return lambda world: world.git(*words)


def drop(path: str) -> Prepare:
    return lambda world: world.change({path: None})


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


OVERLAY_CHANGED = merged(
    f"overlays/staging/{KUSTOMIZE_APP}/kustomization.yaml", lambda text: f"{text}# changed\n"
)
"""So that there is something to render."""

# What is wrong: how it came about, what is called, under which name it is refused, exit status.
CASES: dict[str, tuple[Prepare, tuple[str, ...], str, int]] = {
    "app.yaml is missing": (drop(APP), PROMOTE, "no-such-app", 2),
    "app.yaml is missing, all is checked": (drop(APP), ("check",), "app-vanished", 1),
    "app.yaml is no YAML": (merged(APP, lambda t: t + "a: ["), ("apps",), "broken-file", 2),
    "app.yaml is checked": (merged(APP, lambda t: t + "a: ["), ("check",), "broken-file", 1),
    "app.yaml is empty": (merged(APP, lambda _: ""), ("apps",), "broken-file", 2),
    "app.yaml is no text": (merged(APP, lambda _: b"\xff\xfe"), ("apps",), "broken-file", 2),
    "app.yaml runs code": (
        merged(APP, lambda _: 'a: !!python/object/apply:os.system ["id"]'),
        ("apps",),
        "broken-file",
        2,
    ),
    "unknown key": (merged(APP, lambda t: t + "hue: red\n"), PROMOTE, "broken-file", 2),
    "key twice": (merged(APP, lambda t: t + "schema: 1\n"), ("apps",), "broken-file", 2),
    "missing field": (merged(APP, replaced("owners:", "# ")), ("apps",), "broken-file", 2),
    "unknown metric": (merged(APP, replaced("roc_auc", "beauty")), PROMOTE, "broken-file", 2),
    "limit that is no number": (merged(APP, replaced("0.87", ".nan")), ("apps",), "broken-file", 2),
    "limit of no environment": (merged(APP, replaced("prod:", "live:")), PROMOTE, "broken-file", 2),
    "unknown app": (nothing, ("promote", "nope", "--to", "prod", *WHY), "no-such-app", 2),
    "unknown environment": (
        nothing,
        ("promote", KUSTOMIZE_APP, "--to", "nope", *WHY),
        "no-such-environment",
        2,
    ),
    "unknown commit": (nothing, ("check", "--base", "nope"), "no-such-commit", 2),
    "empty reason": (nothing, (*ROLLBACK[:-1], ""), "bad-text", 2),
    "reason of two lines": (nothing, (*ROLLBACK[:-1], "one\ntwo"), "bad-text", 2),
    "reason that paints": (nothing, (*ROLLBACK[:-1], "\x1b[2J"), "bad-text", 2),
    "reason of a page": (nothing, (*ROLLBACK[:-1], "x" * 501), "bad-text", 2),
    "edited sources": (
        written(f"apps/{KUSTOMIZE_APP}/deploy/kustomization.yaml", "resources: []\n"),
        RELEASE,
        "uncommitted-sources",
        1,
    ),
    "untracked sources": (
        written("acme_models/tumour_classifier/more.py", ""),
        RELEASE,
        "uncommitted-sources",
        1,
    ),
    "staged sources": (
        both(written("acme_models/__init__.py", "# x\n"), git("add", "--all")),
        RELEASE,
        "uncommitted-sources",
        1,
    ),
    "sources of a branch": (
        both(git("switch", "--quiet", "--create", "idea"), merged("Dockerfile", lambda t: t + "#")),
        RELEASE,
        "uncommitted-sources",
        1,
    ),
    "delivery.yaml is missing": (drop("delivery.yaml"), ("status",), "no-settings", 2),
    "delivery.yaml is no YAML": (
        merged("delivery.yaml", lambda t: t + "a: ["),
        ("status",),
        "broken-file",
        2,
    ),
    "two environments of one name": (
        merged("delivery.yaml", replaced("name: prod", "name: staging")),
        ("status",),
        "broken-file",
        2,
    ),
    ".env is no list of variables": (written(".env", "a b\n"), ("status",), "broken-file", 2),
    ".env is no text": (lambda w: w.write({".env": b"A=\xff\0"}), ("status",), "broken-file", 2),
    "no commit yet": (
        git("switch", "--quiet", "--orphan", "new"),
        ("status",),
        "no-such-commit",
        2,
    ),
    "no main": (git("branch", "--move", "trunk"), ("status",), "no-such-commit", 2),
    "other kustomize": (
        merged("delivery.yaml", replaced("kustomize: 5.8.1", "kustomize: 5.0.9")),
        RENDER,
        "wrong-renderer",
        3,
    ),
    "other helm": (
        merged("delivery.yaml", replaced("helm: 3.22.0", "helm: 3.0.9")),
        (*RENDER, HELM_APP),
        "wrong-renderer",
        3,
    ),
    "branch is there": (
        git("branch", f"rollback/staging/{KUSTOMIZE_APP}-0003"),
        ROLLBACK,
        "branch-exists",
        1,
    ),
    "source that cannot be named": (
        lambda w: w.change({f"apps/{KUSTOMIZE_APP}/deploy/\udcff.yaml": "a: 1\n"}),
        ("check", "--base", "HEAD~1"),
        "odd-path",
        1,
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_bad_input_is_refused_by_name(what: str, world: World, user: User) -> None:
    prepare, words, code, status = CASES[what]
    prepare(world)
    before = user.state()
    answer = user.deliver(*words)
    assert "Traceback" not in answer.err
    assert code in [line.split(":")[0] for line in answer.said]
    if words[0] != "check":
        answer.refuses(code, status)
    assert answer.status == status
    assert user.state() == before


VERBS = (
    ("apps",),
    ("app", "add", "Nope", "--style", "helm", "--task", "regression"),
    ("app", "holdout", "nope"),
    ("train", "nope"),
    ("build", "nope"),
    ("release", "nope"),
    ("gate", "nope", "--to", "prod"),
    ("gate", "--verify", "--base", "nope"),
    ("promote", "nope", "--to", "prod", *WHY),
    ("render", "nope", "--env", "prod"),
    ("rollback", "nope", "--env", "prod", *WHY),
    ("resume", "nope", "--env", "prod", *WHY),
    ("history", "nope"),
    ("check", "--base", "nope"),
    ("diff", "--base", "nope"),
    ("status", "--nope"),
    ("promote",),
)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_error_is_json_where_machines_read(
    words: tuple[str, ...], delivered: World, tmp_path: Path
) -> None:
    root = tmp_path if words == ("apps",) else delivered.root  # the former is no repository
    answer = User(root, delivered.root, tmp_path).deliver(*words, "--json")
    error = json.loads(answer.out)["error"]
    assert set(error) == {"code", "seen", "rule", "next"}
    assert all(error.values())
    assert answer.status == 2
    assert answer.said == []


def test_folder_outside_of_a_repository_is_refused(user: User) -> None:
    outside = User(user.tmp.parent, user.package, user.tmp)
    outside.deliver("status").refuses("no-repository", 2)


def test_repository_of_another_user_is_refused(user: User) -> None:
    before = user.state()
    answer = user.deliver(*ROLLBACK, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    answer.refuses("not-your-repository", 2)
    assert "safe.directory" in answer.said[1]
    assert user.state() == before


@pytest.mark.parametrize("words", [PROMOTE, ROLLBACK, RENDER, RELEASE], ids=lambda w: w[0])
def test_unknown_committer_is_refused(words: tuple[str, ...], world: World, user: User) -> None:
    world.git("config", "--unset", "user.email")
    world.git("config", "user.useConfigOnly", "true")
    before = user.state()
    user.deliver(*words).refuses("no-identity", 2)
    assert user.state() == before


def test_missing_git_is_named(user: User, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    user.deliver("status", PATH=str(tmp_path / "bin")).refuses("program-missing", 3)


def path_with(folder: Path, *programs: str) -> str:
    """Return a PATH on which nothing but some programs is found."""
    folder.mkdir()
    for name in programs:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


NEED_AN_ENGINE = (
    PROMOTE,
    RELEASE,
    ("build", KUSTOMIZE_APP),
    ("gate", KUSTOMIZE_APP, "--to", "prod"),
    ("gate", "--verify", "--base", "HEAD~1"),
)


@pytest.mark.parametrize("words", NEED_AN_ENGINE, ids=" ".join)
def test_missing_engine_is_named(words: tuple[str, ...], user: User, tmp_path: Path) -> None:
    before = user.state()
    user.deliver(*words, PATH=path_with(tmp_path / "bin", "git", "env")).refuses(
        "no-container-engine", 3
    )
    assert user.state() == before


def test_rollback_and_check_need_git_alone(user: User, tmp_path: Path) -> None:
    path = path_with(tmp_path / "bin", "git")
    assert user.deliver(*ROLLBACK, PATH=path).status == 0
    assert user.deliver("check", PATH=path).status == 0


def test_missing_kubectl_is_named(world: World, user: User, tmp_path: Path) -> None:
    OVERLAY_CHANGED(world)
    before = user.state()
    lonely = replace(user, python=bare_python(tmp_path / "python"))
    path = path_with(tmp_path / "bin", "git", "env")
    lonely.deliver(*RENDER, KUSTOMIZE_APP, PATH=path).refuses("wrong-renderer", 3)
    assert user.state() == before


def bare_python(folder: Path) -> str:
    """Return a Python with this one's packages, but none of the programs beside it."""
    venv.create(folder, symlinks=True, with_pip=False)
    [site] = folder.glob("lib/python3*/site-packages")
    [ours] = Path(sys.prefix).glob("lib/python3*/site-packages")
    (site / "tests.pth").write_text(f"{ours}\n")
    return str(folder / "bin" / "python")


def test_one_of_two_promotions_at_once_is_refused(user: User) -> None:
    answers = [finish(one) for one in [user.start(*ROLLBACK) for _ in range(3)]]
    assert sorted(answer.status for answer in answers) == [0, 1, 1]
    for answer in answers:
        if answer.status:
            answer.refuses("branch-exists", 1)


def test_second_of_two_clones_collides(world: World, tmp_path: Path, user: User) -> None:
    origin = tmp_path / "origin.git"
    world.git("clone", "--quiet", "--bare", ".", str(origin))
    people = []
    for name in ("one", "two"):
        world.git("clone", "--quiet", str(origin), str(tmp_path / name))
        person = World(tmp_path / name)
        person.git("config", "user.name", name)
        person.git("config", "user.email", f"{name}@example.com")
        assert User(person.root, user.package, user.tmp).deliver(*ROLLBACK[:-1], name).status == 0
        people.append(person)
    one, two = people
    branch = f"rollback/staging/{KUSTOMIZE_APP}-0003"
    one.git("merge", "--quiet", "--squash", branch)
    one.commit()
    one.git("push", "--quiet", "origin", "main")
    two.git("fetch", "--quiet")
    answer = User(two.root, user.package, user.tmp).deliver(
        "check", "--base", "origin/main", "--head", branch
    )
    assert answer.status == 0  # on its own base nothing is wrong; merging is what collides
    with pytest.raises(subprocess.CalledProcessError):
        two.git("rebase", "--quiet", "origin/main", branch)
    assert f"releases/staging/{KUSTOMIZE_APP}/records/0003.yaml" in two.git("status", "--porcelain")


@pytest.mark.parametrize("alphabet", ["ascii", "utf-8"])
def test_any_reason_can_be_shown(alphabet: str, world: World, user: User) -> None:
    assert user.deliver(*ROLLBACK[:-1], "für Müller 🙂").status == 0
    world.git("merge", "--quiet", f"rollback/staging/{KUSTOMIZE_APP}-0003")
    for words in (("status",), ("history", KUSTOMIZE_APP), ("history", KUSTOMIZE_APP, "--json")):
        answer = user.deliver(*words, PYTHONIOENCODING=alphabet)
        assert (answer.status, answer.err) == (0, "")


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Let a folder lie on a disk of 64 kB, of which 8 are free."""
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a tiny disk")
    try:
        (folder / "filler").write_bytes(bytes(56 << 10))
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_of_temporary_files_is_named(world: World, user: User) -> None:
    OVERLAY_CHANGED(world)
    with full_disk(user.tmp):
        before = user.state()
        user.deliver(*RENDER, KUSTOMIZE_APP).refuses("io-failed", 3)
        assert user.state() == before


def test_full_disk_of_the_repository_is_named(world: World, user: User) -> None:
    before = user.state()
    with full_disk(world.root / ".git/full"):
        store = {"GIT_OBJECT_DIRECTORY": ".git/full"}
        more = {**store, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(world.root / ".git/objects")}
        # Its reason is no other test's: what the store holds already would need no room.
        answer = user.deliver(*ROLLBACK[:-1], "the disk is full", **more)
        assert answer.status == 3
        assert answer.said[0].startswith("program-failed: ")
        assert "No space left" in answer.err
        assert " Next: " in answer.said[-1]
    assert user.state() == before
