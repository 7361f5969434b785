from __future__ import annotations

import math

import numpy as np
import pytest
from delivery.gate import multiclass
from delivery.gate.metrics import FUNCTIONS, UncomputableError, compute, measure
from delivery.policy import METRICS, Task
from hypothesis import given, settings
from hypothesis import strategies as st

LABELS = np.array([0.0, 0.0, 1.0, 1.0])
CHANCES = np.array([0.1, 0.4, 0.35, 0.8])

# Worked out by hand from the definitions.
BY_HAND = {
    "accuracy": 0.75,
    "roc_auc": 0.75,
    "log_loss": -(math.log(0.9) + math.log(0.6) + math.log(0.35) + math.log(0.8)) / 4,
    "brier": (0.01 + 0.16 + 0.65**2 + 0.04) / 4,
    "r2": 1 - (0.01 + 0.16 + 0.65**2 + 0.04) / 1.0,
    "mae": (0.1 + 0.4 + 0.65 + 0.2) / 4,
    "rmse": math.sqrt((0.01 + 0.16 + 0.65**2 + 0.04) / 4),
}


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_metric_equals_its_definition(name: str) -> None:
    assert compute(name, LABELS, CHANCES) == pytest.approx(BY_HAND[name], rel=1e-12)


def test_every_metric_of_a_policy_has_a_function() -> None:
    many: Task = "multiclass-classification"
    assert METRICS[many] == set(multiclass.FUNCTIONS)
    assert set().union(*(METRICS[task] for task in METRICS if task != many)) == set(FUNCTIONS)


@pytest.mark.parametrize("name", ["roc_auc", "r2"])
def test_metric_of_equal_labels_is_uncomputable(name: str) -> None:
    with pytest.raises(UncomputableError):
        compute(name, np.ones(4), CHANCES)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_metric_of_a_number_that_is_not_finite_is_uncomputable(name: str, bad: float) -> None:
    with pytest.raises(UncomputableError):
        compute(name, LABELS, np.array([0.1, 0.4, bad, 0.8]))


def test_metric_of_no_rows_or_of_other_lengths_is_uncomputable() -> None:
    for labels, numbers in ((np.array([]), np.array([])), (LABELS, CHANCES[:3])):
        with pytest.raises(UncomputableError):
            compute("mae", labels, numbers)


def test_overflowing_metric_is_uncomputable() -> None:
    with pytest.raises(UncomputableError):
        compute("rmse", LABELS, np.array([1e200, 0.0, 0.0, 0.0]))


def test_measure_names_what_is_missing() -> None:
    found = measure("binary-classification", np.ones(4), CHANCES)
    assert set(found.values) == {"accuracy", "precision", "brier", "log_loss"}
    assert set(found.missing) == METRICS["binary-classification"] - set(found.values)


@settings(deadline=None, max_examples=50)  # the first example imports scikit-learn
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=20))
def test_measured_values_are_always_finite(rows: list[tuple[int, float]]) -> None:
    labels, chances = np.array(rows, dtype=np.float64).T
    found = measure("binary-classification", labels, chances)
    assert all(math.isfinite(value) for value in found.values.values())
    assert set(found.values) | set(found.missing) == METRICS["binary-classification"]
