"""What the pull request of a step says, in words for people who never saw Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from delivery.check.change import Change
from delivery.errors import Refused
from delivery.proposal import Proposal
from delivery.records import Kind
from delivery.verbs.approvals import _records
from delivery.verbs.pull_request import Wanted, wanted
from delivery.verbs.resume import resume
from delivery.verbs.rollback import rollback
from delivery.workplace import Workplace

from tests.delivery.world import KUSTOMIZE_APP, NOW, World

APP = KUSTOMIZE_APP
OVERLAY = f"overlays/dev/{APP}/kustomization.yaml"
HOSTILE = "fine | <!-- @acme/everyone [look](https://evil.example) <b>"
Make = Callable[[World], Proposal]


class Again(World):
    """A repository as `promote --pr` has it: a branch may hold the same step already."""

    @property
    def work(self) -> Workplace:
        return replace(super().work, branches="again")


def changed(world: World) -> Proposal:
    text = (world.root / OVERLAY).read_text()
    world.change({OVERLAY: f"{text}labels:\n  - pairs: {{team: ml}}\n"})
    return world.render("dev", APP)[0]


def resumed(world: World) -> Proposal:
    world.merge(world.rollback("staging"))
    return resume(world.work, APP, "staging", reason="mended", change=None)


def asked(world: World, proposal: Proposal) -> Wanted:
    return wanted(world.work, proposal)


@pytest.mark.parametrize(
    ("make", "title", "sentence"),
    [
        (lambda w: w.release(3), "release(dev)", f"Brings model 3 of {APP} into dev, as a new"),
        (lambda w: w.promote("prod"), "promote(prod)", f"Takes model 2 of {APP} from staging"),
        (lambda w: w.rollback("staging"), "rollback(staging)", f"Puts {APP} in staging back to"),
        (changed, "configure(dev)", f"Gives {APP} in dev the settings that main has now"),
        (resumed, "resume(staging)", f"Ends the hold of {APP} in staging"),
    ],
    ids=["release", "promote", "rollback", "configure", "resume"],
)
def test_each_kind_is_told_in_a_sentence(
    make: Make, title: str, sentence: str, world: World
) -> None:
    found = asked(world, make(world))
    assert found.title.startswith(f"{title}: {APP} model ")
    assert found.body.splitlines()[1].startswith(sentence)


def test_way_so_far_is_each_record_that_accepted_the_release(world: World) -> None:
    rows = [row for row in asked(world, world.promote("prod")).body.splitlines() if "| PASS" in row]
    assert [row.split(" | ")[1] for row in rows] == ["dev/0002", "staging/0002"]


def test_first_release_has_no_way_yet(world: World) -> None:
    assert "The way so far" not in asked(world, world.release(3)).body


def test_environment_without_approvals_is_merged_by_itself(world: World) -> None:
    release, promotion = asked(world, world.release(3)), asked(world, world.promote("prod"))
    assert (release.auto_merge, promotion.auto_merge) == (True, False)
    assert "Nobody has to approve it" in release.body
    assert "2 people other than its author have to approve it" in promotion.body
    assert promotion.labels == ("environment/prod", "kind/promote")


@pytest.mark.parametrize(("kind", "count"), [("promote", 2), ("resume", 2), ("rollback", 1)])
def test_rollback_needs_one_approval_at_most(kind: Kind, count: int, world: World) -> None:
    settings = world.work.settings
    assert settings.environment("prod").needs(kind) == count
    assert settings.environment("dev").needs(kind) == 0


def test_reason_is_shown_as_text_and_hides_nothing(world: World) -> None:
    made = rollback(world.work, APP, "staging", to=None, reason=HOSTILE, change=HOSTILE)
    body = re.sub("`[^`]*`", "", asked(world, made).body)  # as code nobody is mentioned
    for sign in ("<!-- @", "@acme", "[look]", "<b>", "fine |"):
        assert sign not in body


def test_same_step_is_taken_as_it_is(world: World) -> None:
    first = Again(world.root).promote("prod")
    world.change({"README.md": "main goes on\n"})
    assert Again(world.root).promote("prod").commit == first.commit


def test_same_step_that_origin_alone_has_is_here_afterwards(world: World) -> None:
    """What comes next in a workflow, in a clone of its own, looks for the branch."""
    first = Again(world.root).promote("prod")
    world.git("update-ref", f"refs/remotes/origin/{first.branch}", first.commit)
    world.git("branch", "--quiet", "-D", first.branch)
    assert Again(world.root).promote("prod").commit == first.commit
    assert world.git("rev-parse", f"refs/heads/{first.branch}") == first.commit


def test_records_of_an_environment_that_main_lost_meanwhile_are_not_let_through(
    world: World,
) -> None:
    """Nothing would say how many have to approve them."""
    branch = world.promote("prod").branch
    text = (world.root / "delivery.yaml").read_text()
    world.change({"delivery.yaml": text[: text.index("  - name: prod")]})
    change = Change.between(world.repository, "main", branch, NOW)
    with pytest.raises(Refused, match="unknown-line"):
        list(_records(change))


def test_same_step_with_more_in_it_is_not_ours(world: World) -> None:
    """Whoever may push could have made the branch before, for the robot to open as its own."""
    world.git("switch", "--quiet", Again(world.root).promote("prod").branch)
    world.write({"Makefile": "setup:\n"})
    world.commit()
    with pytest.raises(Refused, match="branch-exists"):
        Again(world.root).promote("prod")


def test_title_and_body_of_many_apps_fit(world: World) -> None:
    """GitHub takes 256 characters, and 65,536."""
    one = world.promote("prod")
    reason = one.steps[0].record.model_copy(update={"reason": "because " * 60})
    many = replace(one, steps=[replace(one.steps[0], record=reason)] * 400)
    found = asked(world, many)
    assert len(found.title) <= 250
    assert len(found.body.encode()) <= 65_000
    assert "**Why:**" in found.body
    assert "people other than its author have to approve" in found.body
