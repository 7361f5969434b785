"""Scoring protocol 1 (FORMATS section 3), as the judge speaks it: it believes no answer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..canonical import canonical
from ..errors import Unknown
from ..models.contract import Signature
from .metrics import Floats

ROWS_PER_REQUEST = 500
"""A request of 500 rows of 30 columns has 300 kB: large enough to be fast, small enough to hold."""

SUM = 1e-6
"""How far a row's probabilities may sum to beside 1: float32 has seven digits."""


def printable(text: str) -> str:
    """Return what an image wrote, fit for reports: at most 240 signs, none of them control."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:240])


class ScoringError(Unknown):
    """The image gave no answer that can be judged; each way has a code of its own."""

    def __init__(self, code: str, seen: str) -> None:
        super().__init__(
            code,
            seen,
            "Finite numbers as the signature has them, for exactly the rows asked, in their order.",
            "mend the model so that it answers every row, then train and build it anew",
        )


class Scorer(Protocol):
    """Where answers come from: a container that runs an image."""

    def answers(self, image: str, requests: bytes) -> bytes:
        """Return what the image's scoring entry wrote; raises ScoringError, or Unknown."""

    def model(self, image: str) -> Mapping[str, bytes]:
        """Return every file of the image's model folder, by its path there."""


@dataclass(frozen=True)
class Request:
    """One request: the ids of its rows, and its line."""

    id: str
    rows: tuple[str, ...]
    line: bytes


def predict(
    scorer: Scorer,
    image: str,
    signature: Signature,
    digest: str,
    ids: Sequence[str],
    features: Floats,
) -> Floats:
    """Return an image's answer for each row: finite float64, (n,), or (n, K) for K classes.

    features: (n, columns) in the order of the signature; `digest` is of the model that has to
    answer. Raises ScoringError for any answer that is not exactly what was asked for.
    """
    asked = requests_for(signature, ids, features)
    raw = scorer.answers(image, b"".join(request.line for request in asked))
    return read_answers(raw, asked, signature, digest)


def requests_for(signature: Signature, ids: Sequence[str], features: Floats) -> list[Request]:
    """Return rows as requests of at most 500 rows each."""
    made: list[Request] = []
    for at in range(0, len(ids), ROWS_PER_REQUEST):
        rows = tuple(ids[at : at + ROWS_PER_REQUEST])
        part = features[at : at + ROWS_PER_REQUEST]
        number = str(len(made))
        made.append(Request(number, rows, canonical(body(signature, number, rows, part)) + b"\n"))
    return made


def body(signature: Signature, id_: str, rows: Sequence[str], features: Floats) -> dict[str, Any]:
    """Return one Open Inference v2 request as plain data.

    See: https://github.com/kserve/open-inference-protocol, `inference_rest.md`.
    """
    tensor = {
        "name": signature.inputs[0].name,
        "datatype": signature.inputs[0].datatype,
        "shape": list(features.shape),
        "data": features.ravel().tolist(),
    }
    return {"id": id_, "parameters": {"row_ids": list(rows)}, "inputs": [tensor]}


def read_answers(raw: bytes, asked: Sequence[Request], signature: Signature, digest: str) -> Floats:
    """Return the numbers in an image's output: (n,) or (n, K) float64; raises ScoringError."""
    lines = raw.splitlines()
    parsed = [_parse(line, number) for number, line in enumerate(lines, start=1)]
    if len(lines) < len(asked):
        raise ScoringError("answers-missing", f"{len(lines)} answers to {len(asked)} requests.")
    if len(lines) > len(asked):
        raise ScoringError("answers-extra", f"{len(lines)} answers to {len(asked)} requests.")
    parts = [
        _read_one(answer, request, signature, digest)
        for answer, request in zip(parsed, asked, strict=True)
    ]
    numbers = np.array([number for part in parts for number in part], dtype=np.float64)
    if not signature.classes:
        return numbers
    return _summed(numbers.reshape(-1, signature.width), [row for one in asked for row in one.rows])


