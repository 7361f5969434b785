"""Whose approvals count: which merges leave a pull request as it was approved, and who asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery.check.change import Change
from delivery.verbs.approvals import Approved, Need, equal_commits, missing, requesters

from tests.delivery.world import NOW, World


@pytest.fixture
def asked(tmp_path: Path) -> World:
    """On the branch `asked`, which changes a file; main has gone on since."""
    world = World(tmp_path)
    world.git("init", "--quiet", "--initial-branch=main")
    world.change({"mains": "1\n", "asked": "1\n"})
    world.git("branch", "asked")
    world.change({"mains": "2\n"})
    world.git("switch", "--quiet", "asked")
    world.change({"asked": "2\n"})
    return world


def on_main(world: World, files: dict[str, str]) -> None:
    world.git("switch", "--quiet", "main")
    world.change(files)
    world.git("switch", "--quiet", "asked")


def counted(world: World) -> int:
    """Return of how many commits the approvals count."""
    return len(equal_commits(world.repository, "main", world.git("rev-parse", "asked")))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Approved("dev", 0, ()), "dev: nobody has to approve"),
        (Approved("prod", 2, ("ada", "ben")), "prod: approved by ada, ben"),
        (Approved("*", 1, ("ben",)), "files of the root folder (`*`): approved by ben"),
    ],
)
def test_what_is_approved_is_told_in_words(found: Approved, said: str) -> None:
    assert found.sentence == said


def test_what_is_missing_is_told_in_words() -> None:
    one = missing(Need("*", 1, ("@acme/ml",)), ()).seen
    assert one == "files of the root folder (`*`): 1 approval of the newest commit needed, 0 there."
    two = missing(Need("prod", 2, ()), ("ada",)).seen
    assert two == "prod: 2 approvals of the newest commit needed, 1 there (ada)."


def test_main_taken_in_twice_is_the_same(asked: World) -> None:
    asked.git("merge", "--quiet", "--no-edit", "main")
    on_main(asked, {"mains": "3\n"})
    asked.git("merge", "--quiet", "--no-edit", "main")
    assert counted(asked) == 3


def test_merge_that_undoes_what_main_changed_is_another(asked: World) -> None:
    """Its file is as it was approved, and takes away what main has by now."""
    on_main(asked, {"asked": "mended\n"})
    asked.git("merge", "--quiet", "--no-edit", "--strategy-option=ours", "main")
    assert counted(asked) == 1


def test_merge_that_undoes_all_that_main_changed_is_another(asked: World) -> None:
    asked.git("merge", "--quiet", "--no-edit", "--strategy=ours", "main")
    assert counted(asked) == 1


def test_merge_that_changes_a_mode_is_another(asked: World) -> None:
    asked.git("merge", "--quiet", "--no-commit", "--no-ff", "main")
    asked.git("update-index", "--chmod=+x", "asked")
    asked.git("commit", "--quiet", "--no-edit")
    assert counted(asked) == 1


def test_merge_of_something_else_than_main_is_another(asked: World) -> None:
    asked.git("switch", "--quiet", "--create", "other", "main")
    asked.commit("Nobody merged this")
    asked.git("switch", "--quiet", "asked")
    asked.git("merge", "--quiet", "--no-edit", "other")
    assert counted(asked) == 1


def test_merge_into_main_is_another(asked: World) -> None:
    """Its first parent is main's, so that all it brings is by the second."""
    asked.git("switch", "--quiet", "--detach", "main")
    asked.git("merge", "--quiet", "--no-edit", "--no-ff", "asked")
    asked.git("branch", "--quiet", "--force", "asked", "HEAD")
    assert counted(asked) == 1


def test_merge_of_several_is_another(asked: World) -> None:
    parents = [asked.git("rev-parse", name) for name in ("asked", "main", "main~1")]
    words = [word for parent in parents for word in ("-p", parent)]
    made = asked.git("commit-tree", "asked^{tree}", *words, "-m", "Octopus")
    asked.git("branch", "--quiet", "other", made)
    assert len(equal_commits(asked.repository, "main", made)) == 1


def test_merge_after_histories_crossed_is_another(asked: World) -> None:
    """Of two bases a host shows what lies after one: not what was undone of the other."""
    asked.git("switch", "--quiet", "--create", "side", "main~1")
    asked.commit("Bring nothing")
    on_main(asked, {"mains": "mended\n"})
    mended = asked.git("rev-parse", "main")
    asked.git("switch", "--quiet", "main")
    asked.git("merge", "--quiet", "--no-edit", "--no-ff", "side")
    asked.git("switch", "--quiet", "asked")
    asked.git("merge", "--quiet", "--no-edit", "--strategy=ours", mended)
    asked.git("merge", "--quiet", "--no-edit", "--strategy=ours", "side")
    asked.git("merge", "--quiet", "--no-edit", "--strategy=ours", "main")
    assert counted(asked) == 1


def test_everybody_who_pressed_a_button_asked(asked: World) -> None:
    """Jenkins makes one build of what two asked for."""
    asked.commit("Promote\n\nRequested-by: ada ben")
    change = Change.between(asked.repository, "main", "asked", NOW)
    assert requesters(change) == ["ada", "ben"]
