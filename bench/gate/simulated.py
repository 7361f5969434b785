"""How often simulated gates are wrong: size, retries, power, coverage."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from delivery.gate.statistics.bounds import AtLevel, Floats, OutsideDomainError
from delivery.gate.statistics.metrics import RATES, compared, of_difference, rated
from delivery.gate.statistics.needed import power_of, rows_needed
from delivery.policy import LOWER_IS_BETTER, Limit, Policy

from .models import WORLDS, Rows, World, source

SIZES = (200, 1_000, 10_000)
ALPHA, POWER, TRIES = 0.05, 0.8, 20
PARTS = 20
PILOT, ABOUT = 200_000, 2_000
"""Rows that rows are forecast from, and how many these are to be."""
EACH = Policy(metrics={"accuracy": Limit(floor=0)}, candidates=TRIES).alpha_each
Limited = tuple[str, str]
"""A metric, and whether it is `champion`'s margin or a `floor` that it is at."""


@dataclass(frozen=True)
class Found:
    """Of gates on a model exactly at a limit: shares of them.

    inside: bounds were given; size: passed at alpha; each: at alpha among tries; covered: of those
    with bounds, two-sided ones of 95 % held the truth.
    """

    world: World
    rows: int
    limited: Limited
    inside: float
    size: float
    each: float
    covered: float

    @property
    def is_exact(self) -> bool:
        """Whether bounds are Clopper-Pearson's, which hold at least as often as they say."""
        metric, kind = self.limited
        return metric in RATES and kind == "floor"

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
                if np.isnan(largest[:, 0]).all():
                    continue
                # A limit that is off by a tenth of a standard error would look like a wrong size,
                # and the mean over all gates is known better than any one population.
                truth = float(np.nanmean(largest[:, 0]))
                for count in SIZES:
                    yield _counted(world, count, limited, drawn[count][limited], truth)


def _counted(world: World, count: int, limited: Limited, seen: Floats, truth: float) -> Found:
    _, low, low_of_many, least, most = seen.T
    inside = float((~np.isnan(low)).mean())
    covered = float(((least <= truth) & (truth <= most)).mean()) / max(inside, 1e-9)
    size, each = float((low >= truth).mean()), float((low_of_many >= truth).mean())
    return Found(world, count, limited, inside, size, each, covered)


def _joined(parts: list[dict[Limited, Floats]]) -> dict[Limited, Floats]:
    return {limited: np.concatenate([part[limited] for part in parts]) for limited in parts[0]}


def _some(world: World, count: int, gates: int, part: int) -> dict[Limited, Floats]:
    """Return of each gate the estimate and its bounds, greater being better: (gates, 5)."""
    random = source(1 + part)
    found = {
        (metric, kind): np.full((gates, 5), np.nan)
        for metric in world.metrics
        for kind in ("champion", "floor")
    }
    for gate in range(gates):
        rows = world.rows(count, random)
        for metric in world.metrics:
            with suppress(OutsideDomainError):
                found[metric, "champion"][gate] = _bounds(compared(metric, *rows))
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
            rows = world.rows(PILOT, source(7), equal=True)
            for metric in world.metrics:
                with suppress(OutsideDomainError):
                    yield world, metric, *_power(pool, world, metric, rows, gates)


def _power(
    pool: ProcessPoolExecutor, world: World, metric: str, rows: Rows, gates: int
) -> tuple[int, float, float]:
    pilot = of_difference(metric, *rows, ALPHA)
    margin = pilot.error * math.sqrt(PILOT / ABOUT) * 2.4865
    needed = rows_needed(pilot, margin, ALPHA, POWER)
    assert needed
    fewer = needed * 3 // 4
    share, other = (
        _share(pool, world, metric, margin, round(count * PILOT / pilot.rows), gates)
        for count in (needed, fewer)
    )
    whole = round(needed * PILOT / pilot.rows)
    return whole, share, power_of(pilot, margin, ALPHA, fewer) - other


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
