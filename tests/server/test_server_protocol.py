from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from delivery.server.folder import ModelFolder
from delivery.server.protocol import Asked, Codec, RequestError

from tests.server.model_server import DIGEST, save_files

GOOD = {"name": "features", "datatype": "FP64", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}
ROWS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def codec_in(folder: Path, max_rows: int = sys.maxsize) -> Codec:
    payload = {"file": "model.onnx", "format": "onnx"}
    made = ModelFolder.read(save_files(folder, b"", payload, "binary-classification", 3))
    return Codec(made, {"model_digest": DIGEST, "release": "r1"}, max_rows)


@pytest.fixture
def codec(tmp_path: Path) -> Codec:
    return codec_in(tmp_path)


def request(**changes: object) -> bytes:
    return msgspec.json.encode({"inputs": [{**GOOD, **changes}]})


def in_bytes(rows: np.ndarray[tuple[int, int], np.dtype[np.float64]], **more: object) -> bytes:
    """Return the JSON of a request whose numbers follow as bytes."""
    tensor = {**GOOD, "parameters": {"binary_data_size": rows.nbytes}, **more}
    tensor.pop("data") if "data" not in more else None
    return msgspec.json.encode({"inputs": [tensor]})


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
def test_rows_flat_or_nested_are_the_same(codec: Codec, data: list[object]) -> None:
    assert np.array_equal(codec.decode(request(data=data)).rows, ROWS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "rows"}, "inputs[0].name: got 'rows', expected 'features'"),
        ({"datatype": "FP32"}, "inputs[0].datatype: got 'FP32', expected 'FP64'"),
        ({"shape": [2, 4]}, "inputs[0].shape[1]: got 4, expected 3"),
        ({"shape": [0, 3], "data": []}, "inputs[0].shape[0]: expected `int` >= 1"),
        ({"shape": [6]}, "inputs[0].shape: expected `array` of length 2"),
        ({"shape": "2,3"}, "inputs[0].shape: expected `array`, got `str`"),
        ({"data": [1, 2]}, "inputs[0].data: got an array of shape [2], expected 6 numbers"),
        ({"data": [[1, 2, 3]]}, "inputs[0].data: got an array of shape [1, 3], expected 6"),
        ({"data": [[1, 2], [3, 4]]}, "inputs[0].data[0]: expected `array` of length >= 3"),
        ({"data": [[1, 2, 3], 4]}, "inputs[0].data: expected numbers, or one array a row"),
        ({"data": [1, 2, 3, 4, 5, "6"]}, "inputs[0].data[5]: expected `float | array`, got `str`"),
        ({"data": [1, 2, 3, 4, 5, None]}, "inputs[0].data[5]: expected `float | array`"),
        ({"data": None}, "inputs[0]: object missing required field `data`"),
        ({"dtype": "FP64"}, "inputs[0]: object contains unknown field `dtype`"),
    ],
)
def test_tensor_that_does_not_fit_is_refused_by_field(
    codec: Codec, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(RequestError) as refused:
        codec.decode(request(**changes))
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body: expected JSON"),
        (b"\xff", "body: expected JSON"),
        (b'{"id": "\xff"}', "body: expected JSON"),
        (b"[]", "body: expected `object`, got `array`"),
        (b"{}", "body: object missing required field `inputs`"),
        (b'{"input": []}', "body: object contains unknown field `input`"),
        (b'{"inputs": []}', "inputs: expected `array` of length 1"),
        (b'{"parameters": {"deep": ' + b"[" * 100_000, "body: expected JSON in UTF-8: maximum"),
        (request().replace(b"6]", b"1e400]"), "inputs[0].data[5]: number out of range"),
        (request(name="x" * 10**6), "inputs[0].name: got 'xxx"),
    ],
)
def test_body_that_is_no_request_is_refused_in_few_words(
    codec: Codec, body: bytes, message: str
) -> None:
    with pytest.raises(RequestError) as refused:
        codec.decode(body)
    assert str(refused.value).startswith(message)
    assert len(str(refused.value)) <= 300


