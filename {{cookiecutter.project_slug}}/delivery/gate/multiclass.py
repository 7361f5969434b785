"""Metrics of more than two classes, scikit-learn's, and probabilities found by their class's name.

labels: (n,) float64, a class from 0 to K - 1; predictions: (n, K) float64, each row a probability
for every class. The answer of a row is `chosen`: its likeliest class, the first of equal ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from .statistics.bounds import Floats
from .statistics.confusion import chosen


def accuracy(labels: Floats, predictions: Floats) -> float:
    """Return the share of rows whose likeliest class is their label; 1 is best."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, chosen(predictions)))


def balanced_accuracy(labels: Floats, predictions: Floats) -> float:
    """Return the mean over classes of the share of rows that is found; 1 is best, 1/K guessing."""
    from sklearn.metrics import balanced_accuracy_score

    return float(balanced_accuracy_score(labels, chosen(predictions)))


def precision_macro(labels: Floats, predictions: Floats) -> float:
    """Return the mean over classes of the share of answers that is right; 1 is best.

    A class that is never answered counts as 0.
    """
    from sklearn.metrics import precision_score

    return float(
        precision_score(
            labels,
            chosen(predictions),
            labels=_classes(predictions),
            average="macro",
            zero_division=0,
        )
    )


def f1_macro(labels: Floats, predictions: Floats) -> float:
    """Return the mean over classes of the harmonic mean of precision and recall; 1 is best."""
    from sklearn.metrics import f1_score

    asked = {"labels": _classes(predictions), "average": "macro"}
    return float(f1_score(labels, chosen(predictions), **asked))


def mcc(labels: Floats, predictions: Floats) -> float:
    """Return the correlation of labels and answers (Gorodkin 2004); 1 is best, 0 is guessing."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(labels, chosen(predictions)))


def cohen_kappa(labels: Floats, predictions: Floats) -> float:
    """Return the agreement of labels and answers beyond chance (Cohen 1960); 1 is best."""
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(labels, chosen(predictions)))


def roc_auc_ovr(labels: Floats, predictions: Floats) -> float:
    """Return the mean over classes of the ROC AUC of each against all others; 1 is best."""
    from sklearn.metrics import roc_auc_score

    asked = {"labels": _classes(predictions), "average": "macro", "multi_class": "ovr"}
    return float(roc_auc_score(labels, predictions, **asked))


def log_loss(labels: Floats, predictions: Floats) -> float:
    """Return the mean negative logarithm of the probability that each label's class got; 0 is best.

    Probabilities of 0 or 1 are moved inwards by float64's resolution, as scikit-learn does.
    """
    from sklearn.metrics import log_loss as mean_log_loss

    with _sums_known():
        return float(mean_log_loss(labels, predictions, labels=_classes(predictions)))


def brier(labels: Floats, predictions: Floats) -> float:
    """Return the mean over rows of the squared distances of all classes, 0 to 2; 0 is best.

    A class's distance is that of its probability from 1 for the label, from 0 for others. It is
    the sum, not halved: Brier's own (1950), and scikit-learn's for more than two classes.
    """
    from sklearn.metrics import brier_score_loss

    asked = {"labels": _classes(predictions), "scale_by_half": False}
    with _sums_known():
        return float(brier_score_loss(labels, predictions, **asked))


FUNCTIONS: Mapping[str, Callable[[Floats, Floats], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision_macro": precision_macro,
    "f1_macro": f1_macro,
    "mcc": mcc,
    "cohen_kappa": cohen_kappa,
    "roc_auc_ovr": roc_auc_ovr,
    "log_loss": log_loss,
    "brier": brier,
}
ANY_CLASSES = frozenset({"accuracy", "log_loss", "brier"})
"""Metrics of single rows; all others need a row of every class."""


def missing(name: str, labels: Floats, classes: int) -> str | None:
    """Return why a metric has no value for these labels; None where it has one."""
    if not np.isin(labels, np.arange(classes)).all():
        return f"a label of the hold-out is none of the model's {classes} classes"
    absent = sorted(set(range(classes)) - set(labels.astype(int).tolist()))
    if absent and name not in ANY_CLASSES:
        return f"the hold-out has no row of class {absent[0]}"
    return None


def arranged(answers: Floats, classes: Sequence[str], asked: Sequence[str]) -> Floats:
    """Return probabilities with a column for each class that is asked for, by name: (n, asked).

    A class that the model does not know gets 0. What it gives to classes that are not asked for is
    left out, and its other probabilities grow in proportion; where there are none, all are equal.
    """
    if tuple(classes) == tuple(asked):
        return answers
    place = {name: column for column, name in enumerate(classes)}
    found = np.zeros((len(answers), len(asked)))
    for column, name in enumerate(asked):
        if name in place:
            found[:, column] = answers[:, place[name]]
    if set(classes) <= set(asked):
        return found
    sums = found.sum(axis=1, keepdims=True)
    even = np.full_like(found, 1 / len(asked))
    return np.where(sums > 0, found / np.where(sums > 0, sums, 1), even)


def _classes(predictions: Floats) -> NDArray[np.int64]:
    return np.arange(predictions.shape[1])


@contextmanager
def _sums_known() -> Iterator[None]:
    """Leave out scikit-learn's warning on sums: the judge asks for 1 within 1e-6, not 1e-8."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The y_prob values do not sum to one")
        yield
