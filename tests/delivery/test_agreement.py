"""The gate's bounds and tests are what statsmodels, scipy, or slower ways make of the same rows."""

from __future__ import annotations

import pytest

from bench.gate.agreement import WAYS


@pytest.mark.parametrize("way", WAYS)
def test_figures_agree_with_another_way(way: str) -> None:
    assert WAYS[way]() < 1e-9
