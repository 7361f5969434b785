"""A baked repository passes its own lint, types and tests, as its workflow test.yml runs them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.bake.template import bake, git
from tests.workflows.acting import Ran, Runner

pytestmark = pytest.mark.slow

MODULE = "oncology/added.py"


@pytest.fixture(scope="module")
def repository(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bake with answers of its own, committed."""
    answers = {"project_name": "Größe 模型", "project_slug": "onco", "package_name": "oncology"}
    folder = bake(template, tmp_path_factory.mktemp("use") / "out", **answers)
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    commit(folder, "Start")
    return folder


def commit(folder: Path, message: str) -> None:
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", message, cwd=folder)


def pull_request_ran(repository: Path, branch: str, module: str, folder: Path) -> Ran:
    """Return how test.yml ran on a pull request that adds a module."""
    git("switch", "--quiet", "--create", branch, "main", cwd=repository)
    (repository / MODULE).write_text(module)
    commit(repository, "Add a module")
    environment = {
        "HOME": str(Path.home()),
        "ORIGIN": str(repository),
        "PATH": os.environ["PATH"],
        "PYTEST_DEBUG_TEMPROOT": str(folder),
    }
    request = {"pull_request": {"number": 1, "base": {"ref": "main"}}}
    return Runner(repository, folder / "act", environment).run("pull_request", "test.yml", request)


def test_baked_repository_passes_its_own_workflow(repository: Path, tmp_path: Path) -> None:
    ran = pull_request_ran(repository, "good", '"""Added."""\n', tmp_path)
    assert dict(ran.jobs) == {"test": "succeeded"}, ran.log
    assert re.search(r"\d+ passed", ran.log)


def test_pull_request_with_an_unused_import_is_red(repository: Path, tmp_path: Path) -> None:
    ran = pull_request_ran(repository, "bad", '"""Added."""\n\nimport os\n', tmp_path)
    assert dict(ran.jobs) == {"test": "failed"}, ran.log
    assert f"{MODULE}:3" in ran.log
