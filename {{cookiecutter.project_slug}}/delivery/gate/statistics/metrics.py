"""Every metric with bounds: of one model, and of the difference of two on the same rows.

labels: (n,) float64; answers: (n,) or (n, K) float64, as `..metrics` has them. A share counts a row
as right where `chosen` gives its label.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...policy import LOWER_IS_BETTER
from . import confusion, rates
from .bounds import AtLevel, Bounds, Floats, Influence, OutsideDomainError, spread
from .influence import SMOOTH, SMOOTH_OF_CLASSES, rarest, require_classes, table

Mask = NDArray[np.bool_]
RATES: Mapping[str, Callable[[Floats], Mask]] = {
    "accuracy": lambda labels: np.ones(len(labels), bool),
    "sensitivity": lambda labels: labels == 1,
    "specificity": lambda labels: labels == 0,
}
"""Shares of right answers, and among which rows."""
RANKS = frozenset({"roc_auc", "roc_auc_ovr", "average_precision"})
RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("log_loss", "mae", "rmse"), (0.0, math.inf)),
    "r2": (-math.inf, 1.0),
    **dict.fromkeys(("mcc", "cohen_kappa"), (-1.0, 1.0)),
}
"""Least and most that a metric can be; 0 and 1 for all others."""


def of_one(metric: str, labels: Floats, answers: Floats, alpha: float) -> Bounds:
    """Return one model's metric, in its own unit; raises OutsideDomainError."""
    return rated(metric, labels, answers)(alpha)


def of_difference(
    metric: str, labels: Floats, ours: Floats, theirs: Floats, alpha: float
) -> Bounds:
    """Return by how much the candidate is better: above 0 it is; raises OutsideDomainError."""
    return compared(metric, labels, ours, theirs)(alpha)


def rated(metric: str, labels: Floats, answers: Floats) -> AtLevel:
    """Return what gives one model's metric with bounds of any level; raises OutsideDomainError."""
    if metric in RATES:
        hits = right(metric, labels, answers)
        return partial(rates.share, int(hits.sum()), len(hits))
    found = influence(metric, labels, answers)
    if metric == "r2" and found.estimate < 1:
        return _explained(found)
    least, most = RANGES.get(metric, (0.0, 1.0))
    if metric == "brier" and answers.ndim == 2:
        most = 2.0
    at = _bounded(metric, found, labels, answers)

    def inside(alpha: float) -> Bounds:
        found = at(alpha)
        return replace(found, low=max(found.low, least), high=min(found.high, most))

    return inside


def _explained(found: Influence) -> AtLevel:
    """Return what gives R2 with bounds: those of the logarithm of what is left unexplained.

    A ratio of means is skewed, its logarithm is not: without it, a model at a floor passes up to
    twice too often at the level of one of 20 candidates.
    """
    rest, plain = 1 - found.estimate, spread(found)
    of_log = replace(found, estimate=math.log(rest), of_row=-found.of_row / rest)
    logarithm = spread(of_log)

    def at(alpha: float) -> Bounds:
        inner, outer = logarithm.bounds(alpha), plain.bounds(alpha)
        low, high = 1 - math.exp(inner.high), 1 - math.exp(inner.low)
        return replace(outer, low=low, high=high, method="log-delta-t")

    return at


def compared(metric: str, labels: Floats, ours: Floats, theirs: Floats) -> AtLevel:
    """Return what gives the gain, with bounds of any level; raises OutsideDomainError."""
    if metric in RATES:
        now, then = right(metric, labels, ours), right(metric, labels, theirs)
        gained, lost = int((now & ~then).sum()), int((then & ~now).sum())
        return partial(rates.paired, gained, lost, len(now))
    if np.array_equal(ours, theirs):
        return lambda _: Bounds(0.0, 0.0, 0.0, 0.0, len(labels), "equal-answers")
    found = influence(metric, labels, ours, theirs)
    return _bounded(metric, -found if metric in LOWER_IS_BETTER else found, labels, ours)


def _bounded(metric: str, found: Influence, labels: Floats, answers: Floats) -> AtLevel:
    """Return what gives bounds; of ranks that place all rows alike, those of a share without error.

    That share is of the rarest class: as many of its further rows may be placed otherwise.
    """
    if metric not in RANKS or found.of_row.any():
        return spread(found).bounds
    rows, value = float(rarest(labels, confusion.classes_of(answers))), found.estimate

    def of_share(alpha: float) -> Bounds:
        reach = 1 - alpha ** (1 / rows)
        return Bounds(value, value - reach, value + reach, 1 / rows, rows, "clopper-pearson")

    return of_share


def influence(metric: str, labels: Floats, *answers: Floats) -> Influence:
    """Return the influence on one model's metric, or on the difference of two models'.

    Not for shares, whose bounds are exact; raises OutsideDomainError.
    """
    smooth = SMOOTH if answers[0].ndim == 1 else SMOOTH_OF_CLASSES
    if metric in smooth:
        first, *second = (smooth[metric](labels, one) for one in answers)
        return first - second[0] if second else first
    require_classes(labels, confusion.classes_of(answers[0]))
    return table(confusion.cells(labels, *answers), confusion.STATISTICS[metric])


def right(metric: str, labels: Floats, answers: Floats) -> Mask:
    """Return which of the rows that a share is about are answered as labelled.

    Raises OutsideDomainError where there are none.
    """
    among = RATES[metric](labels)
    if not among.any():
        raise OutsideDomainError("no row of the class that it is about")
    found: Mask = confusion.chosen(answers)[among] == labels[among]
    return found
