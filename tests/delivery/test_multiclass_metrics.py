from __future__ import annotations

import math

import numpy as np
import pytest
from delivery.gate.metrics import UncomputableError, compute, measure
from delivery.gate.multiclass import ANY_CLASSES, FUNCTIONS, arranged
from delivery.policy import METRICS, Task
from hypothesis import given, settings
from hypothesis import strategies as st

TASK: Task = "multiclass-classification"
LABELS = np.array([0.0, 0.0, 1.0, 1.0, 2.0, 2.0])
CHANCES = np.array(
    [
        [0.7, 0.2, 0.1],
        [0.3, 0.6, 0.1],
        [0.1, 0.8, 0.1],
        [0.2, 0.5, 0.3],
        [0.1, 0.1, 0.8],
        [0.3, 0.3, 0.4],
    ]
)

# Worked out by hand from the definitions: the second row alone is wrong, class 1 for 0.
BY_HAND = {
    "accuracy": 5 / 6,
    "balanced_accuracy": (1 / 2 + 1 + 1) / 3,
    "precision_macro": (1 + 2 / 3 + 1) / 3,
    "f1_macro": (2 / 3 + 4 / 5 + 1) / 3,
    "mcc": (5 * 6 - (2 * 1 + 2 * 3 + 2 * 2)) / math.sqrt((36 - 14) * (36 - 12)),
    "cohen_kappa": (5 / 6 - 12 / 36) / (1 - 12 / 36),
    "log_loss": -sum(map(math.log, (0.7, 0.3, 0.8, 0.5, 0.8, 0.4))) / 6,
    "brier": (0.14 + 0.86 + 0.06 + 0.38 + 0.06 + 0.54) / 6,
    "roc_auc_ovr": (7.5 / 8 + 7 / 8 + 1) / 3,
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_metric_of_classes_equals_its_definition(name: str) -> None:
    assert compute(name, LABELS, CHANCES) == pytest.approx(BY_HAND[name], rel=1e-12)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_class_without_a_row_leaves_metrics_of_single_rows(name: str) -> None:
    if name in ANY_CLASSES:
        assert compute(name, LABELS[:4], CHANCES[:4]) > 0
        return
    with pytest.raises(UncomputableError, match="no row of class 2"):
        compute(name, LABELS[:4], CHANCES[:4])


@pytest.mark.parametrize("label", [3.0, -1.0, 0.5])
def test_label_that_is_no_class_has_no_metric(label: float) -> None:
    found = measure(TASK, np.array([*LABELS[:5], label]), CHANCES)
    assert found.values == {}
    assert all("none of the model's 3 classes" in why for why in found.missing.values())


def test_metric_of_two_classes_alone_is_uncomputable_for_more() -> None:
    with pytest.raises(UncomputableError, match="no metric of the name roc_auc"):
        compute("roc_auc", LABELS, CHANCES)


def test_class_that_is_never_answered_counts_as_0() -> None:
    never = CHANCES * [1, 1, 0]
    never /= never.sum(axis=1, keepdims=True)
    assert compute("precision_macro", LABELS, never) == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)


def test_sums_of_float32_are_good_enough() -> None:
    coarse = CHANCES.astype(np.float32).astype(np.float64)
    coarse[0, 0] += 5e-7
    assert set(measure(TASK, LABELS, coarse).values) == METRICS[TASK]


ROW = st.tuples(st.integers(0, 2), st.lists(st.floats(0.01, 1), min_size=3, max_size=3))


@settings(deadline=None, max_examples=50)  # the first example imports scikit-learn
@given(st.lists(ROW, min_size=1, max_size=20))
def test_measured_values_are_always_finite(rows: list[tuple[int, list[float]]]) -> None:
    labels = np.array([label for label, _ in rows], dtype=np.float64)
    chances = np.array([parts for _, parts in rows])
    found = measure(TASK, labels, chances / chances.sum(axis=1, keepdims=True))
    assert all(math.isfinite(value) for value in found.values.values())
    assert set(found.values) | set(found.missing) == METRICS[TASK]


def test_classes_are_found_by_name() -> None:
    assert arranged(CHANCES, "abc", "abc") is CHANCES
    assert np.array_equal(arranged(CHANCES, "abc", "cab"), CHANCES[:, [2, 0, 1]])
    more = arranged(CHANCES, "abc", "adbc")
    assert np.array_equal(more[:, [0, 2, 3]], CHANCES)
    assert not more[:, 1].any()


def test_classes_that_are_gone_are_left_out() -> None:
    found = arranged(np.array([[0.2, 0.2, 0.6], [0.0, 0.0, 1.0]]), "abc", "bad")
    assert found == pytest.approx(np.array([[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]]))
