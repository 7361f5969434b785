"""What goes wrong while a model is made, at the real command line; nothing is half-made."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from delivery.canonical import sha256

from tests.delivery import toys
from tests.e2e.user import User, interrupt

TRAIN = ("train", "toy")
NOBODY = "http://127.0.0.1:9"
FLAT = b"row_id,label\nr0,1\nr1,1\nr2,1\n"
BAD_MODELS: dict[str, tuple[dict[str, str | bytes], str, int]] = {
    "answers that are no numbers": (
        {"lab/toy/model.py": toys.MODEL.replace("mean(axis=1)", "mean(axis=1) * float('nan')")},
        "answers-not-finite",
        3,
    ),
    "a metric that its rows do not give": (
        {
            "apps/toy/app.yaml": toys.APP.replace("mae", "r2"),
            "apps/toy/holdout/labels.csv": FLAT,
            "apps/toy/holdout.yaml": toys.HOLDOUT.replace(sha256(toys.LABELS), sha256(FLAT)),
        },
        "holdout-metrics-missing",
        1,
    ),
    "a metric of another task": (
        {"apps/toy/app.yaml": toys.APP.replace("mae", "roc_auc")},
        "broken-file",
        2,
    ),
    "training that fails": (
        {"lab/toy/__main__.py": "raise SystemExit('no data')"},
        "training-failed",
        1,
    ),
}


def untouched(user: User) -> bool:
    """Return whether MLflow's database is the empty file that it was."""
    return (user.root / ".local/mlflow/mlflow.db").stat().st_size == 0


@pytest.mark.parametrize("what", BAD_MODELS)
def test_bad_model_is_refused_by_name(what: str, modeller: User) -> None:
    files, code, status = BAD_MODELS[what]
    toys.commit(modeller.root, files)
    before = modeller.state()
    modeller.deliver(*TRAIN).refuses(code, status)
    assert modeller.state() == before
    assert untouched(modeller)


def test_app_that_fails_keeps_no_other_from_its_training(modeller: User) -> None:
    before, after = "apps/toy/", "apps/another/"
    texts = {
        f"{after}{path.removeprefix(before)}": text
        for path, text in toys.FILES.items()
        if path.startswith(before)
    }
    texts[f"{after}app.yaml"] = toys.APP.replace("module: toy", "module: another")
    texts[f"{after}holdout.yaml"] = toys.HOLDOUT.replace(before, after)
    fails = {
        "lab/another/__init__.py": "",
        "lab/another/__main__.py": "raise SystemExit('no data')",
    }
    toys.commit(modeller.root, {**texts, **fails})
    answer = modeller.deliver("train", "--changed")
    answer.refuses("training-failed", 1)
    assert "trained: toy model 1" in answer.out
    (modeller.root / "lab/toy/rows.csv").symlink_to("/etc/hostname")
    toys.commit(modeller.root, {})
    again = json.loads(modeller.deliver("train", "--changed", "--json").out)
    assert [one["error"]["code"] for one in again] == ["training-failed", "link-in-sources"]


@pytest.mark.parametrize("how", ["edited", "untracked", "staged"])
def test_uncommitted_model_code_is_not_trained(how: str, modeller: User) -> None:
    name = "lab/toy/more.py" if how == "untracked" else "lab/toy/model.py"
    toys.write(modeller.root, {name: "# changed\n"})
    if how == "staged":
        toys.git(modeller.root, "add", "--all")
    before = modeller.state()
    modeller.deliver(*TRAIN).refuses("uncommitted-sources", 1)
    assert modeller.state() == before


@pytest.mark.slow
def test_silent_mlflow_is_named_before_training(modeller: User) -> None:
    trace: dict[str, str | bytes] = {
        "lab/toy/__main__.py": "import pathlib\npathlib.Path('trained').touch()\n"
    }
    toys.commit(modeller.root, trace)
    before, began = modeller.state(), time.monotonic()
    modeller.deliver(*TRAIN, MLFLOW_TRACKING_URI=NOBODY).refuses("mlflow-unreachable", 3)
    assert time.monotonic() - began < 30  # on a busy machine; without a limit it took minutes
    assert modeller.state() == before


def test_interrupted_training_leaves_nothing(modeller: User, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    wait = f"import pathlib, signal\npathlib.Path({str(begun)!r}).touch()\nsignal.pause()\n"
    toys.commit(modeller.root, {"lab/toy/__main__.py": wait})
    before = modeller.state()
    answer = interrupt(modeller.start(*TRAIN), begun.exists)
    assert answer.status == 130
    assert "Traceback" not in answer.err
    assert "nothing is half-written" in answer.said[-1]
    assert modeller.state() == before
    assert untouched(modeller)


@pytest.fixture
def builder(modeller: User) -> User:
    """A modeller with a trained model, on a machine that can build."""
    if not (shutil.which("podman") or shutil.which("buildah")):
        pytest.skip("podman or buildah is needed")
    assert modeller.deliver(*TRAIN).status == 0
    return modeller


@pytest.mark.slow
def test_model_that_is_not_what_was_made_is_not_built(builder: User) -> None:
    before = builder.state()
    builder.deliver("build", "toy", "--model", "9").refuses("no-such-model-version", 2)
    builder.deliver("build", "toy", MLFLOW_TRACKING_URI=NOBODY).refuses("mlflow-unreachable", 3)
    toys.git(builder.root, "switch", "--quiet", "--create", "idea")
    payload = next((builder.root / ".local/mlflow/artifacts").glob("**/model.pkl"))
    payload.write_bytes(payload.read_bytes() + b"x")
    builder.deliver("build", "toy").refuses("model-altered", 1)
    toys.git(builder.root, "switch", "--quiet", "main")
    toys.git(builder.root, "branch", "--quiet", "-D", "idea")
    assert builder.state() == before


@pytest.mark.slow
def test_model_of_a_branch_is_not_built(builder: User) -> None:
    toys.git(builder.root, "switch", "--quiet", "--create", "idea")
    toys.commit(builder.root, {"lab/toy/model.py": toys.MODEL + "\n"})
    assert builder.deliver(*TRAIN).status == 0
    builder.deliver("build", "toy").refuses("model-not-of-main", 1)