def test_nan_in_a_body_is_named(codec: Codec) -> None:
    with pytest.raises(RequestError, match="JSON has no NaN or Infinity"):
        codec.decode(request().replace(b"6]", b"NaN]"))


def test_output_that_the_model_has_not_is_refused(codec: Codec) -> None:
    asked = msgspec.json.encode({"inputs": [GOOD], "outputs": [{"name": "label"}]})
    with pytest.raises(RequestError, match=r"outputs\[0\].name: got 'label', expected 'prob"):
        codec.decode(asked)


@pytest.mark.parametrize("ids", ["r1", ["r1"], ["r1", 2]])
def test_row_ids_that_do_not_name_each_row_are_refused(codec: Codec, ids: object) -> None:
    body = msgspec.json.encode({"inputs": [GOOD], "parameters": {"row_ids": ids}})
    with pytest.raises(RequestError, match=r"^parameters\.row_ids"):
        codec.decode(body)


def test_more_rows_than_the_limit_are_refused_before_they_cost_memory(tmp_path: Path) -> None:
    codec = codec_in(tmp_path, max_rows=1)
    with pytest.raises(RequestError, match=r"shape\[0\]: got 2, expected at most 1"):
        codec.decode(request())
    with pytest.raises(RequestError, match=r"^body: expected at most 1 rows"):
        codec.decode(b"[" + b"1," * 10_000)


def test_rows_as_bytes_behind_the_json_are_read(codec: Codec) -> None:
    text = in_bytes(ROWS)
    assert np.array_equal(codec.decode(text + ROWS.tobytes(), len(text)).rows, ROWS)


@pytest.mark.parametrize(
    ("rows", "changes", "message"),
    [
        (ROWS, {"data": [1.0]}, "inputs[0].data: got numbers as JSON and as bytes"),
        (ROWS[:1], {}, "inputs[0].parameters.binary_data_size: got 24, expected 48 for shape"),
        (ROWS, {"parameters": {}}, "inputs[0].parameters.binary_data_size: got None, expected 48"),
        (np.vstack([ROWS, ROWS]), {"parameters": {"binary_data_size": 48}}, "body: got 96 bytes"),
        (ROWS * [[1, np.nan, 1]], {}, "inputs[0]: row 0, column 1: expected a finite number"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(
    codec: Codec,
    rows: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    changes: dict[str, object],
    message: str,
) -> None:
    text = in_bytes(rows, **changes)
    with pytest.raises(RequestError) as refused:
        codec.decode(text + rows.tobytes(), len(text))
    assert str(refused.value).startswith(message)


def test_answer_names_model_release_rows_and_request(codec: Codec) -> None:
    body, json_bytes = codec.encode(Asked(ROWS, ["a", "b"], "7", False), np.array([0.25, np.nan]))
    assert json_bytes is None
    assert msgspec.json.decode(body) == {
        "model_name": "tumour-classifier",
        "model_version": "7",
        "parameters": {"row_ids": ["a", "b"], "model_digest": DIGEST, "release": "r1"},
        "outputs": [
            {"name": "probability", "datatype": "FP64", "shape": [2], "data": [0.25, None]}
        ],
        "id": "7",
    }


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, False),
        ({"parameters": {"binary_data_output": True}}, True),
        ({"outputs": [{"name": "probability", "parameters": {"binary_data": True}}]}, True),
        ({"outputs": [{"name": "probability"}]}, False),
    ],
)
def test_answer_is_in_bytes_where_it_is_asked_for(
    codec: Codec, more: dict[str, object], wanted: bool
) -> None:
    asked = codec.decode(msgspec.json.encode({"inputs": [GOOD], **more}))
    body, json_bytes = codec.encode(asked, np.array([0.25, 0.5]))
    assert asked.binary == wanted == (json_bytes is not None)
    if json_bytes is not None:
        tensor = msgspec.json.decode(body[:json_bytes])["outputs"][0]
        assert (tensor["parameters"], "data" in tensor) == ({"binary_data_size": 16}, False)
        assert np.frombuffer(body[json_bytes:]).tolist() == [0.25, 0.5]
