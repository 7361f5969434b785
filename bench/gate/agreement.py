"""Bounds and tests against independent ways to the same numbers: scipy's, statsmodels', and counts.

Each way is slow or general where the gate's own is fast or closed: all pairs for DeLong, rows left
out one by one for tables, derivatives by a complex step for the delta method, and the root of the
likelihood's own derivative for Tango's test.
See: Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM
Review 40, 1998.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from delivery.gate.groups import holm
from delivery.gate.statistics import confusion, rates
from delivery.gate.statistics.bounds import Floats
from delivery.gate.statistics.influence import SMOOTH, roc_auc
from delivery.gate.statistics.metrics import influence
from delivery.policy import METRICS
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import beta
from sklearn.metrics import (
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
)
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from .models import WORLDS, source

Complex = NDArray[np.complex128]
Weighted = Callable[[Complex, Floats, Floats], complex]
ROWS, STEP = 240, 1e-30
TABLES = ((3, 8, 200), (12, 30, 1_000), (0, 5, 60), (30, 31, 900), (7, 0, 500))
"""Rows that the candidate alone has right, that the champion alone has, and all rows."""


def agreement() -> dict[str, float]:
    """Return the largest distance of a bound, an error or a test from its other way."""
    apart = {name: other() for name, other in WAYS.items()}
    for name, error in apart.items():
        print(f"{name}: {error:.2g}", flush=True)
    return {"test_error": max(apart.values())}


def clopper_pearson() -> float:
    """Return the distance of a share's bounds from statsmodels', and from beta's quantiles."""
    apart = []
    for hits, rows in ((0, 40), (3, 60), (88, 100), (171, 171), (9_990, 10_000)):
        for alpha in (0.05, 0.0025):
            found = rates.share(hits, rows, alpha)
            low, high = proportion_confint(hits, rows, 2 * alpha, method="beta")
            apart += [abs(found.low - low), abs(found.high - high)]
            if 0 < hits < rows:
                apart.append(abs(found.low - beta.ppf(alpha, hits, rows - hits + 1)))
                apart.append(abs(found.high - beta.isf(alpha, hits + 1, rows - hits)))
    return float(max(apart))


def mcnemar_test() -> float:
    """Return the distance of the test of no difference from statsmodels' McNemar test."""
    apart = []
    for gained, lost, rows in TABLES:
        counts = [[rows - gained - lost, gained], [lost, 0]]
        other = mcnemar(counts, exact=False, correction=False).statistic
        apart.append(abs(rates.score(gained, lost, rows, 0.0) ** 2 - other))
    return float(max(apart))


def tango() -> float:
    """Return the distance of Tango's z from the one with the likelihood's own maximum."""
    apart = []
    for gained, lost, rows in TABLES:
        for difference in (-0.1, -0.04, 0.03):
            share = _likeliest(gained, lost, rows, difference)
            error = math.sqrt((2 * share + difference - difference**2) / rows)
            z = ((gained - lost) / rows - difference) / error
            apart.append(abs(rates.score(gained, lost, rows, difference) - z))
    return max(apart)


def _likeliest(gained: int, lost: int, rows: int, difference: float) -> float:
    """Return the likeliest share of rows that the champion alone has right, by its derivative."""

    def slope(share: float) -> float:
        rest = rows - gained - lost
        up = (lost / share if lost else 0) + (gained / (share + difference) if gained else 0)
        return up - 2 * rest / (1 - 2 * share - difference)

    least = max(0.0, -difference)
    span = least + 1e-15, (1 - difference) / 2 - 1e-15
    if slope(span[0]) <= 0:
        return least
    return float(brentq(slope, *span, xtol=1e-16, rtol=1e-15, maxiter=500))


def delong() -> float:
    """Return the distance of the variance of a difference of AUCs from that over all pairs."""
    labels, ours, theirs = WORLDS[0].rows(ROWS, source(31))
    found = roc_auc(labels, ours) - roc_auc(labels, theirs)

    def pairs(answers: Floats) -> Floats:
        up, down = answers[labels == 1][:, None], answers[labels == 0][None, :]
        placed: Floats = (up > down) + 0.5 * (up == down)
        return placed

    apart = pairs(ours) - pairs(theirs)
    up, down = apart.mean(axis=1), apart.mean(axis=0)
    variance = up.var() / len(up) + down.var() / len(down)
    ratio = (found.of_row**2).mean() / len(labels) / variance
    return float(max(abs(ratio - 1), abs(found.estimate - apart.mean())))


