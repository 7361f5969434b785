"""Repositories that an app is added to, and what is asked of them afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from delivery.app import Style
from delivery.console import Say
from delivery.policy import Task
from delivery.skeletons import NewApp
from delivery.verbs.app_add import app_add, wanted_app, work_tree_settings

from tests.delivery.world import World

NAME = "churn-risk"
OWNER = "@acme/ml"
PACKAGE = "acme_models"
ENVIRONMENTS = ("dev", "staging", "prod")
ENVS = ".local/envs"
COMMAND = "from delivery.cli import main; main()"


def shared_environments(factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which all processes of one test run find what one of them installed."""
    base = factory.getbasetemp()
    worker = "PYTEST_XDIST_WORKER" in os.environ
    folder = (base.parent if worker else base) / "app-environments"
    folder.mkdir(exist_ok=True)
    return folder


def with_environments(world: World, folder: Path) -> World:
    """Return the repository, its apps' environments being those of a folder."""
    (world.root / ENVS).parent.mkdir(exist_ok=True)
    (world.root / ENVS).symlink_to(folder)
    return world


def say(text: str) -> None:
    """Take what a verb says while it works."""
    assert text


def add(
    world: World,
    name: str = NAME,
    style: Style = "kustomize",
    task: Task = "binary-classification",
    saying: Say = say,
) -> list[str]:
    """Return the paths that adding an app wrote."""
    new = NewApp(name, style, task, OWNER)
    return app_add(world.root, work_tree_settings(world.root), new, saying)


def wanted(world: World, name: str, style: str = "helm", task: str = "regression") -> NewApp:
    """Return the app that a call asks for."""
    return wanted_app(world.root, name, style, task, None)


def commit(world: World, branch: str = "main") -> None:
    """Commit what Git does not ignore, on a branch."""
    if branch != "main":
        world.git("switch", "--quiet", "--create", branch)
    world.git("add", "--all")
    world.git("commit", "--quiet", "--message", "Add an app")


def untracked(world: World) -> list[str]:
    """Return the files that were added to the work tree and not committed."""
    return sorted(world.git("ls-files", "--others", "--exclude-standard").splitlines())


def deliver(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    """Return what the repository's own `deliver` answered."""
    return run(world, sys.executable, "-c", COMMAND, *words)


def run(world: World, *command: str) -> subprocess.CompletedProcess[str]:
    """Return what a program answered in the repository, free of this test's settings."""
    dropped = ("PYTEST", "PYTHONPATH", "MLFLOW")
    env = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return subprocess.run(
        command, cwd=world.root, env=env, capture_output=True, text=True, check=False
    )
