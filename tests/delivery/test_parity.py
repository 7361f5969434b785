"""Two payloads' answers, compared: labels, distances, and rows that are drawn."""

from __future__ import annotations

import numpy as np
from delivery.gate.holdout import Rows
from delivery.gate.metrics import Floats
from delivery.models.parity import compare, drawn_rows
from hypothesis import given
from hypothesis import strategies as st

ROWS = Rows(("a", "b", "c"), ("x",), np.array([[0.0], [1.0], [4.0]]), np.zeros(3))
TOLERANCE = 1e-6


def numbers(*values: float) -> Floats:
    return np.array(values)


def test_equal_answers_have_no_objection() -> None:
    found = compare("binary-classification", ROWS, numbers(0, 0.5, 1), numbers(0, 0.5, 1), 1e-6)
    assert (found.difference, found.flipped, found.drawn) == (0, (), 0)
    assert found.objection(TOLERANCE) is None


def test_label_that_flips_within_tolerance_is_objected_to() -> None:
    ours, theirs = numbers(0, 0.5, 1), numbers(0, 0.5 - 1e-9, 1)
    found = compare("binary-classification", ROWS, ours, theirs, TOLERANCE)
    assert found.objection(TOLERANCE) == "another label for row b of the hold-out"


def test_class_that_changes_is_objected_to() -> None:
    ours = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.1, 0.8]])
    theirs = ours[:, [1, 0, 2]]
    found = compare("multiclass-classification", ROWS, ours, theirs, 1)
    assert found.objection(1) == "another label for row a of the hold-out"


def test_distance_is_of_the_largest_answer() -> None:
    ours, theirs = numbers(0, 100, 200), numbers(0, 100, 200.0001)
    found = compare("regression", ROWS, ours, theirs, TOLERANCE)
    assert np.isclose(found.difference, 5e-7)
    assert found.objection(TOLERANCE) is None
    assert "row c of the hold-out is answered 5e-07" in str(found.objection(1e-7))


def test_large_answer_to_a_drawn_row_hides_no_distance() -> None:
    ours, theirs = numbers(1, 2, 3, 1e9), numbers(1, 2, 3.0003, 1e9)
    found = compare("regression", ROWS, ours, theirs, TOLERANCE)
    assert np.isclose(found.difference, 1e-4)


def test_drawn_rows_are_counted_and_not_objected_to() -> None:
    ours, theirs = numbers(0, 1, 2, 3, 4), numbers(0, 1, 2, 9, 4)
    found = compare("regression", ROWS, ours, theirs, TOLERANCE)
    assert found.drawn == 1
    assert found.objection(TOLERANCE) is None


def test_drawn_rows_are_values_and_their_middles() -> None:
    assert set(drawn_rows(ROWS.features)[:, 0]) == {0.0, 0.5, 1.0, 2.5, 4.0}


@given(st.lists(st.floats(-1e300, 1e300, allow_subnormal=False), min_size=2, max_size=9))
def test_drawn_rows_stay_within_their_columns_and_repeat(values: list[float]) -> None:
    column = np.array(values).reshape(-1, 1)
    drawn = drawn_rows(column, 20)
    assert drawn.shape == (20, 1)
    assert (drawn == drawn_rows(column, 20)).all()
    assert column.min() <= drawn.min() <= drawn.max() <= column.max()
