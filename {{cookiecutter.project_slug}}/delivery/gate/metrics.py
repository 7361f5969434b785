"""The judge's metrics: one definition each, scikit-learn's, used for training and gate alike.

labels: (n,) float64, a class from 0 on for classification, else in the label's unit.
predictions: (n,) float64, the probability of label 1, or a value in the label's unit; (n, K) for
the probabilities of more classes, whose metrics are in `multiclass`.
scikit-learn is imported by the functions: most verbs never call them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..policy import METRICS, Task
from . import multiclass
from .statistics.confusion import chosen

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

    return float(accuracy_score(labels, chosen(predictions)))


def roc_auc(labels: Floats, predictions: Floats) -> float:
    """Return the chance that a row of label 1 gets a higher probability than one of label 0.

    1 is best, 0.5 is guessing; raises UncomputableError with one class only.
    """
    from sklearn.metrics import roc_auc_score

    _require_both(labels)
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


def sensitivity(labels: Floats, predictions: Floats) -> float:
    """Return the share of rows of label 1 that are found (recall); 1 is best."""
    return _recall(labels, predictions, 1)


def specificity(labels: Floats, predictions: Floats) -> float:
    """Return the share of rows of label 0 that are left alone; 1 is best."""
    return _recall(labels, predictions, 0)


def balanced_accuracy(labels: Floats, predictions: Floats) -> float:
    """Return the mean of sensitivity and specificity; 1 is best, 0.5 is guessing."""
    from sklearn.metrics import balanced_accuracy_score

    _require_both(labels)
    return float(balanced_accuracy_score(labels, chosen(predictions)))


def precision(labels: Floats, predictions: Floats) -> float:
    """Return the share of rows answered 1 whose label is 1; 1 is best.

    Raises UncomputableError where no row is answered 1.
    """
    from sklearn.metrics import precision_score

    if not chosen(predictions).any():
        raise UncomputableError("no row is answered 1")
    return float(precision_score(labels, chosen(predictions)))


def f1(labels: Floats, predictions: Floats) -> float:
    """Return the harmonic mean of precision and sensitivity; 1 is best."""
    from sklearn.metrics import f1_score

    _require_both(labels)
    return float(f1_score(labels, chosen(predictions)))


def mcc(labels: Floats, predictions: Floats) -> float:
    """Return the correlation of labels and classes (Matthews 1975); 1 is best, 0 is guessing."""
    from sklearn.metrics import matthews_corrcoef

    _require_both(labels)
    return float(matthews_corrcoef(labels, chosen(predictions)))


def cohen_kappa(labels: Floats, predictions: Floats) -> float:
    """Return the agreement of labels and classes beyond chance (Cohen 1960); 1 is best."""
    from sklearn.metrics import cohen_kappa_score

    _require_both(labels)
    return float(cohen_kappa_score(labels, chosen(predictions)))


def average_precision(labels: Floats, predictions: Floats) -> float:
    """Return the mean precision over the rows of label 1, highest probabilities first; 1 is best.

    The share of label 1 is guessing.
    """
    from sklearn.metrics import average_precision_score

    _require_both(labels)
    return float(average_precision_score(labels, predictions))


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
    "sensitivity": sensitivity,
    "specificity": specificity,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "f1": f1,
    "mcc": mcc,
    "cohen_kappa": cohen_kappa,
    "average_precision": average_precision,
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "brier": brier,
    "r2": r2,
    "mae": mae,
    "rmse": rmse,
}


def _recall(labels: Floats, predictions: Floats, label: int) -> float:
    from sklearn.metrics import recall_score

    _require_both(labels)
    return float(recall_score(labels, chosen(predictions), pos_label=label))


def _require_both(labels: Floats) -> None:
    if len(np.unique(labels)) < 2:
        raise UncomputableError("the hold-out has rows of one class only")


def compute(name: str, labels: Floats, predictions: Floats) -> float:
    """Return one metric; raises UncomputableError, never returns NaN or infinity."""
    shapes = labels.shape, predictions.shape[:1]
    if labels.ndim != 1 or shapes[0] != shapes[1] or predictions.ndim > 2 or not len(labels):
        raise UncomputableError(f"{predictions.shape} predictions for {labels.shape} labels")
    if not (np.isfinite(labels).all() and np.isfinite(predictions).all()):
        raise UncomputableError("a label or a prediction is not finite")
    functions = FUNCTIONS if predictions.ndim == 1 else multiclass.FUNCTIONS
    if name not in functions:
        raise UncomputableError(f"there is no metric of the name {name}")
    if predictions.ndim == 2 and (why := multiclass.missing(name, labels, predictions.shape[1])):
        raise UncomputableError(why)
    with np.errstate(over="ignore"):
        value = functions[name](labels, predictions)
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
