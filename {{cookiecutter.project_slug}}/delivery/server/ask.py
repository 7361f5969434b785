"""The known question: a running server is asked, and its answers compared with the release's.

Standard library alone, so that what asks shares nothing with what answers. Right after a rollout
an old pod may still answer, or none: both are asked again until a deadline. What the right model
says is final.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

PAUSE_S = 1.0
TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 1024 * 1024
NOT_YET = (502, 503, 504)
"""Statuses of something in between that has nobody to pass the request to."""
ROUNDED = 5e-9
"""Relative: the answers in a question have nine significant digits."""


class QuestionError(RuntimeError):
    """The known question was not answered as the release states, or could not be asked."""


class _NotYetError(RuntimeError):
    """No answer of the model that is asked; another try may give one."""


@dataclass(frozen=True)
class Asked:
    """Who is asked: an address, and the model, by name and content, that has to answer."""

    host: str
    port: int
    model: str
    digest: str


@dataclass(frozen=True)
class Question:
    """A known question: the request as it is sent, and the answers to expect in its order.

    A row has one answer, or one for each class. `tolerance` is relative to the largest answer.
    """

    request: bytes
    rows: list[str]
    output: str
    answers: list[float]
    tolerance: float

    @property
    def limit(self) -> float:
        """How far an answer may be from the expected one."""
        return (self.tolerance + ROUNDED) * max(map(abs, self.answers))


def read_question(data: bytes) -> Question:
    """Return the question in a file; raises QuestionError."""
    try:
        content = _json(data)
        question = Question(
            json.dumps(content["request"]).encode(),
            list(content["request"]["parameters"]["row_ids"]),
            str(content["output"]),
            [float(number) for number in content["answers"]],
            float(content["tolerance"]),
        )
        rows, answers = len(question.rows), len(question.answers)
        if not rows or not answers or answers % rows:
            raise ValueError("expected an answer to each row, or one for each class")
    except (ValueError, KeyError, TypeError) as error:
        raise QuestionError(f"question: {type(error).__name__}: {error}") from None
    return question


def ask(asked: Asked, question: Question, wait_s: float) -> str:
    """Return a sentence on the answers, which are the release's; raises QuestionError.

    wait_s: seconds until the right model has to have answered.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            answer = _post(asked, question, max(deadline - time.monotonic(), PAUSE_S))
            _require_model(answer, asked.digest)
        except _NotYetError as reason:
            if time.monotonic() + PAUSE_S > deadline:
                where = f"{asked.host} port {asked.port}"
                raise QuestionError(f"{where}: not within {wait_s:g} s: {reason}") from None
            time.sleep(PAUSE_S)
            continue
        _compare(answer, question)
        return f"{len(question.rows)} answers of model {asked.digest} are the release's"


def _post(asked: Asked, question: Question, left_s: float) -> Mapping[str, Any]:
    """Return what is answered, on a connection of its own: behind a Service any pod may get it."""
    timeout = min(left_s, TIMEOUT_S)
    connection = http.client.HTTPConnection(asked.host, asked.port, timeout=timeout)
    headers = {"Content-Type": "application/json", "Connection": "close"}
    try:
        path = f"/v2/models/{asked.model}/infer"
        connection.request("POST", path, question.request, headers)
        response = connection.getresponse()
        body = response.read(MAX_ANSWER_BYTES)
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        raise _NotYetError(f"{type(error).__name__}: {error}") from None
    finally:
        connection.close()
    if response.status in NOT_YET:
        raise _NotYetError(f"status: got {response.status}, expected 200")
    if response.status != 200:
        raise QuestionError(f"status: got {response.status}, expected 200: {_printable(body)}")
    try:
        answer = _json(body)
    except ValueError:
        raise QuestionError(f"answer: expected JSON, got {_printable(body)}") from None
    if not isinstance(answer, dict):
        raise QuestionError(f"answer: expected an object, got {_printable(body)}")
    return answer


def _require_model(answer: Mapping[str, Any], digest: str) -> None:
    got = _part(answer, "parameters").get("model_digest")
    if got != digest:
        raise _NotYetError(f"parameters.model_digest: got {_shown(got)}, expected {digest!r}")


def _compare(answer: Mapping[str, Any], question: Question) -> None:
    rows = _part(answer, "parameters").get("row_ids")
    if rows != question.rows:
        raise QuestionError(
            f"parameters.row_ids: got {_shown(rows)}, expected {_shown(question.rows)}"
        )
    outputs = answer.get("outputs")
    first = outputs[0] if isinstance(outputs, list) and len(outputs) == 1 else None
    if not isinstance(first, dict) or first.get("name") != question.output:
        raise QuestionError(f"outputs: expected {question.output!r} alone, got {_shown(outputs)}")
    data = first.get("data")
    if not isinstance(data, list) or len(data) != len(question.answers):
        raise QuestionError(
            f"outputs[0].data: got {_shown(data)}, expected {len(question.answers)} numbers"
        )
    for place, (got, expected) in enumerate(zip(data, question.answers, strict=True)):
        if not _near(got, expected, question.limit):
            raise QuestionError(
                f"outputs[0].data[{place}]: got {_shown(got)}, expected {expected!r} "
                f"within {question.limit:.3g}"
            )


def _near(got: object, expected: float, limit: float) -> bool:
    if isinstance(got, bool) or not isinstance(got, int | float):
        return False
    try:
        return abs(got - expected) <= limit  # never so for infinity, which JSON spells 1e999
    except OverflowError:
        return False


def _part(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = answer.get(name)
    return part if isinstance(part, dict) else {}


def _json(data: bytes) -> Any:
    try:
        return json.loads(data, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError(error) from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"JSON has no {text}")


def _shown(value: object) -> str:
    return _printable(repr(value).encode())


def _printable(body: bytes) -> str:
    """Return what was answered fit for a log: at most 240 signs, none of them control."""
    text = body[:240].decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "?" for sign in text)
