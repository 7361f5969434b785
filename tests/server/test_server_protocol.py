from __future__ import annotations

import msgspec
import numpy as np
import pytest
from delivery.server.protocol import RequestError, check_outputs, decode, features, row_ids

GOOD = {"name": "features", "datatype": "FP64", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}


def request(**changes: object) -> bytes:
    return msgspec.json.encode({"inputs": [{**GOOD, **changes}]})


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
def test_features_flat_or_by_row_are_the_same(data: list[object]) -> None:
    got = features(decode(request(data=data)), "features", "FP64", 3)
    assert np.array_equal(got, np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "rows"}, "inputs[0].name: got 'rows', expected 'features'"),
        ({"datatype": "FP32"}, "inputs[0].datatype: got 'FP32', expected 'FP64'"),
        ({"shape": [2, 4]}, "inputs[0].shape: got [2, 4], expected [n, 3], n at least 1"),
        ({"shape": [0, 3], "data": []}, "inputs[0].shape: got [0, 3], expected [n, 3]"),
        ({"shape": [6]}, "inputs[0].shape: got [6], expected [n, 3]"),
        ({"data": [1, 2]}, "inputs[0].data: got an array of shape [2], expected 6 numbers"),
        ({"data": [[1, 2], [3, 4], [5, 6]]}, "inputs[0].data: got an array of shape [3, 2]"),
        ({"data": [[1, 2, 3], [4]]}, "inputs[0].data: expected all rows to be of one length"),
        ({"data": [1, 2, 3, 4, 5, "6"]}, "inputs[0].data[5]: expected `float"),
        ({"data": [1, 2, 3, 4, 5, None]}, "inputs[0].data[5]: expected `float"),
        ({"shape": "2,3"}, "inputs[0].shape: expected `array`, got `str`"),
    ],
)
def test_tensor_that_does_not_fit_is_refused_by_field(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(RequestError) as refused:
        features(decode(request(**changes)), "features", "FP64", 3)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body: expected JSON"),
        (b"\xff", "body: expected JSON"),
        (b"[]", "body: expected `object`, got `array`"),
        (b"{}", "body: object missing required field `inputs`"),
        (b'{"inputs": [{"name": "features"}]}', "inputs[0]: object missing required field"),
        (request().replace(b"6]", b"NaN]"), "body: expected JSON in UTF-8: "),
        (request().replace(b"6]", b"1e400]"), "inputs[0].data[5]: number out of range"),
    ],
)
def test_body_that_is_no_request_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(RequestError) as refused:
        decode(body)
    assert str(refused.value).startswith(message)


def test_nan_in_a_body_is_named() -> None:
    with pytest.raises(RequestError, match="JSON has no NaN or Infinity"):
        decode(request().replace(b"6]", b"NaN]"))


def test_two_tensors_are_refused() -> None:
    with pytest.raises(RequestError, match="inputs: got 2 tensors, expected 1"):
        features(decode(msgspec.json.encode({"inputs": [GOOD, GOOD]})), "features", "FP64", 3)


def test_output_that_the_model_has_not_is_refused() -> None:
    asked = msgspec.json.encode({"inputs": [GOOD], "outputs": [{"name": "label"}]})
    with pytest.raises(RequestError, match=r"outputs\[0\].name: got 'label', expected 'prob"):
        check_outputs(decode(asked), "probability")


@pytest.mark.parametrize("ids", ["r1", ["r1"], ["r1", 2]])
def test_row_ids_that_do_not_name_each_row_are_refused(ids: object) -> None:
    body = msgspec.json.encode({"inputs": [GOOD], "parameters": {"row_ids": ids}})
    with pytest.raises(RequestError, match=r"^parameters\.row_ids: "):
        row_ids(decode(body), 2)
