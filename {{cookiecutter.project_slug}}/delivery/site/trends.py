"""An app's metrics over its releases: the points of a plot, and where they stand in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..evidence import Evidence
from ..policy import LOWER_IS_BETTER
from .chronicle import Told

MOST = 40
"""Releases in a plot; of more, the newest."""
WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 26
"""Around the plot, in the drawing's own units, in which letters are 11 high."""
ABOVE = 0.12
"""Share of the range that stays free above and below."""
STEPS = 1, 2, 2.5, 5, 10
LABELS = 8
"""Names of releases that fit below the plot."""


@dataclass(frozen=True)
class Point:
    """One release: its model's version, the metric with its bounds, and the limit of its day."""

    model: str
    told: Told
    value: float
    low: float | None
    high: float | None
    floor: float | None
    holdout: str
    live: bool
    """Whether it is what the last environment is to run."""


@dataclass(frozen=True)
class Mark:
    """A point's place in the drawing."""

    point: Point
    x: float
    y: float
    low: float | None
    high: float | None
    floor: float | None
    named: bool
    """Whether its model's version stands below it."""


@dataclass(frozen=True)
class Trend:
    """A metric over the releases of an app, oldest first."""

    metric: str
    points: tuple[Point, ...]
    left_out: int

    @property
    def better(self) -> str:
        """In which direction is better."""
        return "lower is better" if self.metric in LOWER_IS_BETTER else "higher is better"

    @property
    def live(self) -> Point | None:
        """The point of what the last environment is to run."""
        return next((point for point in reversed(self.points) if point.live), None)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The least and the most that the drawing shows."""
        told = [(p.value, p.low, p.high, p.floor) for p in self.points]
        numbers = [number for row in told for number in row if number is not None]
        low, high = min(numbers), max(numbers)
        free = (high - low) * ABOVE or abs(high) * ABOVE or 1.0
        return low - free, high + free

    @cached_property
    def ticks(self) -> list[tuple[float, str]]:
        """Heights of round numbers with their names."""
        low, high = self.bounds
        step = _step((high - low) / 4)
        digits = _digits(step)
        first = math.ceil(low / step)
        numbers = [n * step for n in range(first, math.floor(high / step) + 1)]
        return [(self._y(number), f"{number:.{digits}f}") for number in numbers]

    @cached_property
    def marks(self) -> list[Mark]:
        """Every point with its place."""
        named = _named(len(self.points))
        return [
            Mark(
                point,
                self._x(at),
                self._y(point.value),
                _maybe(self._y, point.low),
                _maybe(self._y, point.high),
                _maybe(self._y, point.floor),
                at in named,
            )
            for at, point in enumerate(self.points)
        ]

    @cached_property
    def line(self) -> list[str]:
        """The path from point to point, broken where the hold-out changed: no rows in common."""
        parts, before = [], None
        for mark in self.marks:
            move = "L" if before == mark.point.holdout else "M"
            parts.append(f"{move}{mark.x:.1f} {mark.y:.1f}")
            before = mark.point.holdout
        return parts

    @cached_property
    def floors(self) -> list[str]:
        """The path of the limit, a step wherever the policy changed."""
        half, parts = self._gap / 2, []
        for mark in self.marks:
            if mark.floor is not None:
                left, right = max(mark.x - half, LEFT), min(mark.x + half, WIDTH - RIGHT)
                parts.append(f"M{left:.1f} {mark.floor:.1f}H{right:.1f}")
        return parts

    @cached_property
    def breaks(self) -> list[float]:
        """Where the hold-out changed, so that what is left and right does not compare."""
        pairs = zip(self.marks, self.marks[1:], strict=False)
        return [(a.x + b.x) / 2 for a, b in pairs if a.point.holdout != b.point.holdout]

    @property
    def _gap(self) -> float:
        return (WIDTH - LEFT - RIGHT) / len(self.points)

    def _x(self, at: int) -> float:
        return LEFT + self._gap * (at + 0.5)

    def _y(self, value: float) -> float:
        low, high = self.bounds
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)


def trends(lines: Iterable[Sequence[Told]], live: str | None) -> list[Trend]:
    """Return the plots of an app's metrics, those that its newest policy limits.

    `lines` are its records in each environment. A release stands there once, by the evidence of
    the record that first brought it anywhere. `live` is the id of the release that the last
    environment is to run.
    """
    first: dict[str, Told] = {}
    for told in sorted((t for line in lines for t in line if t.evidence), key=_by_time):
        first.setdefault(told.entry.record.release.id, told)
    told_of = list(first.values())
    if not told_of or told_of[-1].evidence is None:
        return []
    named = sorted(told_of[-1].evidence.policy.get("metrics", {}))
    found = [_trend(metric, told_of, live) for metric in named]
    return [trend for trend in found if trend.points]


def _by_time(told: Told) -> tuple[object, ...]:
    return told.merged, told.entry.environment, told.entry.number


def _trend(metric: str, told_of: Sequence[Told], live: str | None) -> Trend:
    points = [
        p for told in told_of if told.evidence and (p := _point(metric, told, told.evidence, live))
    ]
    return Trend(metric, tuple(points[-MOST:]), max(0, len(points) - MOST))


def _point(metric: str, told: Told, evidence: Evidence, live: str | None) -> Point | None:
    value = evidence.metrics.get("candidate", {}).get(metric)
    if value is None:
        return None
    low, high = evidence.intervals.get(metric, {}).get("candidate", (None, None))
    limit = evidence.policy.get("metrics", {}).get(metric) or {}
    is_live = told.entry.record.release.id == live
    labels = evidence.inputs.holdout.labels
    return Point(told.model, told, value, low, high, limit.get("floor"), labels, is_live)


def _step(rough: float) -> float:
    """Return the round step that is nearest above a rough one."""
    power = math.pow(10, math.floor(math.log10(rough)))
    return next(factor * power for factor in STEPS if factor * power >= rough * (1 - 1e-9))


def _digits(step: float) -> int:
    """Return how many digits after the point tell multiples of a step apart."""
    return next((n for n in range(12) if math.isclose(round(step, n), step, rel_tol=1e-6)), 12)


def _named(count: int) -> set[int]:
    """Return which of so many points are named: evenly spread, the last among them."""
    every = math.ceil(count / LABELS)
    return {at for at in range(count) if (count - 1 - at) % every == 0}


def _maybe(place: Callable[[float], float], value: float | None) -> float | None:
    return None if value is None else place(value)
