"""Metrics that are functions of a confusion table, for many tables at once.

tables: (..., 2, 2) counts, first by label and then by answer, 0 before 1. Where a denominator is 0
the value is 0, as scikit-learn has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .bounds import Counts, Floats


def balanced_accuracy(tables: Floats) -> Floats:
    """Return the mean of sensitivity and specificity, 0 to 1; 0.5 is guessing."""
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    return _ratio(hits, tables.sum(axis=-1)).mean(axis=-1)  # type: ignore[no-any-return]


def precision(tables: Floats) -> Floats:
    """Return the share of rows answered 1 whose label is 1, 0 to 1."""
    return _ratio(tables[..., 1, 1], tables[..., :, 1].sum(axis=-1))


def f1(tables: Floats) -> Floats:
    """Return the harmonic mean of precision and sensitivity, 0 to 1."""
    wrong = tables[..., 0, 1] + tables[..., 1, 0]
    return _ratio(2 * tables[..., 1, 1], 2 * tables[..., 1, 1] + wrong)


def cohen_kappa(tables: Floats) -> Floats:
    """Return the agreement beyond chance, up to 1; 0 is guessing.

    See: Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    rows = tables.sum(axis=(-2, -1))
    seen = np.diagonal(tables, axis1=-2, axis2=-1).sum(axis=-1) / rows
    chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1) / rows**2
    return _ratio(seen - chance, 1 - chance)


def mcc(tables: Floats) -> Floats:
    """Return the correlation of labels and answers, -1 to 1; 0 is guessing.

    See: Matthews, Comparison of the predicted and observed secondary structure, 1975.
    """
    (tn, fp), (fn, tp) = np.moveaxis(tables, (-2, -1), (0, 1))
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return _ratio(tp * tn - fp * fn, np.sqrt(product))


STATISTICS: Mapping[str, Callable[[Floats], Floats]] = {
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "f1": f1,
    "cohen_kappa": cohen_kappa,
    "mcc": mcc,
}


def chosen(answers: Floats) -> Floats:
    """Return the class that each probability stands for: 1 from 0.5 on."""
    return (answers >= 0.5).astype(np.float64)


def cells(labels: Floats, *answers: Floats) -> Counts:
    """Return how many rows have each label and 0 or 1 of each model: (2, 2) or (2, 2, 2) counts."""
    code = labels.astype(np.int64)
    for answer in answers:
        code = 2 * code + answer.astype(np.int64)
    sides = len(answers) + 1
    return np.bincount(code, minlength=2**sides).reshape((2,) * sides)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)
