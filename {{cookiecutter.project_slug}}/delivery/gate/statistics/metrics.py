"""Every metric with bounds: of one model, and of the difference of two on the same rows.

labels: (n,) float64; answers: (n,) float64, as `..metrics` has them. A share counts an answer of
0.5 or more as label 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...policy import LOWER_IS_BETTER
from . import confusion, rates
from .bounds import Bounds, Floats, Influence, NoSpreadError, OutsideDomainError, bounded
from .influence import SMOOTH, require_classes, table

Mask = NDArray[np.bool_]
RATES: Mapping[str, Callable[[Floats], Mask]] = {
    "accuracy": lambda labels: np.ones(len(labels), bool),
    "sensitivity": lambda labels: labels == 1,
    "specificity": lambda labels: labels == 0,
}
"""Shares of right answers, and among which rows."""
RANKS = frozenset({"roc_auc", "average_precision"})
RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("log_loss", "mae", "rmse"), (0.0, math.inf)),
    "r2": (-math.inf, 1.0),
    **dict.fromkeys(("mcc", "cohen_kappa"), (-1.0, 1.0)),
}
"""Least and most that a metric can be; 0 and 1 for all others."""


def of_one(metric: str, labels: Floats, answers: Floats, alpha: float) -> Bounds:
    """Return one model's metric, in its own unit; raises OutsideDomainError."""
    if metric in RATES:
        right = _right(metric, labels, answers)
        return rates.share(int(right.sum()), len(right), alpha)
    if metric in RANKS:
        return _within(metric, _ranked(SMOOTH[metric](labels, answers), labels, alpha))
    if metric in SMOOTH:
        return _within(metric, bounded(SMOOTH[metric](labels, answers), alpha))
    require_classes(labels)
    cells = confusion.cells(labels, confusion.chosen(answers))
    statistic = confusion.STATISTICS[metric]
    found = table(cells.ravel(), lambda counts: statistic(_square(counts, 1)))
    return _within(metric, bounded(found, alpha))


def of_difference(
    metric: str, labels: Floats, ours: Floats, theirs: Floats, alpha: float
) -> Bounds:
    """Return by how much the candidate is better: above 0 it is; raises OutsideDomainError."""
    if metric in RATES:
        right, were = _right(metric, labels, ours), _right(metric, labels, theirs)
        gained, lost = int((right & ~were).sum()), int((were & ~right).sum())
        return rates.paired(gained, lost, len(right), alpha)
    if np.array_equal(ours, theirs):
        return Bounds(0.0, 0.0, 0.0, 0.0, len(labels), "equal-answers")
    found = _difference(metric, labels, ours, theirs)
    if metric in RANKS:
        return _ranked(found, labels, alpha)
    return bounded(-found if metric in LOWER_IS_BETTER else found, alpha)


def _ranked(found: Influence, labels: Floats, alpha: float) -> Bounds:
    """Return bounds of ranks. Where all rows are placed alike, those of a share without an error.

    That share is of the rarer class: as many of its further rows may be placed otherwise.
    """
    try:
        return bounded(found, alpha)
    except NoSpreadError:
        rarer = min(labels.sum(), len(labels) - labels.sum())
        reach, value = 1 - alpha ** (1 / float(rarer)), found.estimate
        error, rows = 1 / float(rarer), float(rarer)
        return Bounds(value, value - reach, value + reach, error, rows, "clopper-pearson")


def _within(metric: str, found: Bounds) -> Bounds:
    """Return bounds moved into the metric's own range."""
    least, most = RANGES.get(metric, (0.0, 1.0))
    return replace(found, low=max(found.low, least), high=min(found.high, most))


def _difference(metric: str, labels: Floats, ours: Floats, theirs: Floats) -> Influence:
    if metric in SMOOTH:
        return SMOOTH[metric](labels, ours) - SMOOTH[metric](labels, theirs)
    require_classes(labels)
    cells = confusion.cells(labels, confusion.chosen(ours), confusion.chosen(theirs))
    statistic = confusion.STATISTICS[metric]

    def apart(counts: Floats) -> Floats:
        cube = _square(counts, 2)
        return statistic(cube.sum(axis=-1)) - statistic(cube.sum(axis=-2))

    return table(cells.ravel(), apart)


def _right(metric: str, labels: Floats, answers: Floats) -> Mask:
    among = RATES[metric](labels)
    if not among.any():
        raise OutsideDomainError("no row of the class that it is about")
    right: Mask = confusion.chosen(answers)[among] == labels[among]
    return right


def _square(counts: Floats, models: int) -> Floats:
    """Return counts (..., 2^k) as tables with an axis for the label and one a model."""
    return counts.reshape(*counts.shape[:-1], *(2,) * (models + 1))
