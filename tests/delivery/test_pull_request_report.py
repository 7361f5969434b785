"""The comment on a pull request: what a reader is told, and what nobody may read in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery.report.page import MARKER
from syrupy.assertion import SnapshotAssertion

from tests.delivery.reported import Reported, text_of
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World

OVERLAY = f"overlays/prod/{KUSTOMIZE_APP}/kustomization.yaml"
DEPLOYMENT = f"releases/prod/{KUSTOMIZE_APP}/manifests/deployment-{KUSTOMIZE_APP}.yaml"


@pytest.fixture(scope="module")
def team(baked: World, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Release 1 of one app everywhere, 2 up to staging; the other app up to staging."""
    world = Reported(baked.copy(tmp_path_factory.mktemp("team") / "repository").root)
    world.deliver_to("prod", 1)
    world.deliver_to("staging", 2)
    world.deliver_to("staging", 1, HELM_APP)
    text = (world.root / OVERLAY).read_text()
    world.change({OVERLAY: text.replace("count: 3", "count: 4")}, "More copies in prod")
    return world


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
