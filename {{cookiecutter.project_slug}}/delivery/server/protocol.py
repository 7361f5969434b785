"""Requests and answers of the Open Inference Protocol, version 2, as JSON.

See: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class RequestError(ValueError):
    """A request that can't be answered; the message names the field and what was expected."""


class InputTensor(msgspec.Struct):
    """A tensor of a request; `data` is flat in row-major order, or one list a row."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float | list[float]]


class RequestedOutput(msgspec.Struct):
    """An output that the caller asks for by name."""

    name: str


class Request(msgspec.Struct):
    """An inference request; `parameters.row_ids`, when given, names its rows."""

    inputs: list[InputTensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[RequestedOutput] | None = None


class OutputTensor(msgspec.Struct):
    """A tensor of an answer, its numbers row by row."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float]


class Answer(msgspec.Struct, omit_defaults=True):
    """An inference answer; `parameters` always holds the digest of the model that gave it."""

    model_name: str
    model_version: str
    parameters: dict[str, Any]
    outputs: list[OutputTensor]
    id: str | None = None


_DECODER = msgspec.json.Decoder(Request)
_ENCODER = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Return a value as JSON; a number that is not finite becomes null."""
    return _ENCODER.encode(value)


def decode(body: bytes) -> Request:
    """Return the request in a body; raises RequestError that names the field at fault."""
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or "body"
        raise RequestError(f"{field}: {what[:1].lower()}{what[1:]}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "; JSON has no NaN or Infinity" if b"NaN" in body or b"Infinity" in body else ""
        raise RequestError(f"body: expected JSON in UTF-8: {error}{hint}") from None


def features(request: Request, name: str, datatype: str, columns: int) -> Floats:
    """Return the rows of a request as float64 of shape (n, columns), n at least 1.

    JSON holds finite numbers only, so these are finite. Raises RequestError.
    """
    if len(request.inputs) != 1:
        raise RequestError(f"inputs: got {len(request.inputs)} tensors, expected 1, {name!r}")
    tensor = request.inputs[0]
    _expect("inputs[0].name", tensor.name, name)
    _expect("inputs[0].datatype", tensor.datatype, datatype)
    shape = tensor.shape
    if len(shape) != 2 or shape[0] < 1 or shape[1] != columns:
        raise RequestError(f"inputs[0].shape: got {shape}, expected [n, {columns}], n at least 1")
    return _array(tensor.data, shape[0], columns)


def check_outputs(request: Request, name: str) -> None:
    """Raise RequestError if a request asks for an output that the model has not."""
    for index, output in enumerate(request.outputs or []):
        _expect(f"outputs[{index}].name", output.name, name)


def row_ids(request: Request, rows: int) -> list[str] | None:
    """Return the names of a request's rows, None if it names none; raises RequestError."""
    if "row_ids" not in request.parameters:
        return None
    given = request.parameters["row_ids"]
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise RequestError("parameters.row_ids: expected a list of strings")
    if len(given) != rows:
        raise RequestError(f"parameters.row_ids: got {len(given)} ids, expected {rows}, one a row")
    return given


def _expect(field: str, got: str, expected: str) -> None:
    if got != expected:
        raise RequestError(f"{field}: got {got!r}, expected {expected!r}")


def _array(data: list[float | list[float]], rows: int, columns: int) -> Floats:
    try:
        array = np.array(data, dtype=np.float64)
    except ValueError:
        raise RequestError("inputs[0].data: expected all rows to be of one length") from None
    if array.shape not in ((rows * columns,), (rows, columns)):
        raise RequestError(
            f"inputs[0].data: got an array of shape {list(array.shape)}, "
            f"expected {rows * columns} numbers for shape [{rows}, {columns}]"
        )
    return array.reshape(rows, columns)