def _parse(line: bytes, number: int) -> dict[str, Any]:
    try:
        answer = json.loads(line, parse_constant=_refuse_constant)
    except _ConstantError as err:
        raise ScoringError("answers-not-finite", f"answer {number} holds {err}.") from err
    except (ValueError, RecursionError) as err:
        start = printable(line[:60].decode("utf-8", "replace"))
        raise ScoringError("answers-not-json", f"line {number} is no JSON: `{start}`.") from err
    if not isinstance(answer, dict):
        raise ScoringError("answers-not-json", f"line {number} is no JSON object.")
    return answer


class _ConstantError(Exception):
    """NaN or an infinity, which Python's parser would let through."""


def _refuse_constant(text: str) -> float:
    raise _ConstantError(text)


def _read_one(
    answer: dict[str, Any], request: Request, signature: Signature, digest: str
) -> list[float]:
    if answer.get("id") != request.id:
        raise ScoringError(
            "answers-reordered", f"answer {answer.get('id')!r} came for request {request.id!r}."
        )
    parameters = answer.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if parameters.get("model_digest") != digest:
        raise ScoringError(
            "answers-other-model",
            f"the answer is of model {str(parameters.get('model_digest'))[:19]}…, "
            f"asked was {digest[:19]}….",
        )
    _check_rows(parameters.get("row_ids"), request.rows)
    return _numbers(_output(answer, signature), request.rows, signature)


def _check_rows(got: object, asked: tuple[str, ...]) -> None:
    if not isinstance(got, list) or not all(isinstance(row, str) for row in got):
        raise ScoringError("rows-missing", "the answer does not name its rows.")
    if tuple(got) == asked:
        return
    if len(set(got)) != len(got):
        raise ScoringError("rows-doubled", "the answer holds a row twice.")
    if set(asked) - set(got):
        row = min(set(asked) - set(got))
        raise ScoringError("rows-missing", f"the answer lacks row {row!r}, and maybe others.")
    if set(got) - set(asked):
        row = min(set(got) - set(asked))
        raise ScoringError("rows-extra", f"the answer holds row {row!r}, which was not asked.")
    raise ScoringError("rows-reordered", "the answer holds the rows in another order.")


def _output(answer: dict[str, Any], signature: Signature) -> dict[str, Any]:
    outputs, name = answer.get("outputs"), signature.outputs[0].name
    found = outputs if isinstance(outputs, list) else []
    if len(found) != 1 or not isinstance(found[0], dict) or found[0].get("name") != name:
        raise ScoringError("output-missing", f"the one output of the answer is not {name!r}.")
    return found[0]


def _numbers(output: dict[str, Any], rows: tuple[str, ...], signature: Signature) -> list[float]:
    spec = signature.outputs[0]
    data = output.get("data")
    if output.get("datatype") != spec.datatype:
        raise ScoringError(
            "output-wrong-datatype", f"datatype is {output.get('datatype')!r}, not {spec.datatype}."
        )
    shape, count = [len(rows), *spec.shape[1:]], len(rows) * signature.width
    if output.get("shape") != shape or not isinstance(data, list) or len(data) != count:
        raise ScoringError(
            "output-wrong-shape", f"shape is {output.get('shape')!r}, asked was {shape}."
        )
    of_row = [row for row in rows for _ in range(signature.width)]
    return [_number(value, row, signature) for value, row in zip(data, of_row, strict=True)]


def _summed(answers: Floats, rows: Sequence[str]) -> Floats:
    """Return probabilities of classes, each row of which sums to 1."""
    sums = answers.sum(axis=1)
    apart = np.abs(sums - 1)
    if (apart > SUM).any():
        worst = int(np.argmax(apart))
        raise ScoringError(
            "answers-sum-not-one",
            f"the probabilities of row {rows[worst]!r} sum to {sums[worst]:.9g}, not to 1.",
        )
    return answers


def _number(value: object, row: str, signature: Signature) -> float:
    if value is None:
        raise ScoringError("answers-not-finite", f"the answer to row {row!r} is null (NaN).")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ScoringError("output-wrong-datatype", f"the answer to row {row!r} is no number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ScoringError("answers-not-finite", f"the answer to row {row!r} is not finite.")
    if signature.task != "regression" and not 0.0 <= number <= 1.0:
        raise ScoringError(
            "answers-out-of-range", f"the answer to row {row!r} is {number:g}, no probability."
        )
    return number
