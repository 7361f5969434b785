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
    figures |= _at_margin(gates)
    figures |= _power(gates)
    print(json.dumps(figures))


def _altered() -> dict[str, float]:
    """Return how many broken inputs and flipped bits go unseen."""
    from .broken import broken  # late, since they load what is no part of the gate's memory
    from .flips import flips

    return {**broken(), **flips(FLIPS)}


def _at_margin(gates: int) -> dict[str, float | str]:
    sizes, tries, covered = [], [], []
    for world, count, metric, found in simulated.at_margin(gates):
        where = f"{metric}, {world.name}, {count} rows"
        size, each = found.passed / found.gates, found.passed_of_many / found.gates
        inside, coverage = found.inside / found.gates, found.covered / max(found.inside, 1)
        print(f"{where:55} {size:.4f} {20 * each:.4f} {coverage:.4f} {inside:.3f}", flush=True)
        sizes.append((size, where))
        tries.append((1 - (1 - each) ** simulated.TRIES, where))
        if count >= WIDE and inside > 0.99:
            covered.append((coverage, where))
    error = math.sqrt(simulated.ALPHA * (1 - simulated.ALPHA) / gates)
    return {
        "size_max": round(max(sizes)[0], 4),
        "size_max_of": max(sizes)[1],
        "size_error": round(error, 4),
        "retries_size": round(max(tries)[0], 4),
        "retries_size_of": max(tries)[1],
        "coverage_min": round(min(covered)[0], 4),
        "coverage_min_of": min(covered)[1],
        "coverage_max": round(max(covered)[0], 4),
        "coverage_max_of": max(covered)[1],
    }


def _power(gates: int) -> dict[str, float | str]:
    reached, errors = [], []
    for world, metric, needed, share, error in simulated.power(gates // 10):
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
