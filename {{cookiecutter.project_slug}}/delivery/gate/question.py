"""The known question: synthetic rows and the image's answers to them (FORMATS section 5)."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from ..canonical import canonical, sha256
from ..models.contract import Signature
from .compare import TOLERANCE
from .image import read_carried
from .metrics import Floats
from .scoring import Scorer, body, predict

ROWS = 8


@dataclass(frozen=True)
class KnownQuestion:
    """The question's file, whole; its SHA-256 is part of the release."""

    data: bytes

    @property
    def sha256(self) -> str:
        """The digest by which the release names the question."""
        return sha256(self.data)


def known_question(scorer: Scorer, image: str, tolerance: float) -> KnownQuestion:
    """Return the question with the answers that an image gives now; raises ScoringError.

    The file is canonical JSON: `request` to send as it is, the `answers` to expect in order, row by
    row, and the `tolerance` within which they agree, relative to the largest of them.
    """
    carried = read_carried(scorer.model(image))
    signature, rows = carried.signature, lattice(carried.signature)
    ids = tuple(f"known-{number}" for number in range(ROWS))
    answers = predict(scorer, image, signature, carried.digest, ids, rows)
    content = {
        "schema": 1,
        "request": body(signature, "known", ids, rows),
        "output": signature.outputs[0].name,
        "answers": [rounded(value, 9) for value in answers.ravel().tolist()],
        "tolerance": tolerance,
    }
    return KnownQuestion(canonical(content) + b"\n")


def same_question(stated: bytes, found: KnownQuestion) -> bool:
    """Return whether a question is the one that an image gives now.

    All is equal but the answers, which agree within 1e-6 of the largest: processors differ.
    """
    try:
        theirs, ours = json.loads(stated), json.loads(found.data)
        answers = np.array(theirs.pop("answers"), dtype=np.float64)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    expected = np.array(ours.pop("answers"))
    if theirs != ours or answers.shape != expected.shape:
        return False
    return bool(np.all(np.abs(answers - expected) <= TOLERANCE * np.abs(expected).max()))


def lattice(signature: Signature) -> Floats:
    """Return synthetic rows within the ranges of the features: (8, columns) float64.

    A rank-1 lattice: feature j of row i stands at ((2j + 1) i mod 8 + 1/2) / 8 of its range. The
    odd factor has every feature meet all eighths of its range once. No random numbers.
    See: Sloan and Joe, Lattice Methods for Multiple Integration, 1994.
    """
    columns = signature.inputs[0].columns
    low = np.array([column.low for column in columns])
    high = np.array([column.high for column in columns])
    row, column = np.arange(ROWS)[:, None], np.arange(len(columns))[None, :]
    share = ((row * (2 * column + 1)) % ROWS + 0.5) / ROWS
    return np.vectorize(lambda value: rounded(value, 6))(low + share * (high - low))  # type: ignore[no-any-return]


def rounded(value: float, digits: int) -> float:
    """Return a number of so many significant digits: the last ones differ between processors."""
    return float(f"{value:.{digits}g}")
