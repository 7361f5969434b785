"""The judge's metrics: one definition each, scikit-learn's, used for training and gate alike.

labels: (n,) float64, 0 or 1 for classification, else in the label's unit.
predictions: (n,) float64, the probability of label 1, or a value in the label's unit.
scikit-learn is imported by the functions: most verbs never call them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..app import METRICS, Task

Floats = NDArray[np.float64]


class UncomputableError(Exception):
    """The metric has no value for these rows; the message says why."""


@dataclass(frozen=True)
class Measured:
    """The metrics that could be computed, and why the others could not, by name."""

    values: Mapping[str, float]
    missing: Mapping[str, str]


def accuracy(labels: Floats, predictions: Floats) -> float:
    """Return the share of rows whose probability is on their label's side of 0.5; 1 is best."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, (predictions >= 0.5).astype(np.float64)))


def roc_auc(labels: Floats, predictions: Floats) -> float:
    """Return the chance that a row of label 1 gets a higher probability than one of label 0.

    1 is best, 0.5 is guessing; raises UncomputableError with one class only.
    """
    from sklearn.metrics import roc_auc_score

    if len(np.unique(labels)) < 2:
        raise UncomputableError("the hold-out has rows of one class only")
    return float(roc_auc_score(labels, predictions))


def log_loss(labels: Floats, predictions: Floats) -> float:
    """Return the mean negative logarithm of the probability that each label got; 0 is best.

    Probabilities of exactly 0 or 1 are moved inwards by float64's resolution, as scikit-learn does.
    """
    from sklearn.metrics import log_loss as mean_log_loss

    return float(mean_log_loss(labels, predictions, labels=[0.0, 1.0]))


def brier(labels: Floats, predictions: Floats) -> float:
    """Return the mean squared distance between probability and label; 0 is best, 1 worst."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(labels, predictions, pos_label=1))


def r2(labels: Floats, predictions: Floats) -> float:
    """Return the share of the labels' variance that is explained; 1 is best, 0 is their mean.

    Raises UncomputableError where all labels are equal: there is no variance to explain.
    """
    from sklearn.metrics import r2_score

    if len(np.unique(labels)) < 2:
        raise UncomputableError("all labels of the hold-out are equal")
    return float(r2_score(labels, predictions))


def mae(labels: Floats, predictions: Floats) -> float:
    """Return the mean absolute error in the label's unit; 0 is best."""
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(labels, predictions))


def rmse(labels: Floats, predictions: Floats) -> float:
    """Return the root of the mean squared error in the label's unit; 0 is best."""
    from sklearn.metrics import mean_squared_error

    return math.sqrt(mean_squared_error(labels, predictions))


FUNCTIONS: Mapping[str, Callable[[Floats, Floats], float]] = {
    "accuracy": accuracy,
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "brier": brier,
    "r2": r2,
    "mae": mae,
    "rmse": rmse,
}


def compute(name: str, labels: Floats, predictions: Floats) -> float:
    """Return one metric; raises UncomputableError, never returns NaN or infinity."""
    if labels.shape != predictions.shape or labels.ndim != 1 or not len(labels):
        raise UncomputableError(f"{predictions.shape} predictions for {labels.shape} labels")
    if not (np.isfinite(labels).all() and np.isfinite(predictions).all()):
        raise UncomputableError("a label or a prediction is not finite")
    if name not in FUNCTIONS:
        raise UncomputableError(f"there is no metric of the name {name}")
    with np.errstate(over="ignore"):
        value = FUNCTIONS[name](labels, predictions)
    if not math.isfinite(value):
        raise UncomputableError(f"its value is {value}")
    return value


def measure(task: Task, labels: Floats, predictions: Floats) -> Measured:
    """Return every metric that there is for a task."""
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in sorted(METRICS[task]):
        try:
            values[name] = compute(name, labels, predictions)
        except UncomputableError as err:
            missing[name] = str(err)
    return Measured(values, missing)
