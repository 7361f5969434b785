"""Metrics that are not plain shares, as estimates with each row's influence.

labels: (n,) float64, 0 or 1 for classification, else in the label's unit; answers: (n,) float64.
Each estimate equals scikit-learn's metric of the same name within 1e-12.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.stats import rankdata

from .bounds import Counts, Floats, Influence, OutsideDomainError

FEWEST_OF_A_CLASS = 50
"""Rows of the rarer class below which ranks and tables give no bound; found as FEWEST was."""


HEAVIEST = 9.0
"""Kurtosis of labels, that of an exponential distribution, above which R2 gives no bound."""


def log_loss(labels: Floats, answers: Floats) -> Influence:
    """Return the mean negative logarithm of the probability that each label got.

    Probabilities of 0 or 1 are moved inwards by float64's resolution, as scikit-learn does.
    """
    tiny = np.finfo(np.float64).eps
    inside = np.clip(answers, tiny, 1 - tiny)
    return _mean_of(-np.where(labels == 1, np.log(inside), np.log1p(-inside)))


def brier(labels: Floats, answers: Floats) -> Influence:
    """Return the mean squared distance between probability and label."""
    return _mean_of((labels - answers) ** 2)


def mae(labels: Floats, answers: Floats) -> Influence:
    """Return the mean absolute error."""
    return _mean_of(np.abs(labels - answers))


def rmse(labels: Floats, answers: Floats) -> Influence:
    """Return the root of the mean squared error."""
    squares = (labels - answers) ** 2
    root = math.sqrt(squares.mean())
    of_row = (squares - squares.mean()) / (2 * root) if root else np.zeros_like(squares)
    return Influence.of_rows(root, of_row)


def r2(labels: Floats, answers: Floats) -> Influence:
    """Return the share of the labels' variance that is explained.

    Raises OutsideDomainError where a few labels make up that variance.
    """
    squares, spread = (labels - answers) ** 2, (labels - labels.mean()) ** 2
    mean, variance = squares.mean(), spread.mean()
    if (spread**2).mean() > HEAVIEST * variance**2:
        raise OutsideDomainError("a few labels are so far out that R2 rests on them; MAE does not")
    of_row = -(squares - mean) / variance + mean * (spread - variance) / variance**2
    return Influence.of_rows(float(1 - mean / variance), of_row)


def roc_auc(labels: Floats, answers: Floats) -> Influence:
    """Return the chance that a row of label 1 gets a higher answer than one of label 0.

    A row's influence is its placement among the other class. See: DeLong, DeLong and
    Clarke-Pearson, Biometrics 44, 1988; by midranks, in O(n log n): Sun and Xu, IEEE Signal
    Processing Letters 21, 2014.
    """
    positive = _classes(labels)
    up, down = answers[positive], answers[~positive]
    ranks = rankdata(np.concatenate([up, down]))
    above = (ranks[: len(up)] - rankdata(up)) / len(down)
    below = 1 - (ranks[len(up) :] - rankdata(down)) / len(up)
    value = float(above.mean())
    of_row = np.empty_like(answers)
    of_row[positive] = (above - value) * len(answers) / len(up)
    of_row[~positive] = (below - value) * len(answers) / len(down)
    return Influence.of_rows(value, of_row)


def average_precision(labels: Floats, answers: Floats) -> Influence:
    """Return the mean precision at the rows of label 1, in the order of the answers.

    A row's influence is its own precision, and what it does to that of all rows below it.
    """
    positive = _classes(labels)
    _, place = np.unique(-answers, return_inverse=True)
    ups = np.bincount(place, positive)
    downs = np.bincount(place, ~positive)
    hits, misses = ups.cumsum(), downs.cumsum()
    every = hits + misses
    precision = hits / every
    count = ups.sum()
    value = float((ups * precision).sum() / count)
    gained = _from_here_on(ups * misses / every**2)[place]
    spoilt = _from_here_on(ups * hits / every**2)[place]
    effect = np.where(positive, precision[place] - value + gained, -spoilt)
    return Influence.of_rows(value, effect * len(answers) / count)


def table(cells: Counts, statistic: Callable[[Floats], Floats]) -> Influence:
    """Return a function of a table's counts, with the influence of a row of each cell.

    cells: (k,) counts; statistic: from (..., k) to (...). Influence by leaving a row out.
    Where no row moves it, as in a table without an error, half a row is added to each cell: what
    was not seen may exist (Agresti and Min, Simple improved confidence intervals for comparing
    matched proportions, Statistics in Medicine 24, 2005).
    """
    found = _table(cells.astype(np.float64), statistic)
    if found.of_row.any():
        return found
    return replace(_table(cells.astype(np.float64) + 0.5, statistic), estimate=found.estimate)


def _table(cells: Floats, statistic: Callable[[Floats], Floats]) -> Influence:
    kept = np.flatnonzero(cells)
    step = min(1.0, float(cells[kept].min()))
    without = np.repeat(cells[None, :], len(kept), axis=0)
    without[np.arange(len(kept)), kept] -= step
    estimate, rows, weights = float(statistic(cells)), float(cells.sum()), cells[kept]
    of_row = (rows - step) / step * (estimate - statistic(without))
    return Influence(estimate, of_row - (of_row * weights).sum() / rows, weights)


SMOOTH: Mapping[str, Callable[[Floats, Floats], Influence]] = {
    "log_loss": log_loss,
    "brier": brier,
    "mae": mae,
    "rmse": rmse,
    "r2": r2,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
}


def require_classes(labels: Floats) -> None:
    """Raise OutsideDomainError unless both classes have rows enough for ranks and tables."""
    rarer = int(min(labels.sum(), len(labels) - labels.sum()))
    if rarer < FEWEST_OF_A_CLASS:
        raise OutsideDomainError(
            f"{rarer} rows of the rarer class; this metric's bounds are known to hold from "
            f"{FEWEST_OF_A_CLASS} on"
        )


def _mean_of(values: Floats) -> Influence:
    mean = float(values.mean())
    return Influence.of_rows(mean, values - mean)


def _classes(labels: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    require_classes(labels)
    positive: np.ndarray[tuple[int], np.dtype[np.bool_]] = labels == 1
    return positive


def _from_here_on(values: Floats) -> Floats:
    return values[::-1].cumsum()[::-1]
