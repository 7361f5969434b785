"""Repositories in which a user calls `deliver`, each made once a process and copied for a test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.delivery import toys
from tests.delivery.world import HELM_APP, World, bake
from tests.e2e.user import User


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Release 1 of both apps in dev and staging, release 2 of one. Not to be changed."""
    world = World(bake(tmp_path_factory.mktemp("delivered")))
    world.deliver_to("staging", 1, HELM_APP)
    world.deliver_to("staging", 1)
    world.deliver_to("staging", 2)
    return world


@pytest.fixture(scope="session")
def scratch(delivered: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A copy that each test spoils and the next one restores, which is faster than copying."""
    return delivered.copy(tmp_path_factory.mktemp("scratch") / "repository")


@pytest.fixture
def world(scratch: World, delivered: World) -> World:
    """A repository of the test's own with releases in it."""
    shutil.copy(delivered.root / ".git/config", scratch.root / ".git/config")
    start = delivered.git("rev-parse", "HEAD")
    scratch.git("symbolic-ref", "HEAD", "refs/heads/main")
    for ref in scratch.git("for-each-ref", "--format=%(refname)").splitlines():
        scratch.git("update-ref", "-d", ref)
    scratch.git("update-ref", "refs/heads/main", start)
    scratch.git("reset", "--quiet", "--hard")
    scratch.git("clean", "-dffx", "--quiet")
    return scratch


@pytest.fixture
def user(world: World, delivered: World, tmp_path: Path) -> User:
    """A user in that repository."""
    return User(world.root, delivered.root, tmp_path / "tmp")


@pytest.fixture
def modeller(delivered: World, tmp_path: Path) -> User:
    """A user in a repository whose one app trains in no time, and MLflow knows no model."""
    (tmp_path / "mlflow.db").touch()
    root = toys.make(tmp_path / "lab", tmp_path / "mlflow.db").root
    for name, value in (("user.name", "Sam"), ("user.email", "sam@example.com")):
        toys.git(root, "config", name, value)
    return User(root, delivered.root, tmp_path / "tmp")
