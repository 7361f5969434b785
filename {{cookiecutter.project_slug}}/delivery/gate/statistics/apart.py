"""How far a metric is apart between two groups of rows, of which none is in both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np

from . import confusion, rates
from .bounds import FEWEST, AtLevel, Bounds, Floats, Influence, OutsideDomainError, Spread, spread
from .metrics import RATES, influence, right

FEWEST_OF_A_SHARE = 30
"""Rows of a group below which its share says too little to be compared with another group's."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of one group: labels, and a model's answers to them; a metric of them, reckoned once."""

    metric: str
    labels: Floats
    answers: Floats

    @cached_property
    def share(self) -> tuple[int, int]:
        """Hits, and the rows that a share is about; raises OutsideDomainError where none is."""
        hits = right(self.metric, self.labels, self.answers)
        return int(hits.sum()), len(hits)

    @cached_property
    def influence(self) -> Influence:
        """The metric, where it is no share; raises OutsideDomainError."""
        return influence(self.metric, self.labels, self.answers)

    @cached_property
    def of_each_row(self) -> Influence:
        """The metric's influence for every single row, so that two models' can be added."""
        if self.metric in RATES:
            hits = right(self.metric, self.labels, self.answers).astype(np.float64)
            return Influence.of_rows(float(hits.mean()), hits - hits.mean())
        if self.metric not in confusion.STATISTICS:
            return self.influence
        cells, found = confusion.cells(self.labels, self.answers).padded, self.influence
        of_cell = np.zeros((cells.classes, cells.classes))
        of_cell[tuple(cells.kinds.T)] = found.of_row
        label, answer = self.labels, confusion.chosen(self.answers)
        of_row = of_cell[label.astype(np.int64), answer.astype(np.int64)]
        return Influence.of_rows(found.estimate, of_row)

    def require_rows(self) -> None:
        """Raise OutsideDomainError where the group is too small to be compared with another."""
        if self.metric in RATES:
            _, count = self.share
            if count < FEWEST_OF_A_SHARE:
                raise OutsideDomainError(
                    f"{count} of the rows that it is about; {FEWEST_OF_A_SHARE} needed"
                )
        elif len(self.labels) < FEWEST:
            raise OutsideDomainError(f"bounds are known to hold from {FEWEST} rows on")
        else:
            self.influence  # noqa: B018 - raises where classes are too small


def apart(one: Sample, other: Sample) -> AtLevel:
    """Return what gives one group's metric minus the other's, in its own unit, at any level.

    Raises OutsideDomainError.
    """
    if one.metric in RATES:
        return partial(shares_apart, *one.share, *other.share)
    return spread(_combined(one.influence, other.influence)).bounds


def grown(one: tuple[Sample, Sample], other: tuple[Sample, Sample]) -> tuple[Spread, Spread]:
    """Return the candidate's difference of two groups minus, and plus, the champion's.

    Each group as the candidate and as the champion answers it. A gap that was D and is d has grown
    upwards by d - |D|, the smaller of the two. Raises OutsideDomainError.
    """
    both = [(ours.of_each_row, theirs.of_each_row) for ours, theirs in (one, other)]
    minus = _combined(*(ours - theirs for ours, theirs in both))
    plus = _combined(*(ours - (-theirs) for ours, theirs in both))
    return spread(minus), spread(plus)


def shares_apart(
    hits: int, rows: int, other_hits: int, other_rows: int, alpha: float, method: str = "exact"
) -> Bounds:
    """Return the difference of two groups' shares, -1 to 1.

    The distances from each share to its own bound, squared and added: Newcombe, Interval estimation
    for the difference between independent proportions, Statistics in Medicine 17, 1998, method 10;
    for any bounds Zou and Donner, Statistics in Medicine 27, 2008. With exact bounds on the shares
    it is wrong at most as often as it says, for groups of any size; with Wilson's, as Newcombe has
    them, and by Miettinen and Nurminen's score, several times too often at the level of one of 20
    candidates (docs/gate-statistics.md).
    """
    ours, theirs = hits / rows, other_hits / other_rows
    low, high = share_bounds(hits, rows, alpha, method)
    other_low, other_high = share_bounds(other_hits, other_rows, alpha, method)
    found = ours - theirs
    error = math.sqrt(_variance(hits, rows) + _variance(other_hits, other_rows))
    return Bounds(
        found,
        found - math.hypot(ours - low, other_high - theirs),
        found + math.hypot(high - ours, theirs - other_low),
        error,
        rows + other_rows,
        "square-and-add",
    )


@lru_cache(maxsize=4096)
def share_bounds(hits: int, rows: int, alpha: float, method: str) -> tuple[float, float]:
    """Return the bounds of one share; kept, as each group is compared with every other."""
    return rates.share_bounds(hits, rows, alpha, method)


def _variance(hits: int, rows: int) -> float:
    """Return a share's variance with a hit and a miss added, as it is never none."""
    estimate = (hits + 1) / (rows + 2)
    return estimate * (1 - estimate) / rows


def _combined(one: Influence, other: Influence) -> Influence:
    """Return the influence on a difference of two groups' estimates: their variances add."""
    ours, theirs = float(one.rows.sum()), float(other.rows.sum())
    both = ours + theirs
    of_row = np.concatenate([one.of_row * both / ours, -other.of_row * both / theirs])
    rows, worth = np.concatenate([one.rows, other.rows]), min(one.worth, other.worth)
    return Influence(one.estimate - other.estimate, of_row, rows, worth)
