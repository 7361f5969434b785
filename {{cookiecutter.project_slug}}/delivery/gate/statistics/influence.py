"""Metrics that are not plain shares, as estimates with each row's influence.

labels: (n,) float64, a class from 0 on, or in the label's unit; answers: (n,) float64, or (n, K)
where they are probabilities of K classes. Each estimate equals scikit-learn's metric of the same
name within 1e-12.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import rankdata

from .bounds import Floats, Influence, OutsideDomainError
from .confusion import Cells

FEWEST_OF_A_CLASS = 50
"""Rows of the rarest class below which ranks and tables give no bound; found as FEWEST was."""

FEWEST_OF_PRECISIONS = 150
"""The same for average precision, whose estimate has a bias with fewer."""

AT_ONCE = 1 << 20
"""Cells of tables that are looked at together."""

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
    positive = _positive(labels)
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
    positive = _positive(labels, FEWEST_OF_PRECISIONS)
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


def log_loss_of_classes(labels: Floats, answers: Floats) -> Influence:
    """Return the mean negative logarithm of the probability that each label's class got."""
    tiny = np.finfo(np.float64).eps
    given = np.take_along_axis(answers, labels.astype(np.int64)[:, None], axis=1)[:, 0]
    return _mean_of(-np.log(np.clip(given, tiny, 1 - tiny)))


def brier_of_classes(labels: Floats, answers: Floats) -> Influence:
    """Return the mean over rows of the squared distances of all classes, 0 to 2."""
    hot = labels[:, None] == np.arange(answers.shape[1])
    return _mean_of(((hot - answers) ** 2).sum(axis=1))


def roc_auc_ovr(labels: Floats, answers: Floats) -> Influence:
    """Return the mean over classes of the ROC AUC of each against all others."""
    require_classes(labels, answers.shape[1])
    each = [
        roc_auc((labels == one).astype(np.float64), answers[:, one])
        for one in range(answers.shape[1])
    ]
    of_row = np.mean([one.of_row for one in each], axis=0)
    return Influence.of_rows(float(np.mean([one.estimate for one in each])), of_row)


def table(cells: Cells, statistic: Callable[[Floats], Floats]) -> Influence:
    """Return a function of a table, or the difference of two models', with each cell's influence.

    statistic: of (..., K, K) tables, one value each. Influence by leaving a row out of the padded
    table: a few rows that differ, or none, say little about how many others would.
    """
    padded, estimate = cells.padded, 0.0
    step, rows = min(1.0, float(padded.rows.min())), float(padded.rows.sum())
    of_row = np.zeros(len(padded.rows))
    for model in range(1, cells.kinds.shape[1]):  # a row of a cell is one of either model's table
        sign, whole = (1, -1)[model - 1], padded.table(model)
        without = _without(whole, step, statistic)
        moved = (rows - step) / step * (float(statistic(whole)) - without)
        of_row += sign * moved[padded.kinds[:, 0], padded.kinds[:, model]]
        estimate += sign * float(statistic(cells.table(model)))
    of_row -= (of_row * padded.rows).sum() / rows
    return Influence(estimate, of_row, padded.rows * (cells.rows.sum() / rows), worth=1.0)


def _without(whole: Floats, step: float, statistic: Callable[[Floats], Floats]) -> Floats:
    """Return the statistic with a step less in each cell that has rows: (K, K)."""
    found, kept = np.zeros_like(whole), np.argwhere(whole)
    for part in np.array_split(kept, 1 + len(kept) * whole.size // AT_ONCE):
        label, answer = part.T
        tables = np.repeat(whole[None], len(part), axis=0)
        tables[np.arange(len(part)), label, answer] -= step
        found[label, answer] = statistic(tables)
    return found


SMOOTH: Mapping[str, Callable[[Floats, Floats], Influence]] = {
    "log_loss": log_loss,
    "brier": brier,
    "mae": mae,
    "rmse": rmse,
    "r2": r2,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
}
SMOOTH_OF_CLASSES: Mapping[str, Callable[[Floats, Floats], Influence]] = {
    "log_loss": log_loss_of_classes,
    "brier": brier_of_classes,
    "roc_auc_ovr": roc_auc_ovr,
}


def rarest(labels: Floats, classes: int) -> int:
    """Return how many rows the class with the fewest has."""
    return int(np.bincount(labels.astype(np.int64), minlength=classes).min())


def require_classes(labels: Floats, classes: int, least: int = FEWEST_OF_A_CLASS) -> None:
    """Raise OutsideDomainError unless every class has rows enough for ranks and tables."""
    fewest = rarest(labels, classes)
    if fewest < least:
        raise OutsideDomainError(
            f"{fewest} rows of the rarest class; this metric's bounds are known to hold from "
            f"{least} on"
        )


def _mean_of(values: Floats) -> Influence:
    mean = float(values.mean())
    return Influence.of_rows(mean, values - mean)


def _positive(
    labels: Floats, least: int = FEWEST_OF_A_CLASS
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    require_classes(labels, 2, least)
    positive: np.ndarray[tuple[int], np.dtype[np.bool_]] = labels == 1
    return positive


def _from_here_on(values: Floats) -> Floats:
    return values[::-1].cumsum()[::-1]