def _mean(weights: Complex, values: Floats) -> complex:
    return complex((weights * values).sum() / weights.sum())


def _r2(weights: Complex, labels: Floats, answers: Floats) -> complex:
    middle = _mean(weights, labels)
    spread = (weights * (labels - middle) ** 2).sum()
    return complex(1 - (weights * (labels - answers) ** 2).sum() / spread)


def _log_loss(weights: Complex, labels: Floats, answers: Floats) -> complex:
    return _mean(weights, -np.where(labels == 1, np.log(answers), np.log1p(-answers)))


WEIGHTED: Mapping[str, Weighted] = {
    "mae": lambda w, y, p: _mean(w, np.abs(y - p)),
    "rmse": lambda w, y, p: complex(np.sqrt(_mean(w, (y - p) ** 2))),
    "brier": lambda w, y, p: _mean(w, (y - p) ** 2),
    "log_loss": _log_loss,
    "r2": _r2,
}


def delta_method() -> float:
    """Return the distance of rows' influence from the derivative by each row's weight."""
    apart = []
    for metric, weighted in WEIGHTED.items():
        task = "regression" if metric in METRICS["regression"] else "binary-classification"
        world = next(world for world in WORLDS if world.task == task)
        labels, ours, _ = world.rows(ROWS, source(32))
        found = SMOOTH[metric](labels, ours).of_row
        for row in range(ROWS):
            weights = np.ones(ROWS, np.complex128)
            weights[row] += 1j * STEP
            slope = weighted(weights, labels, ours).imag / STEP * ROWS
            apart.append(abs(found[row] - slope))
    return float(max(apart))


def left_out_rows() -> float:
    """Return the distance of tables' influence from scikit-learn's metrics without each row.

    A cell of the padded table has a weight of its own, and a step less of it is left out.
    """
    labels, ours, _ = WORLDS[0].rows(ROWS, source(33))
    padded = confusion.cells(labels, ours).padded
    rows, step = padded.rows.sum(), min(1.0, padded.rows.min())
    apart = []
    for metric, of_weighted in TABLES_BY_OTHERS.items():
        of_table = partial(of_weighted, padded.kinds[:, 0], padded.kinds[:, 1])
        less = padded.rows - step * np.eye(len(padded.rows))
        without = np.array([of_table(sample_weight=weights) for weights in less])
        of_row = (rows - step) / step * (of_table(sample_weight=padded.rows) - without)
        of_row -= (of_row * padded.rows).sum() / rows
        apart.append(np.abs(influence(metric, labels, ours).of_row - of_row).max())
    return float(max(apart))


TABLES_BY_OTHERS: Mapping[str, Callable[..., float]] = {
    "balanced_accuracy": balanced_accuracy_score,
    "precision": precision_score,
    "f1": f1_score,
    "mcc": matthews_corrcoef,
    "cohen_kappa": cohen_kappa_score,
}


def holms_procedure() -> float:
    """Return how many of 2,000 sets of p-values Holm's procedure decides unlike statsmodels."""
    random, apart = source(34), 0
    gc.freeze()  # statsmodels has all objects looked at in each call
    for _ in range(2_000):
        values = random.uniform(size=random.integers(1, 12)) ** 3
        found = holm(range(len(values)), 0.05, partial(_is_shown, values))
        other = multipletests(values, alpha=0.05, method="holm")[0]
        apart += {*found} != {*np.flatnonzero(other)}
    gc.unfreeze()
    return float(apart)


def _is_shown(values: Floats, number: int, alpha: float) -> bool:
    return bool(values[number] <= alpha)


WAYS: Mapping[str, Callable[[], float]] = {
    "Clopper-Pearson, statsmodels and beta quantiles": clopper_pearson,
    "McNemar, statsmodels": mcnemar_test,
    "Tango, the likelihood's derivative": tango,
    "DeLong, all pairs": delong,
    "delta method, a complex step": delta_method,
    "tables, scikit-learn without each row": left_out_rows,
    "Holm, statsmodels": holms_procedure,
}
