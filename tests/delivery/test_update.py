"""`deliver update`: what a template brings is merged, and owners' edits are kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from delivery.check.change import Change
from delivery.errors import Refused, Unknown, UsageError
from delivery.template.linked import PATH, Linked
from delivery.template.request import wanted_update
from delivery.template.source import cloned
from delivery.verbs.approvals import requesters
from delivery.verbs.update import BRANCH, Update, untouched, write

from tests.bake.template import FOLDER, git
from tests.delivery.evolving import OVERLAYS, Template, paths, prepared, shown, without_app
from tests.delivery.growing import COMMAND, deliver, shared_environments
from tests.delivery.world import HELM_APP, NOW, World

pytestmark = pytest.mark.slow
CI, POLICY, GONE = "docs/ci.md", "delivery/policy.py", "delivery/schemas/waiver.schema.json"
RULES, PLAIN = "docs/branch-rules.md", "docs/plain.md"
LOOK = """import os, pathlib, subprocess
subprocess.run(["git", "init", "--quiet"], check=True)
pathlib.Path("seen.txt").write_text(f"a token: {'canary' in str(os.environ)}")
"""
NEW = f"apps/{HELM_APP}/new.md"
ODD = "docs/of\nours.md"
HOOK = "hooks/post_gen_project.py"


@dataclass(frozen=True)
class Taken:
    """A repository of owners, the template that went on, and the update between them."""

    world: World
    template: Template
    update: Update
    commit: str


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.copied(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def made(template: Template, tmp_path_factory: pytest.TempPathFactory) -> World:
    """As cruft made it. Not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    return template.made(folder, shared_environments(tmp_path_factory))


@pytest.fixture
def owned(made: World, tmp_path: Path) -> World:
    return made.copy(tmp_path / "repository")


@pytest.fixture
def later(template: Template, owned: World, tmp_path: Path) -> Template:
    """The template in a place of its own, which the repository names, so that it may go on."""
    shutil.copytree(template.root, tmp_path / "template")
    moved = Template(tmp_path / "template", template.first)
    names(owned, template=str(moved.root))
    return moved


def names(world: World, **changes: object) -> None:
    state = json.loads((world.root / PATH).read_text())
    world.change({PATH: json.dumps(state | changes, indent=2)}, "Say which template it is of")


def grown(template: Template) -> None:
    """Change a bit of everything in the template."""
    ci = template.text(CI).replace("# CI: the workflows", "# CI, that is the workflows", 1)
    written = template.text("delivery/argocd/document.py")
    template.change(
        {
            CI: ci,
            RULES: None,
            GONE: None,
            NEW: "New.\n",
            "delivery/extra.py": '"""New."""\n',
            "delivery/argocd/document.py": written.replace("Written by", "Made by"),
            "delivery/__init__.py": template.text("delivery/__init__.py").replace("= 3", "= 4"),
            ".github/workflows/extra.yml": "name: extra\n",
        },
        "Thank @octocat for #12",
    )
    template.change({"charts/model-server/new.md": "New.\n"}, "Tell of the chart")
    template.commit({HOOK: LOOK}, "Look around")
    questions = json.loads((template.root / "cookiecutter.json").read_text())
    question = json.dumps({"region": "eu", **questions}, ensure_ascii=False)
    template.commit({"cookiecutter.json": question, "tests/extra.py": ""}, "Ask for a region")
    template.commit({"tests/extra.py": "# not generated\n"}, "Test what nobody gets")


def edited(world: World) -> None:
    """Change a bit of everything in the repository, as its owners do."""
    without_app(world)
    ci, rules = ((world.root / path).read_text() for path in (CI, RULES))
    settings = (world.root / "delivery.yaml").read_text()
    world.write(
        {
            CI: f"{ci}\nOur own runners are in Graz.\n",
            RULES: f"{rules}\nAda decides.\n",
            POLICY: f"{(world.root / POLICY).read_text()}\nLENIENT = True\n",
            "delivery.yaml": settings.replace("approvals: 1", "approvals: 3"),
            "README.md": "# Ours\n",
            ODD: "Some name.\n",
        }
    )
    for verb in ("argocd", "owners"):
        assert deliver(world, verb).returncode == 0
    world.commit("Make it ours")


