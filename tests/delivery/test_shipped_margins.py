"""The shipped apps' hold-outs decide the margins that their policies ask for."""

from __future__ import annotations

import pytest

from bench.gate.shipped import SECOND, Needed, rows_of_margins


@pytest.fixture(scope="module")
def margins() -> list[Needed]:
    return list(rows_of_margins())


def test_every_shipped_app_has_a_margin(margins: list[Needed]) -> None:
    assert {one.app for one in margins} == set(SECOND)


def test_holdouts_have_the_rows_that_margins_need(margins: list[Needed]) -> None:
    assert [one for one in margins if one.needed > one.rows] == []
