"""How often simulated gates are wrong: size, retries, power, coverage."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from delivery.gate.statistics.bounds import AtLevel, Bounds, Floats, OutsideDomainError
from delivery.gate.statistics.metrics import RATES, compared, of_difference, rated
from delivery.gate.statistics.needed import power_of, rows_needed
from delivery.policy import LOWER_IS_BETTER, Limit, Policy

from .models import WORLDS, Rows, World, source

SIZES = (200, 1_000, 10_000)
ALPHA, POWER, TRIES = 0.05, 0.8, 20
PARTS = 20
FEW = 0.2
"""Share of gates with bounds below which too little is seen of a metric at a number of rows."""
PILOTS, ABOUT = 200, 2_000
"""Hold-outs that rows are forecast from, on the average, and about how many rows each has."""
EACH = Policy(metrics={"accuracy": Limit(floor=0)}, candidates=TRIES).alpha_each
Limited = tuple[str, str]
"""A metric, and whether it is `champion`'s margin or a `floor` that it is at."""


@dataclass(frozen=True)
class Found:
    """Of gates on a model exactly at a limit: shares of them.

    inside: bounds were given, as rows were within the method's domain; size: passed at alpha;
    each: at alpha among tries; covered: of those with bounds, two-sided ones of 95 % held the
    truth. Size is of all gates: hold-outs that happen to be within have other classes than most.
    """

    world: World
    rows: int
    limited: Limited
    inside: float
    size: float
    each: float
    covered: float

    @property
    def is_of_classes(self) -> bool:
        """Whether bounds need rows of every class."""
        return self.limited[0] == "balanced_accuracy"

    def __str__(self) -> str:
        """The gate in words."""
        metric, kind = self.limited
        return f"{metric} at the {kind}, {self.world.name}, {self.rows} rows"


def at_limit(gates: int) -> Iterator[Found]:
    """Yield what gates find of a candidate that is exactly at the margin, and at each floor."""
    with ProcessPoolExecutor() as pool:
        for world in WORLDS:
            each = max(1, gates // PARTS)
            drawn = {
                count: _joined(list(pool.map(partial(_some, world, count, each), range(PARTS))))
                for count in SIZES
            }
            for limited, largest in drawn[SIZES[-1]].items():
                if _inside(largest) < FEW:
                    continue
                # A limit that is off by a tenth of a standard error would look like a wrong size,
                # and the mean over all gates is known better than any one population.
                truth = float(np.nanmean(largest[:, 0]))
                for count in SIZES:
                    found = drawn[count][limited]
                    if _inside(found) >= FEW:
                        yield _counted(world, count, limited, found, truth)


def _inside(seen: Floats) -> float:
    """Return the share of gates with bounds."""
    return float((~np.isnan(seen[:, 0])).mean())


def _counted(world: World, count: int, limited: Limited, seen: Floats, truth: float) -> Found:
    _, low, low_of_many, least, most = seen.T
    inside, held = _inside(seen), float(((least <= truth) & (truth <= most)).mean())
    size, each = float((low >= truth).mean()), float((low_of_many >= truth).mean())
    return Found(world, count, limited, inside, size, each, held / inside)


def _joined(parts: list[dict[Limited, Floats]]) -> dict[Limited, Floats]:
    return {limited: np.concatenate([part[limited] for part in parts]) for limited in parts[0]}


def _some(world: World, count: int, gates: int, part: int) -> dict[Limited, Floats]:
    """Return of each gate the estimate and its bounds, greater being better: (gates, 5)."""
    random = source(1 + part)
    found = {
        (metric, kind): np.full((gates, 5), np.nan)
        for metric in world.metrics
        for kind in ("champion", "floor")
        if metric not in RATES or kind == "champion"  # a share's own bounds are exact
    }
    for gate in range(gates):
        rows = world.rows(count, random)
        for metric in world.metrics:
            with suppress(OutsideDomainError):
                found[metric, "champion"][gate] = _bounds(compared(metric, *rows))
            if metric in RATES:
                continue
            with suppress(OutsideDomainError):
                turned = metric in LOWER_IS_BETTER
                found[metric, "floor"][gate] = _bounds(rated(metric, *rows[:2]), turned=turned)
    return found


def _bounds(at: AtLevel, *, turned: bool = False) -> Floats:
    """Return an estimate, its bounds from below at alpha and at alpha of many, and both of 95 %."""
    one, many, wide = (at(alpha) for alpha in (ALPHA, EACH, 0.025))
    if turned:
        return -np.array([one.estimate, one.high, many.high, wide.high, wide.low])
    return np.array([one.estimate, one.low, many.low, wide.low, wide.high])


def power(gates: int) -> Iterator[tuple[World, str, int, float, float]]:
    """Yield for equally good models the printed rows, and how often a gate with them passes.

    With it, the power that is forecast for three quarters of these rows, less what is seen.
    """
    with ProcessPoolExecutor() as pool:
        for world in WORLDS:
            random = source(7)
            rows = [world.rows(ABOUT, random, equal=True) for _ in range(PILOTS)]
            for metric in world.metrics:
                with suppress(OutsideDomainError):
                    yield world, metric, *_power(pool, world, metric, _pilot(metric, rows), gates)


def _pilot(metric: str, rows: list[Rows]) -> Bounds:
    """Return what an average hold-out says of the difference of equally good models."""
    each = [of_difference(metric, *one, ALPHA) for one in rows]
    shapes = [one.shape for one in each if one.shape is not None]
    shape = shapes[0] if shapes else None
    if shape is not None:
        skewness = float(np.mean([one.skewness for one in shapes]))
        kurtosis = float(np.mean([one.kurtosis for one in shapes]))
        shape = replace(shape, skewness=skewness, kurtosis=kurtosis)
    error = math.sqrt(np.mean([one.error**2 for one in each]))
    rows_each = float(np.mean([one.rows for one in each]))
    return replace(each[0], estimate=0.0, error=error, rows=rows_each, shape=shape)


def _power(
    pool: ProcessPoolExecutor, world: World, metric: str, pilot: Bounds, gates: int
) -> tuple[int, float, float]:
    margin = pilot.error * 2.4865
    needed = rows_needed(pilot, margin, ALPHA, POWER)
    assert needed
    fewer, whole = needed * 3 // 4, ABOUT / pilot.rows
    share, other = (
        _share(pool, world, metric, margin, round(count * whole), gates)
        for count in (needed, fewer)
    )
    seen = power_of(pilot, margin, ALPHA, fewer) - other
    return round(needed * whole), share, seen


def _share(
    pool: ProcessPoolExecutor, world: World, metric: str, margin: float, count: int, gates: int
) -> float:
    """Return the share of gates on equally good models that pass."""
    each = max(1, gates // PARTS)
    found = pool.map(partial(_pass, world, metric, margin, count, each), range(PARTS))
    return sum(found) / (each * PARTS)


def _pass(world: World, metric: str, margin: float, count: int, gates: int, part: int) -> int:
    random = source(100 + part)
    passed = 0
    for _ in range(gates):
        with suppress(OutsideDomainError):
            found = of_difference(metric, *world.rows(count, random, equal=True), ALPHA)
            passed += found.low >= -margin
    return passed
