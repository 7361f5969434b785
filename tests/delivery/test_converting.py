"""Fitted models become ONNX, or stay as they are with the reason, and what is wrong is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delivery.app import App
from delivery.errors import Refused
from delivery.gate.holdout import Rows
from delivery.gate.scoring import ScoringError
from delivery.models.contract import ModelFiles, ServedPayload
from delivery.models.converting import Converter, require_carried
from delivery.policy import Task
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.delivery import conversions, toys

BINARY: Task = "binary-classification"
CLASSES: Task = "multiclass-classification"
TREES = "payload: {file: model.skops, format: skops, trusted: [%s]}"
FOREST = TREES % "sklearn.tree._tree.Tree"
BOOSTED = TREES % "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
PICKLE = "payload: {file: model.pkl, format: pickle}\n"
ALLOWED = PICKLE + "allow: [pickle]"
ONNX = "payload: {file: model.onnx, format: onnx}"


def logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return conversions.make(tmp_path / "lab")


CONVERTED: dict[str, tuple[Task, str, Any, str]] = {
    "logistic": (BINARY, "", logistic(), "onnx float64"),
    "logistic, three classes": (CLASSES, "", logistic(), "onnx float64"),
    "linear": ("regression", "", LinearRegression(), "onnx float64"),
    "forest": (CLASSES, FOREST, RandomForestClassifier(21, random_state=0), "onnx float32"),
    "boosted": (BINARY, BOOSTED, HistGradientBoostingClassifier(max_iter=20), "onnx float32"),
    "pickle": (BINARY, PICKLE, logistic(), "onnx float64"),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_fitted_model_is_served_in_onnx(name: str, root: Path) -> None:
    task, keys, estimator, kind = CONVERTED[name]
    app = conversions.app(root, task, keys)
    model, rows = conversions.fit(task, estimator)
    served = conversions.serve(root, app, model, rows)
    assert served.conversion.kind == kind, served.conversion.reason
    assert served.conversion.reason.startswith("labels equal") == (task != "regression")
    assert set(served.model.files) == {"model.onnx", "signature.json", "requirements.lock"}
    assert served.model.files["requirements.lock"] == app.engine_lock()
    assert np.allclose(served.answers, expected(model, rows.features, task), rtol=0, atol=1e-3)


def expected(model: Any, features: Any, task: Task) -> Any:
    if task == "regression":
        return model.predict(features)
    probabilities = model.predict_proba(features)
    return probabilities if task == CLASSES else probabilities[:, 1]


def test_equal_models_give_equal_bytes(root: Path) -> None:
    app = conversions.app(root, BINARY)
    one, two = (conversions.serve(root, app, *conversions.fit(BINARY, logistic())) for _ in "12")
    assert one.model.digest == two.model.digest


def test_model_without_a_converter_stays_with_the_reason(root: Path) -> None:
    app = conversions.app(root, BINARY)
    model, rows = conversions.fit(BINARY, make_pipeline(FunctionTransformer(np.sqrt), logistic()))
    said: list[str] = []
    served = conversions.serve(root, app, model, rows, say=lambda text: said.append(text))
    assert served.conversion.kind == "native"
    assert "float64 and float32: the converter failed" in served.conversion.reason
    assert "FunctionTransformer is not supported" in served.conversion.reason
    assert "model.skops" in served.model.files
    assert served.model.files["requirements.lock"] == app.lock()
    assert "toy: stays in skops: " + served.conversion.reason in said


def test_conversion_that_is_not_within_tolerance_is_not_used(root: Path) -> None:
    app = conversions.app(root, BINARY, "tolerance: 1.0e-20")
    served = conversions.serve(root, app, *conversions.fit(BINARY, logistic()))
    assert served.conversion.kind == "native"
    assert "1e-20 is tolerated" in served.conversion.reason


def test_app_that_wants_no_conversion_gets_none(root: Path) -> None:
    app = conversions.app(root, BINARY, "serve: native")
    served = conversions.serve(root, app, *conversions.fit(BINARY, logistic()))
    assert served.conversion.kind == "native"
    assert served.conversion.reason == "app.yaml says `serve: native`"


def test_pickle_that_does_not_convert_is_refused(root: Path) -> None:
    app = conversions.app(root, BINARY, PICKLE)
    fitted = conversions.fit(BINARY, make_pipeline(FunctionTransformer(np.sqrt), logistic()))
    with pytest.raises(Refused, match="conversion-failed") as refused:
        conversions.serve(root, app, *fitted)
    assert "FunctionTransformer" in refused.value.seen
    assert ".." not in refused.value.seen
    assert "allow: [pickle]" in refused.value.next_step


def test_pickle_that_is_allowed_is_served_as_it_is(root: Path) -> None:
    app = conversions.app(root, BINARY, PICKLE + "serve: native\nallow: [pickle]")
    served = conversions.serve(root, app, *conversions.fit(BINARY, logistic()))
    assert set(served.model.files) == {"model.pkl", "signature.json", "requirements.lock"}


def test_type_that_is_not_trusted_is_named(root: Path) -> None:
    app = conversions.app(root, BINARY)
    fitted = conversions.fit(BINARY, RandomForestClassifier(3, random_state=0))
    with pytest.raises(Refused, match="payload-not-trusted") as refused:
        conversions.serve(root, app, *fitted)
    assert "sklearn.tree._tree.Tree" in refused.value.seen
    assert "payload.trusted" in refused.value.next_step


OWN = "lab/toy/convert.py"
MEAN = """\
import numpy as np
from onnx import TensorProto, helper

