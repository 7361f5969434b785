"""Clones that lack branches, history or files, or belong to others: verbs work or say what lacks.

The verbs are called as a user calls them, in clones of an origin whose branches were all merged
and deleted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.delivery.world import KUSTOMIZE_APP, World
from tests.e2e.user import User

WHY = ("--reason", "because")
ROLLBACK = ("rollback", KUSTOMIZE_APP, "--env", "staging", *WHY)
READING = (("status",), ("history", KUSTOMIZE_APP), ("apps",), ("diff", "--base", "HEAD"))
Cloning = Callable[..., User]
LAST = ("check", "--base", "HEAD~1", "--head", "HEAD")


@pytest.fixture
def origin(world: World) -> World:
    """A repository that may be cloned in part; all its branches were squash-merged and deleted."""
    world.git("config", "uploadpack.allowFilter", "true")
    world.git("config", "uploadpack.allowAnySHA1InWant", "true")
    assert world.git("branch", "--format=%(refname:short)") == "main"
    return world


@pytest.fixture
def clone(origin: World, delivered: World, tmp_path: Path) -> Cloning:
    """Return a function that makes a clone over Git's own transport, and gives its user."""
    return lambda *words: cloned(origin, delivered, tmp_path / "clone", *words)


def cloned(origin: World, judge: World, folder: Path, *words: str) -> User:
    """Return the user of a clone, who has the `deliver` of another repository."""
    origin.git("clone", "--quiet", *words, f"file://{origin.root}", str(folder))
    for name, value in (("user.name", "Sam"), ("user.email", "sam@example.com")):
        World(folder).git("config", name, value)
    return User(folder, judge.root, folder.with_name("tmp"))


def all_works(user: User) -> None:
    """Fail unless a user can read, check and roll back."""
    for words in (*READING, ("check",), LAST, ROLLBACK):
        answer = user.deliver(*words)
        assert (answer.status, answer.err) == (0, ""), words


def test_deleted_branches_and_collected_objects_are_not_missed(
    origin: World, delivered: World, tmp_path: Path
) -> None:
    origin.git("reflog", "expire", "--expire=now", "--all")
    origin.git("gc", "--quiet", "--prune=now")
    all_works(User(origin.root, delivered.root, tmp_path / "tmp"))


@pytest.mark.slow
def test_whole_clone_is_as_good_as_its_origin(clone: Cloning) -> None:
    user = clone()
    all_works(user)
    assert "unknown" not in user.deliver("history", KUSTOMIZE_APP).out


def test_shallow_clone_reads_and_checks_what_it_has(clone: Cloning) -> None:
    user = clone("--depth=1")
    for words in (*READING, ("check",)):
        assert user.deliver(*words).status == 0, words
    assert "unknown: git fetch --unshallow" in user.deliver("history", KUSTOMIZE_APP).out


@pytest.mark.parametrize("words", [ROLLBACK, LAST, ("diff", "--base", "HEAD~1")], ids=" ".join)
def test_shallow_clone_says_what_to_fetch(words: tuple[str, ...], clone: Cloning) -> None:
    user = clone("--depth=1")
    before = user.state()
    answer = user.deliver(*words)
    answer.refuses(
        "history-missing" if words == ROLLBACK else "no-such-commit", 3 if words == ROLLBACK else 2
    )
    assert "git fetch --unshallow origin" in answer.said[1]
    assert user.state() == before
    World(user.root).git("fetch", "--quiet", "--unshallow", "origin")
    assert user.deliver(*words).status == 0


def test_shallow_clone_takes_no_commit_for_one_off_main(origin: World, clone: Cloning) -> None:
    number = origin.release(3)
    origin.git("branch", "--force", "change", number.branch)
    user = clone("--depth=1", "--no-single-branch")
    World(user.root).git("fetch", "--quiet", "--depth=2", "origin", "change")
    answer = user.deliver("check", "--base", "origin/main", "--head", "origin/change")
    codes = {line.split(":")[0] for line in answer.said} - {"A shallow or partial clone"}
    assert "built-off-main" not in codes
    assert answer.status in (0, 3), answer


@pytest.mark.slow
@pytest.mark.parametrize("filter_", ["blob:none", "tree:0"])
def test_partial_clone_fetches_what_it_lacks(filter_: str, clone: Cloning) -> None:
    all_works(clone(f"--filter={filter_}"))


