"""Scoring protocol 1: one request a line on standard input, one answer a line on standard output.

A number that is not finite is written as null; what that means is the judge's to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from .model import Model
from .protocol import RequestError, decode, encode


def score(model: Model, requests: Iterable[bytes], answers: BinaryIO) -> None:
    """Write an answer for each request, in order; raises RequestError that names the line."""
    for number, line in enumerate(requests, start=1):
        try:
            answer = model.answer(decode(line))
        except RequestError as error:
            raise RequestError(f"line {number}: {error}") from None
        answers.write(encode(answer) + b"\n")
        answers.flush()
