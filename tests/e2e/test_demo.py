"""The demo's path, for real: training, MLflow, images, a registry, Git, kustomize and helm."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery.environment import read_env

from demo.folder import free_port
from demo.shell import Shell
from demo.story import APPS, TUMOUR

ENVIRONMENTS = ("dev", "staging", "prod")
TEMPLATE = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder that the demo left, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "repository"
    done = subprocess.run(
        [sys.executable, "-m", "demo", str(folder)],
        cwd=TEMPLATE,
        env=os.environ | {"PYTHONPATH": "{{cookiecutter.project_slug}}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    yield folder, done.stdout
    Shell(folder)("make", "services-stop", show=False)


def machine(folder: Path, *words: str) -> Any:
    """Return what a verb prints for machines."""
    shell = Shell(folder)
    done = subprocess.run(
        ["deliver", *words, "--json"],
        cwd=folder,
        env=shell.environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def test_demo_leaves_both_apps_in_all_environments(told: tuple[Path, str]) -> None:
    found = {(row["app"], row["environment"]): row["model"] for row in machine(told[0], "status")}
    assert set(found) == {(app, env) for app in APPS for env in ENVIRONMENTS}
    assert all(found.values())


def test_demo_leaves_a_clean_main_that_verifies(told: tuple[Path, str]) -> None:
    shell = Shell(told[0])
    assert shell("git", "status", "--porcelain", show=False) == ""
    assert shell("git", "branch", "--show-current", show=False).strip() == "main"
    assert shell("git", "rev-parse", "main", show=False) == shell(
        "git", "rev-parse", "origin/main", show=False
    )
    shell("deliver", "check", show=False)


def test_demo_refuses_the_worse_model_with_its_reason(told: tuple[Path, str]) -> None:
    refusal = re.search(r"gate-failed: .*tumour-classifier for dev: (.*)", told[1])
    assert refusal is not None
    assert "floor-accuracy is FAIL" in refusal[1]
    models = {entry["model"] for entry in machine(told[0], "history", TUMOUR)}
    assert models == {"1", "2"}


def test_demo_rolls_back_and_resumes(told: tuple[Path, str]) -> None:
    kinds = [entry["kind"] for entry in machine(told[0], "history", TUMOUR, "--env", "prod")]
    assert kinds == ["resume", "rollback", "promote", "promote"]
    assert "on-hold" in told[1]


def test_demo_serves_what_the_release_recorded(told: tuple[Path, str]) -> None:
    assert "the same that the release recorded when it was made" in told[1]


def test_demo_stops_what_it_started(told: tuple[Path, str]) -> None:
    pids = list((told[0] / ".local/run").glob("*.pid"))
    assert pids == []


def test_services_come_back_and_are_named_when_they_lack(told: tuple[Path, str]) -> None:
    shell = Shell(told[0])
    app = "progression-forecast"
    out = shell("deliver", "build", app, expect=3, show=False)
    assert "make services" in out
    shell(sys.executable, "-m", "delivery.local", "services", "--only", "registry", show=False)
    out = shell("deliver", "release", app, expect=1, show=False)
    assert "nothing-to-release" in out


@contextmanager
def container(told: tuple[Path, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a container on this machine's network, ended afterwards."""
    run = ["podman", "run", "--rm", "--network=host", "--read-only", "--cap-drop=ALL", *words]
    env = {**read_env(told[0]), **Shell(told[0]).environment()}
    process = subprocess.Popen(run, env=env, stdout=subprocess.PIPE, text=True)
    with process:
        yield process
        process.terminate()


@pytest.mark.parametrize("app", APPS)
def test_image_answers_what_its_job_asks(told: tuple[Path, str], app: str) -> None:
    folder = told[0] / f"releases/prod/{app}/manifests"
    job = yaml.safe_load((folder / f"job-{app}-question.yaml").read_text())
    asked = yaml.safe_load((folder / f"configmap-{app}-question.yaml").read_text())["data"]
    file = told[0].parent / f"{app}.json"
    file.write_text(asked["question.json"])
    (pod,) = job["spec"]["template"]["spec"]["containers"]
    port = str(free_port())
    words = [pod["args"][0], "127.0.0.1", port, *pod["args"][3:]]
    mount = f"--volume={file}:{pod['volumeMounts'][0]['mountPath']}/question.json:ro"
    server = container(told, f"--env=PORT={port}", pod["image"])
    with server, container(told, mount, pod["image"], *words) as asking:
        assert asking.wait(timeout=90) == 0
        assert "are the release's" in str(asking.stdout and asking.stdout.read())


def test_same_sources_train_the_same_model(told: tuple[Path, str]) -> None:
    app = "progression-forecast"
    record = yaml.safe_load((told[0] / f"releases/dev/{app}/records/0001.yaml").read_text())
    again = machine(told[0], "train", app)["model"]
    assert again["version"] == "2"
    assert again["digest"] == record["release"]["model"]["digest"]


def test_train_changed_takes_only_what_main_outdates(told: tuple[Path, str]) -> None:
    # The newest model of the tumour classifier is the worse one, whose parameters were taken back.
    trained = [entry["model"]["name"] for entry in machine(told[0], "train", "--changed")]
    assert trained == [TUMOUR]
    assert machine(told[0], "train", "--changed") == []
