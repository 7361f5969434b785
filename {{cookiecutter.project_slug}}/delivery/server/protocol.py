"""Requests and answers of the Open Inference Protocol, version 2, compiled from a signature.

Numbers come as JSON or, by the binary tensor data extension, as bytes behind the JSON.
See: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
See: https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from .folder import ModelFolder

Floats = NDArray[np.float64]

BINARY = "binary_tensor_data"
"""The extension's name, as the server's metadata lists it."""
LONGEST = 300
"""Signs of an error's message: what it quotes was sent by anyone."""


class RequestError(ValueError):
    """A request that can't be answered; the message names the field and what was expected."""


class Asked(msgspec.Struct, gc=False):
    """A request that fits: rows (n, columns) of finite float64, their names, and what to echo."""

    rows: Floats
    row_ids: list[str] | None
    id: str | None
    binary: bool


class OutputTensor(msgspec.Struct, omit_defaults=True):
    """A tensor of an answer, its numbers row by row, or as bytes behind the JSON."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float] | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class Answer(msgspec.Struct, omit_defaults=True):
    """An inference answer; `parameters` always holds the digest of the model that gave it."""

    model_name: str
    model_version: str
    parameters: dict[str, Any]
    outputs: list[OutputTensor]
    id: str | None = None


class RequestParameters(msgspec.Struct):
    """What the server reads of a request's parameters; others may stand there."""

    row_ids: list[str] | None = None
    binary_data_output: bool = False


class InputParameters(msgspec.Struct):
    """How many bytes behind the JSON are the tensor's."""

    binary_data_size: Annotated[int, msgspec.Meta(ge=0)] | None = None


class OutputParameters(msgspec.Struct):
    """Whether the output is wanted as bytes; None leaves it to the request."""

    binary_data: bool | None = None


_Id = Annotated[str, msgspec.Meta(max_length=1024)]
_ENCODER = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Return a value as JSON; a number that is not finite becomes null."""
    return _ENCODER.encode(value)


def request_type(folder: ModelFolder) -> type[Any]:
    """Return the type of this model's requests: its names, its datatype, its number of columns."""
    given, gives = folder.signature.inputs[0], folder.signature.outputs[0]
    columns: int = given.shape[1]
    row: Any = Annotated[list[float], msgspec.Meta(min_length=columns, max_length=columns)]
    count: Any = Annotated[int, msgspec.Meta(ge=1)]
    tensor: Any = msgspec.defstruct(
        "InputTensor",
        [
            ("name", _only(given.name)),
            ("datatype", _only(given.datatype)),
            ("shape", tuple[count, _only(columns)]),  # type: ignore[misc]
            ("data", list[float | row] | None, None),
            ("parameters", InputParameters | None, None),
        ],
        forbid_unknown_fields=True,
    )
    output: Any = msgspec.defstruct(
        "RequestedOutput",
        [("name", _only(gives.name)), ("parameters", OutputParameters | None, None)],
        forbid_unknown_fields=True,
    )
    return msgspec.defstruct(
        "Request",
        [
            ("inputs", tuple[tensor]),
            # KServe's client says it here, too; the protocol has it in the path alone.
            ("model_name", _only(folder.identity.name) | None, None),
            ("id", _Id | None, None),
            ("parameters", RequestParameters | None, None),
            ("outputs", list[output] | None, None),
        ],
        forbid_unknown_fields=True,
    )


