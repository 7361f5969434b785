"""Baked repositories with releases in them, each made once a process and copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.delivery.reported import Reported
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World, bake

OVERLAY = f"overlays/prod/{KUSTOMIZE_APP}/kustomization.yaml"


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A baked repository with one commit. Not to be changed."""
    return World(bake(tmp_path_factory.mktemp("baked")))


@pytest.fixture(scope="session")
def delivered(baked: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Release 1 of the Kustomize app everywhere, 2 in dev and staging. Not to be changed."""
    world = baked.copy(tmp_path_factory.mktemp("delivered") / "repository")
    world.deliver_to("prod", 1)
    world.deliver_to("staging", 2)
    return world


@pytest.fixture(scope="session")
def both_delivered(delivered: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """As `delivered`, with release 1 of the Helm app everywhere too. Not to be changed."""
    world = delivered.copy(tmp_path_factory.mktemp("both") / "repository")
    world.deliver_to("prod", 1, HELM_APP)
    return world


@pytest.fixture(scope="session")
def team(baked: World, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Release 1 of one app everywhere, 2 up to staging; the other app up to staging.

    prod's overlay of the first changed on main since. Not to be changed.
    """
    world = Reported(baked.copy(tmp_path_factory.mktemp("team") / "repository").root)
    world.deliver_to("prod", 1)
    world.deliver_to("staging", 2)
    world.deliver_to("staging", 1, HELM_APP)
    text = (world.root / OVERLAY).read_text()
    world.change({OVERLAY: text.replace("count: 3", "count: 4")}, "More copies in prod")
    return world


@pytest.fixture
def fresh(baked: World, tmp_path: Path) -> World:
    """A baked repository of the test's own."""
    return baked.copy(tmp_path / "repository")


@pytest.fixture
def world(delivered: World, tmp_path: Path) -> World:
    """A repository of the test's own with releases in it."""
    return delivered.copy(tmp_path / "repository")
