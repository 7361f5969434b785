"""Metrics that are functions of a confusion table, for many tables at once.

tables: (..., K, K) counts, first by label and then by answer, from class 0 on; two classes where a
metric is about class 1. Where a denominator is 0 the value is 0, as scikit-learn has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .bounds import Counts, Floats, OutsideDomainError

MOST_CLASSES = 100
"""Classes above which no table is made: of two models it would have too many cells."""


def balanced_accuracy(tables: Floats) -> Floats:
    """Return the mean share of a class's rows that is found, 0 to 1; 1/K is guessing."""
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    return _ratio(hits, tables.sum(axis=-1)).mean(axis=-1)  # type: ignore[no-any-return]


def precision(tables: Floats) -> Floats:
    """Return the share of rows answered 1 whose label is 1, 0 to 1."""
    return _ratio(tables[..., 1, 1], tables[..., :, 1].sum(axis=-1))


def f1(tables: Floats) -> Floats:
    """Return the harmonic mean of precision and sensitivity, 0 to 1."""
    wrong = tables[..., 0, 1] + tables[..., 1, 0]
    return _ratio(2 * tables[..., 1, 1], 2 * tables[..., 1, 1] + wrong)


def precision_macro(tables: Floats) -> Floats:
    """Return the mean share of a class's answers that is right, 0 to 1; 0 if never answered."""
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    return _ratio(hits, tables.sum(axis=-2)).mean(axis=-1)  # type: ignore[no-any-return]


def f1_macro(tables: Floats) -> Floats:
    """Return the mean of each class's harmonic mean of precision and recall, 0 to 1."""
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    both = tables.sum(axis=-1) + tables.sum(axis=-2)
    return _ratio(2 * hits, both).mean(axis=-1)  # type: ignore[no-any-return]


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

    See: Matthews, Comparison of the predicted and observed secondary structure, 1975; for more
    than two classes: Gorodkin, Comparing two K-category assignments, 2004.
    """
    rows = tables.sum(axis=(-2, -1))
    label, answer = tables.sum(axis=-1), tables.sum(axis=-2)
    hits = np.diagonal(tables, axis1=-2, axis2=-1).sum(axis=-1)
    spread = (rows**2 - (label**2).sum(axis=-1)) * (rows**2 - (answer**2).sum(axis=-1))
    return _ratio(hits * rows - (label * answer).sum(axis=-1), np.sqrt(spread))


@dataclass(frozen=True)
class Cells:
    """The cells of a table that have rows: of label and answer, or of label and two answers.

    kinds: (k, 2) or (k, 3) classes; rows: (k,) how many rows each cell has.
    """

    classes: int
    kinds: Counts
    rows: Floats

    def table(self, model: int) -> Floats:
        """Return one model's (K, K) table, the first one's for 1."""
        found = np.zeros((self.classes, self.classes))
        np.add.at(found, (self.kinds[:, 0], self.kinds[:, model]), self.rows)
        return found

    @property
    def padded(self) -> Cells:
        """All cells that there may be, with what was not seen made likely.

        Each label has half a row right and half a row wrong added for each model, spread over the
        wrong classes: half a row for each cell of two classes (Agresti and Min, Simple improved
        confidence intervals for comparing matched proportions, Statistics in Medicine 24, 2005).
        """
        models = self.kinds.shape[1] - 1
        share = np.full((self.classes, self.classes), 1 / (self.classes - 1))
        np.fill_diagonal(share, 1.0)
        rows = 0.5 * (share if models == 1 else share[:, :, None] * share[:, None, :])
        rows[tuple(self.kinds.T)] += self.rows
        kinds = np.indices(rows.shape).reshape(models + 1, -1).T
        return Cells(self.classes, kinds, rows.ravel())


STATISTICS: Mapping[str, Callable[[Floats], Floats]] = {
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "f1": f1,
    "precision_macro": precision_macro,
    "f1_macro": f1_macro,
    "cohen_kappa": cohen_kappa,
    "mcc": mcc,
}


def chosen(answers: Floats) -> Floats:
    """Return the class of each row, (n,): of a probability, 1 from 0.5 on; of K, the largest.

    Of classes that are equally likely it is the first.
    """
    if answers.ndim == 2:
        return answers.argmax(axis=1).astype(np.float64)  # type: ignore[no-any-return]
    return (answers >= 0.5).astype(np.float64)


def classes_of(answers: Floats) -> int:
    """Return how many classes answers are about: their columns, or two."""
    return answers.shape[1] if answers.ndim == 2 else 2


def cells(labels: Floats, *answers: Floats) -> Cells:
    """Return how many rows have each label and each class by the models' answers.

    Raises OutsideDomainError for more than 100 classes.
    """
    classes = classes_of(answers[0])
    if classes > MOST_CLASSES:
        raise OutsideDomainError(f"{classes} classes; tables are made for at most {MOST_CLASSES}")
    shape = (classes,) * (len(answers) + 1)
    kinds = [one.astype(np.int64) for one in (labels, *map(chosen, answers))]
    rows = np.bincount(np.ravel_multi_index(kinds, shape))
    kept = np.flatnonzero(rows)
    found = np.stack(np.unravel_index(kept, shape), axis=1)
    return Cells(classes, found, rows[kept].astype(np.float64))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)