@pytest.fixture(scope="module")
def taken(template: Template, made: World, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """An update that brings a bit of everything. Not to be changed."""
    folder = tmp_path_factory.mktemp("taken")
    world = made.copy(folder / "repository")
    shutil.copytree(template.root, folder / "template")
    moved = Template(folder / "template", template.first)
    names(world, template=str(moved.root), skip=["charts", "overlays/*"])
    edited(world)
    grown(moved)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GH_TOKEN", "canary")
        found = prepared(world)
    return Taken(world, moved, found, write(world.work, found))


def test_edits_of_owners_are_merged_with_what_the_template_brings(taken: Taken) -> None:
    text = shown(taken.world, BRANCH, CI)
    assert text.startswith("# CI, that is the workflows")
    assert text.endswith("Our own runners are in Graz.")
    assert shown(taken.world, BRANCH, "README.md") == "# Ours"
    assert shown(taken.world, BRANCH, ODD) == "Some name."
    assert shown(taken.world, BRANCH, ".github/workflows/extra.yml") == "name: extra"


def test_folder_of_the_judge_is_the_templates_to_the_byte(taken: Taken) -> None:
    theirs = git("rev-parse", f"HEAD:{FOLDER}/delivery", cwd=taken.template.root).strip()
    assert taken.world.git("rev-parse", f"{BRANCH}:delivery") == theirs
    assert GONE not in paths(taken.world, BRANCH)
    assert taken.update.lost == (POLICY,)


def test_files_that_owners_removed_stay_away(taken: Taken) -> None:
    assert not any(
        path.startswith((f"apps/{HELM_APP}", *OVERLAYS)) for path in paths(taken.world, BRANCH)
    )


def test_files_that_owners_skip_stay_as_they_are(taken: Taken) -> None:
    found = taken.world.git("diff", "--name-only", "main", BRANCH, "--", "charts", "overlays")
    assert found == ""


def test_hooks_of_the_template_see_no_token(taken: Taken) -> None:
    assert shown(taken.world, BRANCH, "seen.txt") == "a token: False"


def test_changed_file_that_the_template_dropped_stays(taken: Taken) -> None:
    assert shown(taken.world, BRANCH, RULES).endswith("Ada decides.")
    assert taken.update.kept == (RULES,)


def test_what_deliver_writes_is_written_anew_by_the_new_one(taken: Taken) -> None:
    text = shown(taken.world, BRANCH, "argocd/staging/project.yaml")
    assert "Made by `deliver argocd`" in text
    owners = shown(taken.world, BRANCH, ".github/CODEOWNERS")
    assert owners == shown(taken.world, "main", ".github/CODEOWNERS")


def test_branch_passes_the_rules_of_main(taken: Taken) -> None:
    assert [str(one) for one in taken.world.check(BRANCH, now=NOW).findings] == []


def test_repository_says_where_it_is_now(taken: Taken) -> None:
    head = git("rev-parse", "HEAD", cwd=taken.template.root).strip()
    linked = Linked.model_validate_json(shown(taken.world, BRANCH, PATH))
    assert (linked.commit, linked.checkout) == (head, None)
    assert linked.template == linked.context.cookiecutter["_template"] == str(taken.template.root)
    assert linked.answers["region"] == "eu"


def test_work_tree_and_other_branches_are_left_alone(taken: Taken) -> None:
    assert taken.world.git("status", "--porcelain") == ""
    assert taken.world.git("branch", "--format=%(refname:short)").split() == ["main", BRANCH]
    assert taken.world.git("worktree", "list").count("\n") == 0


def test_pull_request_says_what_it_brings_and_what_it_costs(taken: Taken) -> None:
    asked = wanted_update(taken.update, "main")
    assert asked.labels == ("template",)
    assert not asked.auto_merge
    lost, kept = (asked.body.index(f"- `{path}`") for path in (POLICY, RULES))
    assert asked.body.index("### Edits that are lost") < lost < asked.body.index("### Files that")
    assert lost < kept
    assert "- `region`: `eu`" in asked.body
    assert "(deliver 3 to 4)" in asked.body
    changed = taken.world.git("diff", "--name-only", "--no-renames", "main", BRANCH).splitlines()
    rows = asked.body.partition("### Files that change\n\n")[2].partition("\n\n")[0]
    assert rows.splitlines() == [f"- `{path}`" for path in changed]
    assert "Test what nobody gets" not in asked.body


def test_pull_request_calls_nobody(taken: Taken) -> None:
    assert "- `Thank @octocat for #12`\n" in wanted_update(taken.update, "main").body


def test_branch_with_work_of_others_is_not_replaced(taken: Taken, tmp_path: Path) -> None:
    world = taken.world.copy(tmp_path / "repository")
    world.git("switch", "--quiet", BRANCH)
    world.change({CI: "Mended by hand.\n"})
    world.git("switch", "--quiet", "main")
    with pytest.raises(Refused, match="branch-exists"):
        write(world.work, taken.update)
    world.git("switch", "--quiet", BRANCH)
    world.git("reset", "--quiet", "--soft", "HEAD~1")
    world.git("commit", "--quiet", "--amend", "--no-edit")
    world.git("switch", "--quiet", "main")
    with pytest.raises(Refused, match="branch-exists"):
        write(world.work, taken.update)


def test_branch_that_brings_the_same_stays_when_main_goes_on(taken: Taken, tmp_path: Path) -> None:
    world = taken.world.copy(tmp_path / "repository")
    world.change({"docs/notes.md": "Of ours.\n"})
    again = prepared(world)
    assert write(replace(world.work, requested_by="ada"), again) == taken.commit
    world.git("switch", "--quiet", BRANCH)
    world.git("merge", "--quiet", "--no-edit", "main")  # as the host's button does
    merged = world.git("rev-parse", "HEAD")
    world.git("switch", "--quiet", "main")
    assert write(world.work, again) == merged
    world.change({CI: f"{shown(world, 'main', CI)}\nMore of ours.\n"})
    newer = write(replace(world.work, requested_by="ada"), prepared(world))
    assert newer not in (taken.commit, merged)
    assert requesters(Change.between(world.repository, "main", newer, NOW)) == ["ada"]
    assert untouched(world.work, newer)


def test_branch_that_is_checked_out_stays_where_it_is(taken: Taken, tmp_path: Path) -> None:
    world = taken.world.copy(tmp_path / "repository")
    world.change({CI: "Newer main.\n"})
    world.git("switch", "--quiet", BRANCH)
    with pytest.raises(Refused, match="cannot be moved"):
        write(world.work, taken.update)
    assert world.git("rev-parse", "HEAD") == taken.commit


def test_update_that_was_merged_leaves_nothing_new(taken: Taken, tmp_path: Path) -> None:
    world = taken.world.copy(tmp_path / "repository")
    world.git("merge", "--quiet", "--squash", BRANCH)
    world.commit("Take in the template")
    assert prepared(world).tree == ""


def test_same_lines_are_a_conflict_that_names_files_and_a_way(
    owned: World, later: Template
) -> None:
    title = "# CI: the workflows, and the Jenkinsfile"
    owned.change({CI: later.text(CI).replace(title, "# Ours")})
    later.change({CI: later.text(CI).replace(title, "# Theirs")})
    with pytest.raises(Refused, match=f"update-conflicts: .* of {CI}") as refused:
        prepared(owned)
    assert BRANCH not in owned.git("branch")
    switch, pick = refused.value.next_step.split("`")[3].split(" && ")
    owned.git(*switch.split()[1:])
    with pytest.raises(subprocess.CalledProcessError):
        owned.git(*pick.split()[1:])
    assert owned.git("diff", "--name-only", "--diff-filter=U") == CI
    owned.change({CI: "# Both\n"})
    owned.git("switch", "--quiet", "main")
    owned.git("merge", "--quiet", "--squash", "update-by-hand")
    owned.commit()
    assert prepared(owned).tree == ""


def test_dry_run_writes_nothing(owned: World, later: Template) -> None:
    later.change({PLAIN: "New.\n"}, "Add a page")
    before = owned.git("for-each-ref"), owned.git("count-objects", "-v")
    done = deliver(owned, "update", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "- `Add a page`" in done.stdout
    assert (owned.git("for-each-ref"), owned.git("count-objects", "-v")) == before


def test_interrupted_update_leaves_nothing(owned: World, later: Template, tmp_path: Path) -> None:
    reached, temporary = tmp_path / "reached", tmp_path / "tmp"
    temporary.mkdir()
    wait = f"import pathlib, time\npathlib.Path({str(reached)!r}).touch()\ntime.sleep(600)\n"
    later.commit({HOOK: wait}, "Wait")
    before = owned.git("for-each-ref")
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "update"],
        cwd=owned.root,
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while not reached.exists():
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGINT)  # as Ctrl-C in a terminal
    assert running.communicate(timeout=60)[1].endswith("stopped; nothing is half-written\n")
    assert running.returncode == 130
    assert (owned.git("for-each-ref"), owned.git("status", "--porcelain")) == (before, "")
    assert list(temporary.iterdir()) == []


