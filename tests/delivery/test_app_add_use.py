"""A new app is linted, tested and trained by the repository that it was added to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from delivery.evidence import Judged
from delivery.gate import Case, judge, known_question, same_question
from delivery.gate.data import compare_rows
from delivery.gate.holdout import parse_holdout
from delivery.models.answering import ServerScorer
from delivery.models.contract import ModelFiles, Signature, parse
from delivery.models.environment import app_python
from delivery.models.registry import Registry

from tests.delivery.growing import (
    PACKAGE,
    add,
    commit,
    deliver,
    run,
    shared_environments,
    with_environments,
)
from tests.delivery.judged import identity
from tests.delivery.world import World

# MLflow warns of Python features that it uses itself.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

LONGEST = "a123456789-b123456789-c123456789-d123456"
CLASSIFIER, CLASSES, REGRESSION = "churn-risk", "digit-reader", LONGEST
APPS = [CLASSIFIER, CLASSES, REGRESSION]
BIN = Path(sys.executable).parent
OURS = ["apps", "overlays", PACKAGE]
IMAGE = "registry.example.com/acme/app@sha256:" + "2" * 64


@pytest.fixture(scope="module")
def grown(baked: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A repository to which one app of each style and each task was added and committed."""
    world = baked.copy(tmp_path_factory.mktemp("grown") / "repository")
    with_environments(world, shared_environments(tmp_path_factory))
    add(world, CLASSIFIER, "kustomize", "binary-classification")
    add(world, CLASSES, "kustomize", "multiclass-classification")
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


@pytest.mark.parametrize("app", APPS)
def test_new_app_passes_the_repositorys_tests(grown: World, app: str) -> None:
    done = run(grown, str(BIN / "pytest"), "-p", "no:cacheprovider", "-n", "0", "-k", app)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize("app", APPS)
def test_new_app_is_trained_and_passes_its_gate(grown: World, app: str, tmp_path: Path) -> None:
    done = deliver(grown, "train", app, "--json")
    assert done.returncode == 0, done.stderr
    case = first_release(grown, app, tmp_path / "model")
    limits = case.policy.metrics
    assert limits.keys() <= json.loads(done.stdout)["model"]["holdout_metrics"].keys()
    evidence = judge(case).evidence
    assert [check for check in evidence.checks if check.blocks] == []
    passed = {check.name for check in evidence.checks if check.outcome == "PASS"}
    assert {"candidate-again", *(f"floor-{name}" for name in limits)} <= passed
    question = known_question(case.scorer, IMAGE, case.tolerance)
    assert same_question(question.data, known_question(case.scorer, IMAGE, case.tolerance))


def first_release(world: World, name: str, folder: Path) -> Case:
    """Return the newest model as the candidate for a first release, served from its folder."""
    app, registry = world.work.app(name), Registry.of(world.work.settings, world.root)
    found = registry.find(name, None)
    files = registry.download(found)
    model = ModelFiles(files, parse(Signature, files["signature.json"], "signature.json"))
    model.write(folder, identity(model))
    assert model.payload_file == "model.onnx"
    scorer = ServerScorer(world.root, app_python(world.root, name, app.onnx_lock()), folder)
    candidate = Judged(release="sha256:" + "1" * 64, image=IMAGE, model=found.digest)
    seen = compare_rows(registry.training_rows(found), parse_holdout(app.holdout(), app.file.task))
    return Case.of(app, "dev", candidate, None, found.holdout_metrics, scorer, seen)
