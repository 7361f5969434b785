"""Breast cancer Wisconsin (diagnostic): 569 tumours, 30 features, malignant is 1.

See: scikit-learn's `load_breast_cancer`, a copy of UCI's data (Street, Wolberg, Mangasarian 1993).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from ..contract import Rows

HOLDOUT_SHARE = 0.3
HOLDOUT_SEED = 7  # changing it makes every judgement so far incomparable

# The source measures lengths and does not say in what; each feature comes as mean, error and worst.
UNITS = {
    f"{prefix}{quantity}{suffix}": unit
    for prefix, suffix in [("mean ", ""), ("", " error"), ("worst ", "")]
    for quantity, unit in {
        "radius": "length",
        "texture": "grey level",
        "perimeter": "length",
        "area": "length^2",
        "smoothness": "1",
        "compactness": "1",
        "concavity": "1",
        "concave points": "1",
        "symmetry": "1",
        "fractal dimension": "1",
    }.items()
}


def training() -> Rows:
    """Return the 398 rows that models may learn from."""
    return _rows(_split()[0])


def holdout() -> Rows:
    """Return the 171 rows that no training sees; as many in a hundred are malignant as overall."""
    return _rows(_split()[1])


def _split() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    malignant = load_breast_cancer().target == 0
    learn, judge = train_test_split(
        np.arange(len(malignant)),
        test_size=HOLDOUT_SHARE,
        stratify=malignant,
        random_state=HOLDOUT_SEED,
    )
    return np.sort(learn), np.sort(judge)


def _rows(chosen: NDArray[np.int64]) -> Rows:
    source = load_breast_cancer()
    return Rows(
        ids=[f"tumour-{number:03d}" for number in chosen],
        names=[str(name) for name in source.feature_names],
        X=source.data[chosen],
        y=1.0 - source.target[chosen],  # the source has 0 for malignant
    )
