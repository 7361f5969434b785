"""deliver.yml executed: a model is trained, built and released into a main that is protected."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from delivery.environment import read_env
from delivery.local.daemons import free_port, running

from tests.delivery import containers
from tests.delivery.hosted import ADA, host_world
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World, bake
from tests.githost import GitHost
from tests.workflows.conftest import Place, hosted_runner
from tests.workflows.test_workflows import CALLED, comments, holds_no_secret

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("demo"),  # which builds the same layers, in the same store
    pytest.mark.skipif(not containers.available(), reason="needs podman and docker-registry"),
]

JOBS = ("train", "build", "release")
NOTHING = (
    "every app has a model of its code and locks",
    "every model of main's code and locks has an image",
    "no app differs from its newest release",
)
BROKEN = "no data today"
PUSH = {"ref": "refs/heads/main"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Place]:
    """A repository that never released, and a registry and MLflow; one of two apps is broken."""
    address = f"127.0.0.1:{free_port('127.0.0.1')}"
    world = World(bake(tmp_path, registry=f"{address}/acme"))
    training = f"acme_models/{HELM_APP.replace('-', '_')}/train.py"
    world.change({training: "raise SystemExit('no data today')\n"}, "Break one app")
    try:
        make(world, "setup", "base", "services")
        yield Place(world, address, read_env(world.root), world.root / ".venv")
    finally:
        make(world, "services-stop")


def make(world: World, *targets: str) -> None:
    own = {key: value for key, value in os.environ.items() if not key.startswith("CONTAINERS_")}
    words = ["make", "--no-print-directory", *targets]
    done = subprocess.run(words, cwd=world.root, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def drop_broken(world: World) -> None:
    """Commit on main, as it came back from the host, that there is one app less."""
    world.git("merge", "--quiet", "--ff-only", "origin/main")
    for pattern in ("apps/{}", "overlays/*/{}", "*/" + HELM_APP.replace("-", "_")):
        for folder in world.root.glob(pattern.format(HELM_APP)):
            shutil.rmtree(folder)
    world.commit("Drop the broken app")


def failed(jobs: Mapping[str, str]) -> list[str]:
    return [name for name, how in jobs.items() if how != "succeeded"]


# One test: what comes before the second run takes most of a minute.
def test_what_is_merged_comes_to_dev_without_a_hand_though_another_app_fails(
    shop: Place, gitea: GitHost, tmp_path: Path
) -> None:
    hosted = host_world(gitea, shop.world, "shop")
    assert hosted.deliver("protect").returncode == 0
    runner = hosted_runner(shop, hosted, tmp_path)
    mlflow = running(shop.world.root, "mlflow")
    assert mlflow is not None
    runner = replace(runner, variables={**runner.variables, "MLFLOW_TRACKING_URI": mlflow.url})
    first = runner.run("push", "deliver.yml", PUSH)
    assert set(first.jobs) == {*JOBS, *CALLED}
    assert failed(first.jobs) == ["train"], first.log
    assert BROKEN in first.log
    number = 1
    hosted.wait(lambda: bool(hosted.ask(ADA, "GET", f"pulls/{number}")["merged"]))
    hosted.fetch()
    [entry] = hosted.place.ledger.line("dev", KUSTOMIZE_APP).entries
    assert entry.record.release.image.startswith(f"{shop.address}/acme/{KUSTOMIZE_APP}@sha256:")
    assert entry.record.release.built_from.commit == shop.world.git("rev-parse", "main")
    [comment] = comments(hosted, number)
    assert "May be merged" in comment
    drop_broken(hosted.world)
    there = {
        **runner.environment,
        "ORIGIN": str(hosted.world.root),
    }  # the host's main takes no push
    again = replace(runner, environment=there).run("push", "deliver.yml", PUSH)
    assert dict(again.jobs) == dict.fromkeys(JOBS, "succeeded"), again.log
    assert [one["number"] for one in hosted.ask(ADA, "GET", "pulls?state=all")] == [number]
    assert all(sentence in again.log for sentence in NOTHING)
    holds_no_secret(hosted, first, again.log, comment)