class Codec:
    """Requests in, answers out, for one model."""

    def __init__(self, folder: ModelFolder, named: Mapping[str, str], max_rows: int) -> None:
        """`named` goes into every answer's parameters; a request has at most `max_rows` rows."""
        self._decoder = msgspec.json.Decoder(request_type(folder))
        self._identity, self._named, self._max_rows = folder.identity, dict(named), max_rows
        given, self._output = folder.signature.inputs[0], folder.signature.outputs[0]
        self._columns = given.shape[1]
        # Numbers of a full request, with names for its rows, and some to spare.
        self._max_commas = max_rows * (self._columns + 1) + 1000
        self._expected = {
            "inputs[].name": repr(given.name),
            "inputs[].datatype": repr(given.datatype),
            "inputs[].shape[]": str(self._columns),
            "outputs[].name": repr(self._output.name),
            "model_name": repr(self._identity.name),
        }

    def decode(self, body: bytes, json_bytes: int | None = None) -> Asked:
        """Return what a body asks; raises RequestError that names the field at fault.

        json_bytes: length of the JSON where tensors follow it as bytes, None where it is all.
        """
        text, tail = (body, b"") if json_bytes is None else (body[:json_bytes], body[json_bytes:])
        # A list of numbers takes 16 times its text in memory.
        if len(text) > self._max_commas and text.count(b",") > self._max_commas:
            raise RequestError(f"body: expected at most {self._max_rows} rows")
        try:
            request = self._decoder.decode(text)
        except msgspec.ValidationError as error:
            raise RequestError(self._explained(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            hint = "; JSON has no NaN or Infinity" if b"NaN" in text or b"Infinity" in text else ""
            what = f"body: expected JSON in UTF-8: {error}{hint}"
            raise RequestError(what[:LONGEST]) from None
        return self._asked(request, tail)

    def encode(self, asked: Asked, numbers: Floats) -> tuple[bytes, int | None]:
        """Return an answer's body, and the length of its JSON where numbers follow it as bytes."""
        shape, names = list(numbers.shape), asked.row_ids
        tensor = OutputTensor(self._output.name, self._output.datatype, shape)
        tail = b""
        if asked.binary:
            tail = numbers.astype("<f8", copy=False).tobytes()
            tensor.parameters = {"binary_data_size": len(tail)}
        else:
            tensor.data = numbers.ravel().tolist()
        who = self._identity
        parameters: dict[str, Any] = (
            self._named if names is None else {"row_ids": names, **self._named}
        )
        text = _ENCODER.encode(Answer(who.name, who.version, parameters, [tensor], asked.id))
        return (text + tail, len(text)) if asked.binary else (text, None)

    def _asked(self, request: Any, tail: bytes) -> Asked:
        tensor, parameters = request.inputs[0], request.parameters
        count = tensor.shape[0]
        if count > self._max_rows:
            raise RequestError(
                f"inputs[0].shape[0]: got {count}, expected at most {self._max_rows}"
            )
        size = None if tensor.parameters is None else tensor.parameters.binary_data_size
        if size is None and not tail:
            rows = _from_json(tensor.data, count, self._columns)
        else:
            rows = _from_bytes(tensor.data, size, tail, count, self._columns)
        names = None if parameters is None else parameters.row_ids
        if names is not None and len(names) != count:
            raise RequestError(
                f"parameters.row_ids: got {len(names)} ids, expected {count}, one a row"
            )
        return Asked(rows, names, request.id, _wants_bytes(request))

    def _explained(self, message: str) -> str:
        what, _, path = message.partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or "body"
        found = re.fullmatch(r"Invalid enum value (.*)", what, re.DOTALL)
        expected = self._expected.get(re.sub(r"\d+", "", field))
        if found and expected:
            what = f"got {found[1][:100]}, expected {expected}"
        return f"{field}: {what[:1].lower()}{what[1:]}"[:LONGEST]


def _wants_bytes(request: Any) -> bool:
    default = request.parameters is not None and request.parameters.binary_data_output
    for output in request.outputs or ():
        if output.parameters is not None and output.parameters.binary_data is not None:
            return bool(output.parameters.binary_data)
    return bool(default)


def _from_json(data: list[Any] | None, count: int, columns: int) -> Floats:
    if data is None:
        raise RequestError("inputs[0]: object missing required field `data`")
    try:
        array = np.array(data, np.float64)
    except ValueError:
        raise RequestError("inputs[0].data: expected numbers, or one array a row") from None
    if array.shape not in ((count * columns,), (count, columns)):
        raise RequestError(
            f"inputs[0].data: got an array of shape {list(array.shape)}, "
            f"expected {count * columns} numbers for shape [{count}, {columns}]"
        )
    return array.reshape(count, columns)


def _from_bytes(
    data: list[Any] | None, size: int | None, tail: bytes, count: int, columns: int
) -> Floats:
    expected = count * columns * 8
    if data is not None:
        raise RequestError("inputs[0].data: got numbers as JSON and as bytes, expected one of them")
    if size != expected:
        raise RequestError(
            f"inputs[0].parameters.binary_data_size: got {size}, expected {expected} "
            f"for shape [{count}, {columns}] of float64"
        )
    if len(tail) != expected:
        raise RequestError(f"body: got {len(tail)} bytes behind the JSON, expected {expected}")
    rows = np.frombuffer(tail, "<f8").reshape(count, columns)
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise RequestError(f"inputs[0]: row {row}, column {column}: expected a finite number")
    return rows


def _only(value: str | int) -> Any:
    return Literal[value]
