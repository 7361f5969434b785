"""Plots of metrics over releases: what is drawn, where, and what is told of it in words."""

from __future__ import annotations

import pytest
from delivery.site.chronicle import Chronicle, Told, read_chronicle
from delivery.site.trends import HEIGHT, LEFT, MOST, RIGHT, TOP, WIDTH, Point, Trend, trends
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.chronicled import chronicled
from tests.delivery.world import KUSTOMIZE_APP, World

APP = f"{KUSTOMIZE_APP}-001"
VALUES = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@pytest.fixture(scope="module")
def chronicle(baked: World, tmp_path_factory: pytest.TempPathFactory) -> Chronicle:
    """What one app went through."""
    world = chronicled(baked.copy(tmp_path_factory.mktemp("trends") / "repository"), 1, 10)
    return read_chronicle(world.work)


def lines(chronicle: Chronicle) -> list[tuple[Told, ...]]:
    return [chronicle.line(environment, APP) for environment in ("dev", "staging", "prod")]


def point(chronicle: Chronicle, value: float, holdout: str = "one") -> Point:
    told = lines(chronicle)[0][0]
    return Point("1", told, value, value - 0.1, value + 0.1, None, holdout, live=False)


def test_release_stands_once_in_a_plot(chronicle: Chronicle) -> None:
    for trend in trends(lines(chronicle), None):
        assert [one.model for one in trend.points] == ["1", "2", "3", "4"]


def test_metrics_with_a_limit_are_drawn(chronicle: Chronicle) -> None:
    found = {trend.metric: trend for trend in trends(lines(chronicle), None)}
    assert set(found) == {"accuracy", "brier", "roc_auc"}
    assert found["roc_auc"].points[0].floor == 0.87
    assert (found["brier"].better, found["brier"].floors) == ("lower is better", [])


def test_what_the_last_environment_runs_is_marked(chronicle: Chronicle) -> None:
    live = lines(chronicle)[2][-1].entry.record.release.id
    for trend in trends(lines(chronicle), live):
        assert trend.live is not None
        assert trend.live.model == "3"


def test_app_without_evidence_has_no_plot() -> None:
    assert trends([()], None) == []


def test_another_holdout_breaks_the_line(chronicle: Chronicle) -> None:
    names = ("one", "one", "two", "two")
    trend = Trend("roc_auc", tuple(point(chronicle, 0.9, name) for name in names), 0)
    assert [part[0] for part in trend.line] == ["M", "L", "M", "L"]
    first, second = trend.marks[1], trend.marks[2]
    assert trend.breaks == [(first.x + second.x) / 2]


def test_long_history_is_cut_to_its_newest(chronicle: Chronicle) -> None:
    trend = Trend("roc_auc", tuple(point(chronicle, 0.9) for _ in range(MOST)), 3)
    assert sum(mark.named for mark in trend.marks) <= 8
    assert trend.marks[-1].named


@given(values=st.lists(VALUES, min_size=1, max_size=MOST))
def test_every_point_lies_within_the_drawing(chronicle: Chronicle, values: list[float]) -> None:
    trend = Trend("rmse", tuple(point(chronicle, value) for value in values), 0)
    for mark in trend.marks:
        assert LEFT <= mark.x <= WIDTH - RIGHT
        assert TOP <= mark.y <= HEIGHT
    assert 1 <= len(trend.ticks) <= 7
    assert len({name for _, name in trend.ticks}) == len(trend.ticks)


@pytest.mark.parametrize(
    ("low", "high", "names"),
    [
        (0.9, 0.99, ["0.90", "0.95", "1.00"]),
        (151.2, 166.3, ["150", "155", "160", "165"]),
        (0.00042, 0.00046, ["0.00042", "0.00044", "0.00046"]),
        (5.0, 5.0, ["4.5", "5.0", "5.5"]),
    ],
)
def test_ticks_are_round_numbers(
    chronicle: Chronicle, low: float, high: float, names: list[str]
) -> None:
    told = lines(chronicle)[0][0]
    spread = [Point("1", told, value, None, None, None, "one", live=False) for value in (low, high)]
    assert [name for _, name in Trend("mae", tuple(spread), 0).ticks] == names
