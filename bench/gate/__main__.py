"""What the gate's statistics are worth; figures as JSON on the last line.

The number of simulated gates, 20,000 unless given as an argument, is for each metric, world and
number of rows.
"""

from __future__ import annotations

import json
import math
import sys

from . import simulated
from .others import left_out
from .speed import metric_error, peak_mb, statistics_s

GATES = 20_000
FLIPS = 1_000
WIDE = 1_000
"""Rows from which the coverage of two-sided bounds is asked for."""


def main(gates: int) -> None:
    """Print every figure."""
    figures: dict[str, float | str] = {"gates": gates, "statistics_s": round(statistics_s(), 3)}
    figures["gate_mb"] = round(peak_mb())
    figures["metric_error"] = metric_error()
    print(json.dumps(figures), flush=True)
    figures |= _altered()
    print(json.dumps(figures), flush=True)
    figures |= {key: round(value, 3) for key, value in left_out(gates // 10).items()}
    print(json.dumps(figures), flush=True)
    figures |= _at_limit(gates)
    figures |= _power(gates)
    print(json.dumps(figures))


def _altered() -> dict[str, float]:
    """Return how many broken inputs and flipped bits go unseen."""
    from .broken import broken  # late, since they load what is no part of the gate's memory
    from .flips import flips

    return {**broken(), **flips(FLIPS)}


def _at_limit(gates: int) -> dict[str, float | str]:
    found = []
    for one in simulated.at_limit(gates):
        share = f"{one.size:.4f} {20 * one.each:.4f} {one.covered:.4f} {one.inside:.3f}"
        print(f"{one!s:55} {share}", flush=True)
        found.append(one)
    wide = [one for one in found if one.rows >= WIDE and one.inside > 0.99]
    error = math.sqrt(simulated.ALPHA * (1 - simulated.ALPHA) / gates)
    tries_error = math.sqrt(simulated.TRIES * simulated.ALPHA / gates)
    size, tries = max(found, key=lambda one: one.size), max(found, key=lambda one: one.each)
    least, most = min(wide, key=_covered), max(wide, key=_covered)
    return {
        "gates_of_limits": len(found),
        "size_max": round(size.size, 4),
        "size_max_of": str(size),
        "size_error": round(error, 4),
        "retries_size": round(1 - (1 - tries.each) ** simulated.TRIES, 4),
        "retries_size_of": str(tries),
        "retries_error": round(tries_error, 4),
        "coverage_min": round(least.covered, 4),
        "coverage_min_of": str(least),
        "coverage_max": round(most.covered, 4),
        "coverage_max_of": str(most),
    }


def _covered(one: simulated.Found) -> float:
    return one.covered


def _power(gates: int) -> dict[str, float | str]:
    reached, errors = [], []
    for world, metric, needed, share, error in simulated.power(gates // 2):
        print(f"{metric:20} {world.name:15} {needed:6} {share:.4f} {error:+.4f}", flush=True)
        reached.append(share)
        errors.append(abs(error))
    return {
        "n_power_min": round(min(reached), 4),
        "n_power_max": round(max(reached), 4),
        "power_error": round(max(errors), 4),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else GATES)
