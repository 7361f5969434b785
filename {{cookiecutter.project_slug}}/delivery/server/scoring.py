"""Scoring protocol 1: one request a line on standard input, one answer a line on standard output.

A number that is not finite is written as null; what that means is the judge's to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from .model import Model
from .protocol import Codec, RequestError


def score(model: Model, codec: Codec, requests: Iterable[bytes], answers: BinaryIO) -> None:
    """Write an answer for each request, in order; raises RequestError that names the line."""
    for number, line in enumerate(requests, start=1):
        try:
            asked = codec.decode(line)
        except RequestError as error:
            raise RequestError(f"line {number}: {error}") from None
        text, _ = codec.encode(asked, model.predict(asked.rows))
        answers.write(text + b"\n")
        answers.flush()
