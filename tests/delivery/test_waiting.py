"""What waits is said where people look: branches to merge, commits to push, the way to go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery.errors import Refused
from delivery.verbs.report import report
from delivery.verbs.status import status

from tests.delivery.world import KUSTOMIZE_APP, NOW, World


def note(world: World, environment: str) -> str:
    rows = {(row["app"], row["environment"]): row["note"] for row in status(world.work)}
    return rows[KUSTOMIZE_APP, environment]


def test_status_names_the_branch_that_waits(world: World) -> None:
    proposal = world.promote("prod")
    assert f"branch {proposal.branch} waits" in note(world, "prod")
    world.git("merge", "--quiet", "--squash", proposal.branch)
    world.git("commit", "--quiet", "--message", "Merge, and leave the branch")
    assert "waits" not in note(world, "prod")


def test_promote_past_an_environment_names_the_step_before(world: World) -> None:
    world.merge(world.promote("prod"))
    world.merge(world.release(3))
    with pytest.raises(Refused) as refusal:
        world.promote("prod")
    assert refusal.value.code == "nothing-to-promote"
    assert f"deliver promote {KUSTOMIZE_APP} --to staging" in refusal.value.next_step


def test_promote_names_the_branch_that_is_not_merged(world: World) -> None:
    world.merge(world.promote("prod"))
    branch = world.release(3).branch
    with pytest.raises(Refused) as refusal:
        world.promote("prod")
    assert branch in refusal.value.next_step


def test_merged_but_not_pushed_asks_for_the_push(world: World, tmp_path: Path) -> None:
    world.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    world.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    world.git("push", "--quiet", "origin", "main")
    world.change({f"apps/{KUSTOMIZE_APP}/deploy/note.txt": "x"})
    with pytest.raises(Refused) as refusal:
        world.work.require_committed([f"apps/{KUSTOMIZE_APP}"])
    assert "git push origin main" in refusal.value.next_step


def test_branch_on_origin_is_taken_too(world: World) -> None:
    branch = world.promote("prod").branch
    world.git("update-ref", f"refs/remotes/origin/{branch}", branch)
    world.git("branch", "-D", branch)
    with pytest.raises(Refused) as refusal:
        world.repository.require_free(branch)
    assert f"git push origin --delete {branch}" in refusal.value.next_step


def test_what_was_rolled_back_is_said_to_have_been(world: World) -> None:
    world.merge(world.promote("prod"))
    world.deliver_to("prod", 3)
    world.merge(world.rollback("prod"))
    world.merge(world.resume("prod"))
    assert "which prod/0004 took back here" in note(world, "prod")
    proposal = world.promote("prod")
    text = report(world.repository, "main", proposal.branch, NOW).markdown()
    assert "took it back: test." in text
