from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import delivery
import pytest
from delivery.errors import Refused
from delivery.local import machine

TEMPLATE = Path(delivery.__file__).parent.parent


def call(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # Isolated from installed packages: the verbs run before there are any.
    command = [sys.executable, "-S", "-m", "delivery.local", *words]
    env = {**os.environ, "PYTHONPATH": str(TEMPLATE)}
    return subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, check=False)


def test_help_names_every_verb(tmp_path: Path) -> None:
    answer = call("--help", cwd=tmp_path)
    assert answer.returncode == 0
    for verb in ("machine", "setup", "tools", "containers", "base", "services", "services-stop"):
        assert verb in answer.stdout


def test_failure_is_two_lines_and_an_exit_status(tmp_path: Path) -> None:
    answer = call("services", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.startswith("broken-file: delivery.yaml: there is no such file here.\n")
    assert len(answer.stderr.splitlines()) == 2


def test_stop_without_services_is_no_failure(tmp_path: Path) -> None:
    answer = call("services-stop", cwd=tmp_path)
    assert answer.stdout.splitlines() == ["registry: was not running.", "mlflow: was not running."]


@pytest.mark.usefixtures("no_programs")
def test_machine_that_lacks_everything_is_told_what(root: Path) -> None:
    with pytest.raises(Refused) as refused:
        machine.main(root, print)
    assert refused.value.code == "machine-lacks"
    for package in ("git", "buildah", "podman", "runc", "docker-registry"):
        assert package in refused.value.next_step.split()


def test_make_help_lists_the_targets(tmp_path: Path) -> None:
    command = ["make", "-s", "-f", str(TEMPLATE / "Makefile")]
    listed = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=True)
    targets = [line.split()[0] for line in listed.stdout.splitlines()]
    assert targets[:5] == ["help", "machine", "setup", "tools", "base"]
    assert {"services", "services-stop", "lint", "test", "lock"} <= set(targets)