def test_partial_clone_without_its_origin_says_what_lacks(clone: Cloning, tmp_path: Path) -> None:
    user = clone("--filter=blob:none")
    World(user.root).git("remote", "set-url", "origin", f"file://{tmp_path}/gone")
    for words in (*READING, ("check",)):
        assert user.deliver(*words).status == 0, words
    before = user.state()
    user.deliver(*ROLLBACK).refuses("history-missing", 3)
    assert user.state() == before


@pytest.fixture
def rewritten(origin: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A repository in whose history, rewritten, the sources that releases pin are others."""
    monkeypatch.setenv("FILTER_BRANCH_SQUELCH_WARNING", "1")
    path = f"apps/{KUSTOMIZE_APP}/deploy/kustomization.yaml"
    (origin.root / "other.yaml").write_text((origin.root / path).read_text() + "# other\n")
    blob = origin.git("hash-object", "-w", "other.yaml")
    (origin.root / "other.yaml").unlink()
    edit = f"git update-index --cacheinfo 100644,{blob},{path}"
    origin.git("filter-branch", "--index-filter", edit, "main")
    origin.git("update-ref", "-d", "refs/original/refs/heads/main")
    origin.git("reflog", "expire", "--expire=now", "--all")
    origin.git("gc", "--quiet", "--prune=now")
    for entry in origin.line("staging").entries:
        for pin in entry.record.release.sources.values():
            assert not origin.repository.exists(pin.tree)
    return origin


def test_release_whose_sources_are_gone_checks_and_rolls_back(
    rewritten: World, delivered: World, tmp_path: Path
) -> None:
    user = User(rewritten.root, delivered.root, tmp_path / "tmp")
    for words in (*READING, ("check",), ROLLBACK):
        assert user.deliver(*words).status == 0, words
    branch = f"rollback/staging/{KUSTOMIZE_APP}-0003"
    answer = user.deliver("check", "--base", "main", "--head", branch)
    assert (answer.status, answer.err) == (0, "")


def test_release_whose_sources_are_gone_is_not_rendered_anew(
    rewritten: World, delivered: World, tmp_path: Path
) -> None:
    path = f"overlays/staging/{KUSTOMIZE_APP}/kustomization.yaml"
    rewritten.change({path: (rewritten.root / path).read_text() + "# other\n"})
    user = User(rewritten.root, delivered.root, tmp_path / "tmp")
    before = user.state()
    answer = user.deliver("render", "--env", "staging", KUSTOMIZE_APP)
    answer.refuses("history-missing", 3)
    assert f"apps/{KUSTOMIZE_APP}/deploy" in answer.said[0]
    assert user.state() == before


SOMEBODY = 54321
"""A user that the system does not know, as continuous integration often has."""
AS_SOMEBODY = ("setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups")


@pytest.fixture
def somebody(origin: World, delivered: World) -> Iterator[User]:
    """Another user in a clone of their own; pytest's folders are closed to them."""
    if os.geteuid() or shutil.which(AS_SOMEBODY[0]) is None:
        pytest.skip("only root may act as another user")
    with tempfile.TemporaryDirectory(prefix="dlv-", dir="/tmp") as name:
        folder = Path(name)
        cloned(origin, delivered, folder / "clone")
        chart = World(folder / "clone")
        chart.git("switch", "--quiet", "--create", "change")
        chart.change({"charts/model-server/templates/NOTES.txt": "Hello\n"})
        chart.git("switch", "--quiet", "main")
        shutil.copytree(delivered.root / "delivery", folder / "package/delivery")
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, SOMEBODY, SOMEBODY)
        words = [*AS_SOMEBODY, sys.executable, "-c", "import pydantic"]
        if subprocess.run(words, cwd=folder, check=False, capture_output=True).returncode:
            pytest.skip("another user cannot run this Python")
        yield User(folder / "clone", folder / "package", folder / "tmp", by=AS_SOMEBODY)


@pytest.mark.slow
def test_clone_of_another_user_works(somebody: User) -> None:
    all_works(somebody)


@pytest.mark.slow
def test_user_without_a_home_is_told(somebody: User) -> None:
    words = ("check", "--base", "main", "--head", "change")
    answer = somebody.deliver(*words, HOME=None, XDG_CACHE_HOME=None)
    assert answer.status == 1
    assert {line.split(":")[0] for line in answer.said[::2]} == {"no-home"}