def test_commits_that_change_nothing_here_are_nothing_new(owned: World, later: Template) -> None:
    later.commit({"tests/extra.py": ""}, "Test")
    done = deliver(owned, "update", "--json")
    assert json.loads(done.stdout)["commit"] is None
    assert BRANCH not in owned.git("branch")


def test_tag_is_followed_once_it_was_named(owned: World, later: Template) -> None:
    later.change({PLAIN: "New.\n"})
    git("tag", "v2", cwd=later.root)
    later.change({PLAIN: "Newer.\n"})
    write(owned.work, prepared(owned, "v2"))
    assert shown(owned, BRANCH, PLAIN) == "New."
    owned.git("merge", "--quiet", BRANCH)
    assert prepared(owned).tree == ""


@pytest.mark.parametrize("checkout", ["", "HEAD^", "HEAD"])
def test_commit_is_not_followed(checkout: str, later: Template, tmp_path: Path) -> None:
    """`cruft link --checkout COMMIT` writes it where a branch or tag would stand."""
    newest = later.change({PLAIN: "New.\n"})
    named = git("rev-parse", "--short=12", checkout, cwd=later.root).strip() if checkout else None
    linked = Linked.model_validate({**later.state(), "checkout": named})
    with cloned(linked, tmp_path, {}) as source:
        assert source.find(None) == (newest, None)
        assert source.find(later.first) == (later.first, None)


