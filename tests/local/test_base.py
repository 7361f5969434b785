from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from delivery.environment import load, read_env
from delivery.local import base, containers, engines

from tests.local.sample import repository

LIMITS = (
    *("--rm", "-i", "--network", "none", "--read-only", "--cap-drop=ALL"),
    *("--security-opt", "no-new-privileges", "--memory", "512m", "--pids-limit", "128"),
)
UPPER = "import sys; print(sys.stdin.read().upper())"


def dockerfile(root: Path, image: str) -> None:
    (root / "Dockerfile").write_text(f"ARG BASE={image}\nFROM ${{BASE}}\n")


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("python:3.13-slim", engines.DOCKER_HUB),
        ("docker.io/library/python@sha256:00", engines.DOCKER_HUB),
        ("library/python", engines.DOCKER_HUB),
        ("ghcr.io/acme/base", "ghcr.io"),
        ("127.0.0.1:5000/base", "127.0.0.1:5000"),
        ("localhost/base", "localhost"),
    ],
)
def test_registry_host_is_named_by_the_image(image: str, host: str) -> None:
    assert engines.registry_host(image) == host


def test_public_default_is_the_dockerfiles(root: Path) -> None:
    dockerfile(root, "ghcr.io/acme/base@sha256:00")
    assert base.public_default(root) == "ghcr.io/acme/base@sha256:00"


def test_base_that_the_user_chose_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELIVER_BASE_IMAGE", "ghcr.io/acme/base")
    said: list[str] = []
    base.main(root, said.append)
    assert said == ["DELIVER_BASE_IMAGE is set to ghcr.io/acme/base: nothing to do."]
    assert read_env(root) == {}


def test_unreachable_registry_is_told_in_seconds() -> None:
    assert not engines.registry_answers("127.0.0.1:9", timeout_s=1)


@pytest.mark.slow
@pytest.mark.skipif(
    os.geteuid() != 0 or not (shutil.which("debootstrap") and shutil.which("podman")),
    reason="makes a Debian and runs it",
)
def test_made_base_runs_under_the_gates_limits(tmp_path: Path) -> None:
    # The user's own cache, so that the minute is spent once.
    root = repository(tmp_path)
    dockerfile(root, "127.0.0.1:9/no-such-base")
    before = dict(os.environ)
    try:
        containers.main(root, print)
        load(root)
        base.main(root, print)
        image = read_env(root)["DELIVER_BASE_IMAGE"]
        program = engines.first(engines.RUNNERS) or "podman"
        command = [program, "run", *LIMITS, image, "python3", "-c", UPPER]
        done = subprocess.run(command, input="hello", text=True, capture_output=True, check=True)
        assert done.stdout == "HELLO\n"
    finally:
        os.environ.clear()
        os.environ.update(before)
