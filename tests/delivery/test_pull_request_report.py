"""The comment on a pull request: what a reader is told, and what nobody may read in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery.report.page import MARKER
from syrupy.assertion import SnapshotAssertion

from tests.delivery.reported import Reported, text_of
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP


@pytest.fixture
def own(team: Reported, tmp_path: Path) -> Reported:
    return team.copy(tmp_path / "repository")


def joined(world: Reported) -> str:
    """Return a branch that promotes both apps to prod."""
    commits = [world.promote("prod", app).commit for app in (KUSTOMIZE_APP, HELM_APP)]
    world.git("switch", "--quiet", "--create", "both", "main")
    for commit in commits:
        world.git("cherry-pick", commit)
    world.git("switch", "--quiet", "main")
    return "both"


def test_promotions_are_told_as_golden(own: Reported, snapshot: SnapshotAssertion) -> None:
    page = own.report(joined(own))
    assert page.found.exit_code == 0
    assert text_of(page) == snapshot


def test_other_kinds_are_told_as_golden(own: Reported, snapshot: SnapshotAssertion) -> None:
    [configured] = own.render("prod", KUSTOMIZE_APP)
    back = own.rollback("staging")
    texts = [text_of(own.report(one.branch)) for one in (configured, back)]
    own.merge(back)
    texts.append(text_of(own.report(own.resume("staging").branch)))
    assert texts == snapshot


def test_sources_alone_take_two_lines(own: Reported) -> None:
    own.git("switch", "--quiet", "--create", "sources")
    own.change({"README.md": "# Models\n"})
    page = own.report("sources")
    lines = [line for line in page.markdown().splitlines() if line]
    assert lines[0] == MARKER
    assert len(lines) == 3
    assert "It touches no file in `releases/`. All rules hold." in lines[2]