def test_commit_leaves_what_is_followed(later: Template, tmp_path: Path) -> None:
    later.change({PLAIN: "New.\n"})
    linked = Linked.model_validate({**later.state(), "checkout": "main"})
    with cloned(linked, tmp_path, {}) as source:
        assert source.find(later.first) == (later.first, "main")


def test_repository_of_plain_cookiecutter_is_refused(owned: World) -> None:
    owned.change({PATH: None})
    done = deliver(owned, "update")
    assert (done.returncode, done.stderr.partition(":")[0]) == (1, "not-linked")
    assert "cruft link" in done.stderr


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"template": "https://user:canary@127.0.0.1:9/template.git"}, Unknown),
        ({"commit": "c" * 40}, Refused),
        ({"commit": "main"}, UsageError),
        ({"checkout": "no-such-branch"}, UsageError),
        ({"template": "--upload-pack=touch spoiled"}, Unknown),
        ({"template": "https://[::1/template.git"}, UsageError),
    ],
)
def test_template_that_cannot_be_had_is_named(
    changes: dict[str, object], error: type[Exception], owned: World
) -> None:
    names(owned, **changes)
    with pytest.raises(error) as refused:
        prepared(owned)
    assert "canary" not in str(refused.value)
    assert not (owned.root / "spoiled").exists()
    assert owned.git("status", "--porcelain") == ""


def test_template_that_refuses_the_answers_is_named(owned: World, later: Template) -> None:
    rule = "import os, sys\nsys.exit(os.environ.get('GH_TOKEN') or 'mend the slug')\n"
    later.commit({HOOK: rule}, "Refuse")
    with pytest.raises(Refused, match="template-not-rendered") as refused:
        prepared(owned)
    assert "mend the slug" in str(refused.value)


def test_template_of_something_else_is_refused(owned: World, tmp_path: Path) -> None:
    root = tmp_path / "other"
    (root / FOLDER).mkdir(parents=True)
    (root / FOLDER / "README.md").write_text("Something else.\n")
    (root / "cookiecutter.json").write_text('{"project_slug": "other"}')
    git("init", "--quiet", cwd=root)
    other = Template(root, Template(root, "").commit({}, "Start"))
    other.change({"README.md": "Else.\n"})
    names(owned, template=str(root), commit=other.first)
    with pytest.raises(Refused, match="other-template"):
        prepared(owned)


def test_new_deliver_that_does_not_take_the_repository_is_named(
    owned: World, later: Template
) -> None:
    later.change({"delivery/owners.py": "raise SystemExit('canary-owners')\n"})
    with pytest.raises(Refused, match="update-not-derived"):
        prepared(owned)
    assert BRANCH not in owned.git("branch")
