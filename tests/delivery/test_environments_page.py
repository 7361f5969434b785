"""docs/environments.md: its commands run in a baked folder, its examples are settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from delivery.argocd.files import argocd_files
from delivery.settings import Environment

from tests.delivery.world import World
from tests.docs.pages import GENERATED, Page, blocks

PAGE = "docs/environments.md"
VERB = f'#!/bin/sh\nexec "{sys.executable}" -c "from delivery.cli import main; main()" "$@"\n'


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `deliver` is found, as after `make setup`."""
    program = tmp_path / "bin/deliver"
    program.parent.mkdir()
    program.write_text(VERB)
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


def test_commands_add_an_environment(fresh: World, path: str) -> None:
    shell = "\n".join(["set -eu", *blocks((fresh.root / PAGE).read_text(), "sh")])
    done = subprocess.run(
        ["bash", "-c", shell],
        cwd=fresh.root,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(GENERATED)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    fresh.git("switch", "--quiet", "main")
    fresh.git("merge", "--quiet", "--ff-only", "add-canary")
    settings = fresh.work.settings
    assert settings.names[-1] == "canary"
    assert all(app.in_environment("canary") for app in fresh.work.apps)
    assert "argocd/canary/namespace/quota.yaml" in argocd_files(settings)


def test_example_of_windows_is_one_that_settings_take() -> None:
    (example,) = Page(f"{GENERATED.name}/{PAGE}").blocks("yaml")
    row = {
        "name": "prod",
        "cluster": "https://kubernetes.default.svc",
        "namespace": "acme-prod",
        "kubernetes": "1.36",
        **yaml.safe_load(example),
    }
    (window,) = Environment.model_validate(row).windows
    assert (window.kind, window.manual) == ("allow", True)