def to_onnx(model, columns, datatype):
    kind = {"float64": TensorProto.DOUBLE, "float32": TensorProto.FLOAT}[datatype]
    node = helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1], keepdims=0)
    given = helper.make_tensor_value_info("features", kind, [None, columns])
    answer = helper.make_tensor_value_info("mean", kind, [None])
    graph = helper.make_graph([node], "model", [given], [answer])
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
"""
WRONG: dict[str, tuple[str, str]] = {
    "other answers": (MEAN.replace("ReduceMean", "ReduceMax"), "1e-06 is tolerated"),
    "answers that are not finite": (MEAN.replace("ReduceMean", "ReduceLogSum"), "no usable answer"),
    "an answer a column": (MEAN.replace("axes=[1]", "axes=[0]"), "no usable answers: "),
    "more columns": (MEAN.replace("[None, columns]", "[None, 3]"), "no usable answers: "),
    "no graph": ("def to_onnx(*_):\n    return b'no graph'\n", "no usable answers: "),
    "nothing": ("def to_onnx(*_):\n    return b''\n", "wrote no graph"),
    "no bytes": ("def to_onnx(*_):\n    return None\n", "TypeError"),
    "no function": ("", "AttributeError"),
    "a crash": ("def to_onnx(*_):\n    import os; os.abort()\n", "ended by signal 6"),
    "a quiet end": ("import os; os._exit(0)\n", "wrote no graph"),
    "a flood": ("while True: print('x' * 100000)\n", "wrote more than"),
    "a hang": ("import threading\nthreading.Event().wait()\n", "did not end within 5 s"),
}


def mean(root: Path, converter: str, keys: str = ALLOWED) -> tuple[App, ModelFiles, Converter]:
    """Return an app whose model is a mean, what training left of it, and its own converter."""
    files = {OWN: converter, "lab/toy/model.py": toys.MODEL}
    app = conversions.app(root, "regression", keys, files)
    features = np.arange(6.0).reshape(3, 2) - 2
    rows = Rows(("r0", "r1", "r2"), ("c0", "c1"), features, features.mean(axis=1))
    made = conversions.made(app, None, rows, b"clab.toy.model\nMean\n)\x81.")
    timeout = 5 if "threading" in converter else 60
    return app, made, Converter(root, "lab", app, rows, timeout)


@pytest.mark.parametrize("what", WRONG)
def test_what_a_converter_does_wrong_leaves_the_model_as_it_is(what: str, root: Path) -> None:
    text, reason = WRONG[what]
    _, made, converter = mean(root, text)
    served = converter.served(made, conversions.quiet)
    assert (served.model, served.conversion.kind) == (made, "native")
    assert reason in served.conversion.reason


def test_converter_of_the_app_is_used(root: Path) -> None:
    app, made, converter = mean(root, MEAN)
    served = converter.served(made, conversions.quiet)
    assert served.conversion.kind == "onnx float64"
    assert served.model.files["requirements.lock"] == app.engine_lock()
    assert served.answers.tolist() == [-1.5, 0.5, 2.5]


def test_onnx_that_training_wrote_is_served_as_it_is(root: Path) -> None:
    _, made, converter = mean(root, MEAN)
    graph = converter.served(made, conversions.quiet).model.files["model.onnx"]
    own = conversions.app(root, "regression", ONNX)
    wrote = conversions.made(own, None, converter.rows, graph)
    served = replace(converter, app=own).served(wrote, conversions.quiet)
    assert (served.model, served.conversion.kind) == (wrote, "onnx as trained")


def test_onnx_that_the_server_cannot_run_is_an_error(root: Path) -> None:
    _, made, converter = mean(root, MEAN, ONNX)
    broken = {**made.files, "model.onnx": b"no graph"}
    with pytest.raises(ScoringError, match=r"model\.onnx"):
        converter.served(replace(made, files=broken), conversions.quiet)


@pytest.mark.parametrize(
    ("keys", "payload", "code"),
    [
        (PICKLE, {"file": "model.pkl", "format": "pickle", "allowed": True}, "payload-runs-code"),
        (ALLOWED, {"file": "model.pkl", "format": "pickle", "allowed": True}, None),
        (FOREST, {"file": "model.skops", "format": "skops", "trusted": ("a.B",)}, "payload-not-t"),
        (PICKLE, {"file": "model.onnx", "format": "onnx"}, None),
    ],
)
def test_image_that_loads_more_than_its_app_allows_now_is_refused(
    root: Path, keys: str, payload: dict[str, Any], code: str | None
) -> None:
    app = conversions.app(root, BINARY, keys)
    if code is None:
        require_carried(app, ServedPayload(**payload))
    else:
        with pytest.raises(Refused, match=code):
            require_carried(app, ServedPayload(**payload))
