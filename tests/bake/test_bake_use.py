"""A baked repository passes its own lint, types and tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bake.template import bake, git

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def repository(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bake with answers of its own, committed; the tests' Python stands for `make setup`."""
    answers = {"project_name": "Größe 模型", "project_slug": "onco", "package_name": "oncology"}
    folder = bake(template, tmp_path_factory.mktemp("use") / "out", **answers)
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "Start", cwd=folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("target", ["lint", "test"])
def test_baked_repository_passes_its_own(repository: Path, target: str, tmp_path: Path) -> None:
    ours = ("PYTEST", "PYTHONPATH")  # settings of this test run
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    env["PYTEST_DEBUG_TEMPROOT"] = str(tmp_path)
    done = subprocess.run(
        ["make", target, f"BIN={BIN}"],
        cwd=repository,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
