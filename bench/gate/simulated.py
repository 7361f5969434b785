"""How often simulated gates are wrong: size, retries, power, coverage."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from delivery.gate.statistics.bounds import OutsideDomainError
from delivery.gate.statistics.metrics import of_difference
from delivery.gate.statistics.needed import power_of, rows_needed
from delivery.policy import Limit, Policy

from .models import WORLDS, Rows, World, source

Figures = dict[str, float]
SIZES = (200, 1_000, 5_000)
ALPHA, POWER, TRIES = 0.05, 0.8, 20
PARTS = 20
EACH = Policy(metrics={"accuracy": Limit(floor=0)}, candidates=TRIES).alpha_each


@dataclass(frozen=True)
class Counted:
    """Of so many gates: passes at the margin, at alpha and at alpha among tries; hits of 95 %."""

    gates: int = 0
    inside: int = 0
    passed: int = 0
    passed_of_many: int = 0
    covered: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(*(a + b for a, b in zip(self._all, other._all, strict=True)))

    @property
    def _all(self) -> tuple[int, int, int, int, int]:
        return self.gates, self.inside, self.passed, self.passed_of_many, self.covered


def at_margin(gates: int) -> Iterator[tuple[World, int, str, Counted]]:
    """Yield counts for every metric of a candidate that is worse by exactly the margin."""
    with ProcessPoolExecutor() as pool:
        for world in WORLDS:
            truth = {metric: world.difference(metric) for metric in world.metrics}
            for count in SIZES:
                part = partial(_some, world, count, truth, max(1, gates // PARTS))
                totals = {metric: Counted() for metric in truth}
                for found in pool.map(part, range(PARTS)):
                    totals = {metric: totals[metric] + found[metric] for metric in truth}
                for metric, counted in totals.items():
                    yield world, count, metric, counted


def _some(
    world: World, count: int, truth: dict[str, float], gates: int, part: int
) -> dict[str, Counted]:
    random = source(1 + part)
    totals = {metric: Counted() for metric in truth}
    for _ in range(gates):
        rows = world.rows(count, random)
        for metric, true in truth.items():
            totals[metric] += _one(metric, rows, true)
    return totals


def _one(metric: str, rows: Rows, true: float) -> Counted:
    try:
        one, many, wide = (of_difference(metric, *rows, a) for a in (ALPHA, EACH, 0.025))
    except OutsideDomainError:
        return Counted(gates=1)
    return Counted(1, 1, one.low >= true, many.low >= true, wide.low <= true <= wide.high)


def power(gates: int) -> Iterator[tuple[World, str, int, float, float]]:
    """Yield for equally good models the printed n, and how often a gate with it passes.

    With it, the power that is forecast for half of these rows, less what is seen.
    """
    with ProcessPoolExecutor() as pool:
        for world in WORLDS:
            for metric, margin in _margins(world):
                pilot = of_difference(metric, *world.rows(200_000, source(7), equal=True), ALPHA)
                found = rows_needed(pilot, margin, ALPHA, POWER)
                assert found
                needed = round(found * 200_000 / pilot.rows)
                fewer = needed * 3 // 4
                share, other = (
                    _share(pool, world, metric, margin, n, gates) for n in (needed, fewer)
                )
                yield (
                    world,
                    metric,
                    needed,
                    share,
                    other - power_of(pilot, margin, ALPHA, found * 3 // 4),
                )


def _share(
    pool: ProcessPoolExecutor, world: World, metric: str, margin: float, count: int, gates: int
) -> float:
    """Return the share of gates on equally good models that pass."""
    each = max(1, gates // PARTS)
    found = pool.map(partial(_pass, world, metric, margin, count, each), range(PARTS))
    return sum(found) / (each * PARTS)


def _margins(world: World) -> Iterator[tuple[str, float]]:
    """Yield metrics with margins that some thousand rows decide."""
    for metric in world.metrics:
        with suppress(OutsideDomainError):
            pilot = of_difference(metric, *world.rows(200_000, source(7), equal=True), ALPHA)
            yield metric, pilot.error * math.sqrt(200_000 / 2_000) * 2.4865


def _pass(world: World, metric: str, margin: float, count: int, gates: int, part: int) -> int:
    random = source(100 + part)
    passed = 0
    for _ in range(gates):
        with suppress(OutsideDomainError):
            found = of_difference(metric, *world.rows(count, random, equal=True), ALPHA)
            passed += found.low >= -margin
    return passed
