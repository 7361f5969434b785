"""A new app is linted, tested and trained by the repository that it was added to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.delivery.growing import (
    PACKAGE,
    add,
    commit,
    deliver,
    run,
    shared_environments,
    with_environments,
)
from tests.delivery.world import World

pytestmark = pytest.mark.slow

LONGEST = "a123456789-b123456789-c123456789-d123456"
CLASSIFIER, REGRESSION = "churn-risk", LONGEST
BIN = Path(sys.executable).parent
OURS = ["apps", "overlays", PACKAGE]


@pytest.fixture(scope="module")
def grown(baked: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A repository to which one app of each style and each task was added and committed."""
    world = baked.copy(tmp_path_factory.mktemp("grown") / "repository")
    with_environments(world, shared_environments(tmp_path_factory))
    add(world, CLASSIFIER, "kustomize", "binary-classification")
    add(world, REGRESSION, "helm", "regression")
    commit(world)
    return world


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "format", "--check", *OURS],
        ["ruff", "check", *OURS],
        ["yamllint", "--strict", *OURS],
        ["mypy"],
    ],
    ids=" ".join,
)
def test_new_apps_pass_the_repositorys_lint(grown: World, command: list[str]) -> None:
    done = run(grown, str(BIN / command[0]), *command[1:])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("app", [CLASSIFIER, REGRESSION])
def test_new_app_passes_the_repositorys_tests(grown: World, app: str) -> None:
    done = run(grown, str(BIN / "pytest"), "-p", "no:cacheprovider", "-n", "0", "-k", app)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize("app", [CLASSIFIER, REGRESSION])
def test_new_app_is_trained_and_reaches_its_floors(grown: World, app: str) -> None:
    done = deliver(grown, "train", app, "--json")
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)["model"]["holdout_metrics"]
    limits = grown.work.app(app).policy("prod").metrics
    assert limits.keys() <= metrics.keys()
    for name, limit in limits.items():
        assert limit.floor is not None
        better = metrics[name] - limit.floor
        assert (better if name in ("roc_auc", "r2") else -better) > 0
