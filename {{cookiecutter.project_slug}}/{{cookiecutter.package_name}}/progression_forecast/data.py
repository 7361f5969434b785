"""Diabetes: 442 patients, ten measurements, and a score of the disease one year later.

See: scikit-learn's `load_diabetes`; Efron, Hastie, Johnstone, Tibshirani, "Least Angle Regression",
Annals of Statistics 32 (2004), pages 407-499.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from ..contract import Rows

HOLDOUT_SHARE = 0.3
HOLDOUT_SEED = 7  # changing it makes every judgement so far incomparable

# The source gives the unit of age alone. The others are those of a United States clinic, which the
# ranges fit: s1 total cholesterol, s2 and s3 its low and high density parts, s4 total over high,
# s5 logarithm of triglycerides (probably), s6 glucose.
UNITS = {
    "age": "years",
    "sex": "1 or 2",
    "bmi": "kg/m2",
    "bp": "mmHg",
    "s1": "mg/dL",
    "s2": "mg/dL",
    "s3": "mg/dL",
    "s4": "1",
    "s5": "log(mg/dL)",
    "s6": "mg/dL",
}
LABEL_UNIT = "points"  # a score from 25 to 346; higher is further progressed


def training() -> Rows:
    """Return the 309 rows that models may learn from."""
    return _rows(_split()[0])


def holdout() -> Rows:
    """Return the 133 rows that no training sees."""
    return _rows(_split()[1])


def _split() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    learn, judge = train_test_split(
        np.arange(len(load_diabetes().target)),
        test_size=HOLDOUT_SHARE,
        random_state=HOLDOUT_SEED,
    )
    return np.sort(learn), np.sort(judge)


def _rows(chosen: NDArray[np.int64]) -> Rows:
    source = load_diabetes(scaled=False)
    return Rows(
        ids=[f"patient-{number:03d}" for number in chosen],
        names=[str(name) for name in source.feature_names],
        X=source.data[chosen],
        y=source.target[chosen],
    )
