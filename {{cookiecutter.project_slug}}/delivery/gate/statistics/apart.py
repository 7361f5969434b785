"""How far a metric is apart between two groups of rows, of which none is in both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from . import confusion, rates
from .bounds import FEWEST, Bounds, Floats, Influence, OutsideDomainError, bounded
from .metrics import RATES, influence, right

FEWEST_OF_A_SHARE = 30
"""Rows of a group below which its share says too little to be compared with another group's."""


@dataclass(frozen=True)
class Rows:
    """Rows of one group: labels, and a model's answers to them, (n,) float64 each."""

    labels: Floats
    answers: Floats


def apart(metric: str, one: Rows, other: Rows, alpha: float) -> Bounds:
    """Return one group's metric minus the other's, in its own unit; raises OutsideDomainError."""
    if metric in RATES:
        hits, more = (right(metric, rows.labels, rows.answers) for rows in (one, other))
        return shares_apart(int(hits.sum()), len(hits), int(more.sum()), len(more), alpha)
    both = [influence(metric, rows.labels, rows.answers) for rows in (one, other)]
    return bounded(_combined(*both), alpha)


def grown(
    metric: str, one: Rows, other: Rows, champion: tuple[Floats, Floats], alpha: float
) -> tuple[Bounds, Bounds]:
    """Return the candidate's difference of two groups minus, and plus, the champion's.

    `champion`: its answers to the rows of either group. A gap that was D and is d has grown
    upwards by d - |D|, the smaller of the two.
    """
    sides = zip((one, other), champion, strict=True)
    both = [
        (_of_each_row(metric, rows), _of_each_row(metric, Rows(rows.labels, theirs)))
        for rows, theirs in sides
    ]
    minus = _combined(*(ours - theirs for ours, theirs in both))
    plus = _combined(*(ours - (-theirs) for ours, theirs in both))
    return bounded(minus, alpha), bounded(plus, alpha)


def require_rows(metric: str, rows: Rows) -> None:
    """Raise OutsideDomainError where a group is too small to be compared with another."""
    if metric in RATES:
        count = len(right(metric, rows.labels, rows.answers))
        if count < FEWEST_OF_A_SHARE:
            raise OutsideDomainError(
                f"{count} of the rows that it is about; {FEWEST_OF_A_SHARE} needed"
            )
        return
    if len(rows.labels) < FEWEST:
        raise OutsideDomainError(f"bounds are known to hold from {FEWEST} rows on")
    influence(metric, rows.labels, rows.answers)


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


def _of_each_row(metric: str, rows: Rows) -> Influence:
    """Return a metric's influence for every single row, so that two models' can be added."""
    if metric in RATES:
        hits = right(metric, rows.labels, rows.answers).astype(np.float64)
        return Influence.of_rows(float(hits.mean()), hits - hits.mean())
    found = influence(metric, rows.labels, rows.answers)
    if metric not in confusion.STATISTICS:
        return found
    cells = confusion.cells(rows.labels, rows.answers)
    if len(found.of_row) != len(cells.rows):  # no row moves the table as it is
        return Influence.of_rows(found.estimate, np.zeros(len(rows.labels)))
    of_cell = np.zeros((cells.classes, cells.classes))
    of_cell[tuple(cells.kinds.T)] = found.of_row
    labels, answers = rows.labels.astype(np.int64), confusion.chosen(rows.answers).astype(np.int64)
    return Influence.of_rows(found.estimate, of_cell[labels, answers])


def _combined(one: Influence, other: Influence) -> Influence:
    """Return the influence on a difference of two groups' estimates: their variances add."""
    ours, theirs = float(one.rows.sum()), float(other.rows.sum())
    both = ours + theirs
    of_row = np.concatenate([one.of_row * both / ours, -other.of_row * both / theirs])
    return Influence(one.estimate - other.estimate, of_row, np.concatenate([one.rows, other.rows]))
