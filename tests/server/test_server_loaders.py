from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import skops.io
from delivery.server.folder import ModelError
from delivery.server.model import Model
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.server.model_server import load, save_files

ROWS = load_breast_cancer().data[:50]


def onnx_model(
    folder: Path, estimator: object, task: str, columns: int, kind: Any = DoubleTensorType
) -> Model:
    """Return an estimator as the server loads it after its conversion."""
    given = [("features", kind([None, columns]))]
    options = {} if task == "regression" else {"zipmap": False}
    graph = to_onnx(estimator, initial_types=given, options=options)
    payload = {"file": "model.onnx", "format": "onnx"}
    return load(save_files(folder, graph.SerializeToString(), payload, task, columns))


def skops_model(folder: Path, estimator: object, **more: object) -> Model:
    """Return a regression of ten columns as the server loads it from skops."""
    payload = {"file": "model.skops", "format": "skops", **more}
    return load(save_files(folder, skops.io.dumps(estimator), payload, "regression", 10))


@pytest.mark.parametrize(("kind", "near"), [(DoubleTensorType, 1e-14), (FloatTensorType, 1e-5)])
def test_onnx_of_doubles_or_floats_answers_as_its_estimator(
    classifier: Pipeline, tmp_path: Path, kind: Any, near: float
) -> None:
    model = onnx_model(tmp_path, classifier, "binary-classification", 30, kind)
    expected = classifier.predict_proba(ROWS)[:, 1]
    assert np.abs(model.predict(ROWS) - expected).max() < near


def test_onnx_answers_every_class(tmp_path: Path) -> None:
    data = load_iris()
    estimator = LogisticRegression(max_iter=1000).fit(data.data, data.target)
    model = onnx_model(tmp_path, estimator, "multiclass-classification", 4)
    assert np.allclose(model.predict(data.data), estimator.predict_proba(data.data), atol=1e-14)


def test_onnx_answers_a_regression(tmp_path: Path) -> None:
    data = load_diabetes()
    estimator = LinearRegression().fit(data.data, data.target)
    model = onnx_model(tmp_path, estimator, "regression", 10)
    assert np.allclose(model.predict(data.data), estimator.predict(data.data), rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "seen"),
    [(["FLOAT", "FLOAT"], "x0 tensor.float., x1 tensor.float., y"), (["STRING"], "x0 tensor.str")],
)
def test_onnx_of_other_inputs_is_refused(tmp_path: Path, given: list[str], seen: str) -> None:
    kinds = [getattr(TensorProto, name) for name in given]
    tensors = [
        helper.make_tensor_value_info(f"x{n}", one, [None, 3]) for n, one in enumerate(kinds)
    ]
    made = helper.make_tensor_value_info("y", kinds[0], [None, 3])
    nodes = [helper.make_node("Identity", ["x0"], ["y"])]
    opset = [helper.make_opsetid("", 17)]
    graph = helper.make_graph(nodes, "g", tensors, [made])
    data = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    payload = {"file": "model.onnx", "format": "onnx"}
    with pytest.raises(ModelError, match=f"^model.onnx: expected one input and .* got {seen}"):
        load(save_files(tmp_path, data, payload, "regression", 3))


def test_onnx_with_weights_in_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = TensorProto(name="w", data_type=TensorProto.DOUBLE, dims=[3, 1])
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="weights.bin")
    given, made = (
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, columns])
        for name, columns in (("x", 3), ("y", 1))
    )
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "g", [given], [made], [weights])
    opset = [helper.make_opsetid("", 17)]
    data = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    (tmp_path / "weights.bin").write_bytes(bytes(24))
    monkeypatch.chdir(tmp_path)
    payload = {"file": "model.onnx", "format": "onnx"}
    with pytest.raises(ModelError, match=r"(?s)^model\.onnx: .*weights\.bin"):
        load(save_files(tmp_path / "model", data, payload, "regression", 3))


def test_provider_that_is_not_there_is_refused(
    classifier: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONNX_PROVIDERS", "CUDAExecutionProvider, CPUExecutionProvider")
    with pytest.raises(ModelError, match="ONNX_PROVIDERS: got 'CUDAExecutionProvider', this"):
        onnx_model(tmp_path, classifier, "binary-classification", 30)


def test_skops_answers_as_its_estimator(tmp_path: Path) -> None:
    data = load_diabetes()
    estimator = LinearRegression().fit(data.data, data.target)
    model = skops_model(tmp_path, estimator)
    assert np.array_equal(model.predict(data.data), estimator.predict(data.data))


def test_estimator_that_computes_in_place_leaves_the_rows(tmp_path: Path) -> None:
    data = load_diabetes()
    estimator = make_pipeline(StandardScaler(copy=False), LinearRegression())
    model = skops_model(tmp_path, estimator.fit(data.data.copy(), data.target))
    rows = np.frombuffer(data.data.tobytes()).reshape(data.data.shape)  # not to be written to
    assert np.allclose(model.predict(rows), estimator.predict(data.data.copy()))


class Own(LinearRegression):  # type: ignore[misc]
    """A type that skops does not know."""


def test_skops_loads_unknown_types_only_by_name(tmp_path: Path) -> None:
    data = load_diabetes()
    estimator = Own().fit(data.data, data.target)
    name = f"{Own.__module__}.Own"
    with pytest.raises(ModelError, match=f"(?s)^model.skops: UntrustedTypes.*{name}"):
        skops_model(tmp_path, estimator)
    assert skops_model(tmp_path, estimator, trusted=[name]).predict(data.data).shape == (442,)


def test_pickle_is_loaded_only_where_it_is_allowed(tmp_path: Path) -> None:
    payload = {"file": "model.pkl", "format": "pickle"}
    folder = save_files(tmp_path, b"not even read", payload, "regression", 10)
    with pytest.raises(ModelError, match=r"^payload-runs-code: model\.pkl: "):
        load(folder)


def test_payload_of_more_numbers_than_its_task_is_refused(tmp_path: Path) -> None:
    two = LinearRegression().fit([[0.0] * 10, [1.0] * 10], [[0.0, 0.0], [1.0, 2.0]])
    with pytest.raises(ModelError, match="2 numbers a row for a regression, expected 1"):
        skops_model(tmp_path, two)


def test_engine_holds_no_address_to_report_to() -> None:
    """ONNX Runtime 1.29 and later report to their maker, whatever they are told."""
    (library,) = Path(onnxruntime.__file__).parent.glob("capi/onnxruntime_pybind11_state*.so")
    with library.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        assert held.find(b"events.data.") == -1
