"""Whether a converted model answers as the one that it was made from.

The hold-out decides. It is small, so rows drawn from its values are asked, too: where a converted
tree takes another branch, it does so for values that lie on a threshold, which are values of the
data and the middles between them. They choose among conversions that the hold-out lets pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gate.holdout import Rows
from ..gate.metrics import Floats
from ..policy import Task

DRAWN = 1000
SEED = 0
THRESHOLD = 0.5
"""From here on a probability means the positive class, as the judge's metrics have it."""


@dataclass(frozen=True)
class Parity:
    """How far two payloads' answers are apart.

    difference: the largest on the hold-out, at `row`, relative to the largest answer there;
    flipped: rows of the hold-out with another label; drawn: how many drawn rows are apart by more
    than tolerated, relative to the largest answer of all.
    """

    difference: float
    row: str
    flipped: tuple[str, ...]
    drawn: int

    def objection(self, tolerance: float) -> str | None:
        """Return why the conversion is not used, None where it may be."""
        if self.flipped:
            more = f" and {len(self.flipped) - 1} more" if len(self.flipped) > 1 else ""
            return f"another label for row {self.flipped[0]}{more} of the hold-out"
        if not self.difference <= tolerance:
            return (
                f"row {self.row} of the hold-out is answered {self.difference:.2g} of the largest "
                f"answer apart, {tolerance:g} is tolerated"
            )
        return None


def drawn_rows(features: Floats, count: int = DRAWN) -> Floats:
    """Return rows whose values are those of the columns of `features` and the middles between them.

    features: (n, columns); returns (count, columns), the same ones each time.
    """
    chance = np.random.default_rng(SEED)
    return np.column_stack([chance.choice(_values(column), count) for column in features.T])


def compare(task: Task, rows: Rows, ours: Floats, theirs: Floats, tolerance: float) -> Parity:
    """Return how far `theirs` are from `ours`; answers to the hold-out come first, then others."""
    held = len(rows.ids)
    # Drawn rows may lie where a regression answers millions: no measure of the hold-out's answers.
    apart = _apart(ours[:held], theirs[:held])
    flipped = np.flatnonzero(_labels(task, ours[:held]) != _labels(task, theirs[:held]))
    worst = int(np.argmax(apart))
    return Parity(
        difference=float(apart[worst]),
        row=rows.ids[worst],
        flipped=tuple(_named(rows.ids, flipped)),
        drawn=int(np.count_nonzero(_apart(ours, theirs)[held:] > tolerance)),
    )


def _apart(ours: Floats, theirs: Floats) -> Floats:
    """Return each row's largest difference, relative to the largest answer: (n,)."""
    scale = float(np.max(np.abs(ours))) or 1.0
    apart: Floats = np.abs(ours - theirs).reshape(len(ours), -1).max(axis=1) / scale
    return apart


def _labels(task: Task, answers: Floats) -> NDArray[np.int64]:
    """Return the label of each answer; a regression has none, so all are the same."""
    if task == "binary-classification":
        return (answers >= THRESHOLD).astype(np.int64)
    if task == "multiclass-classification":
        return np.asarray(answers.argmax(axis=1), dtype=np.int64)
    return np.zeros(len(answers), dtype=np.int64)


def _named(ids: Sequence[str], places: NDArray[np.int64]) -> list[str]:
    return [ids[place] for place in places]


def _values(column: Floats) -> Floats:
    known = np.unique(column)
    return np.concatenate([known, known[1:] / 2 + known[:-1] / 2])
