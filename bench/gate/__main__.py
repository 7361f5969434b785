"""What the gate's statistics and evidence are worth; figures as JSON on the last line.

`python -m bench.gate [PART…] [GATES] [DEMO]`: all parts unless some are named; the number of
simulated gates, 20,000 unless given, is for each metric, world and number of rows; the folder is
one that `make demo` left.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from . import simulated
from .others import left_out
from .shipped import rows_of_margins
from .speed import metric_error, statistics_s

GATES = 20_000
FLIPS = 1_000
WIDE = 1_000
"""Rows from which the coverage of two-sided bounds is asked for."""
Figures = Mapping[str, float | str]


def main(words: list[str]) -> None:
    """Print the figures of the parts that are named, or of all."""
    gates = next((int(word) for word in words if word.isdigit()), GATES)
    demo = next((Path(word) for word in words if "/" in word), Path("build/demo"))
    parts = _parts(gates, demo)
    named = [word for word in words if not word.isdigit() and "/" not in word]
    unknown = sorted({*named} - {*parts})
    if unknown:
        raise SystemExit(f"no part is named {unknown[0]}; there are {' '.join(parts)}")
    figures: dict[str, float | str] = {"gates": gates}
    for name in named or parts:
        figures |= parts[name]()
        print(json.dumps(figures), flush=True)


def _parts(gates: int, demo: Path) -> Mapping[str, Callable[[], Figures]]:
    """Return what there is to measure, shortest first, so that a broken part shows early."""
    # Late, since they load what is no part of the time that others take.
    from .agreement import agreement
    from .broken import broken
    from .flips import flips
    from .repeated import evidence_values
    from .timed import command_times, judgement
    from .tricks import tricks

    return {
        "speed": lambda: {"statistics_s": round(statistics_s(), 3), **judgement()},
        "agreement": lambda: {"metric_error": metric_error(), **agreement()},
        "shipped": _shipped,
        "commands": lambda: command_times(demo),
        "evidence": evidence_values,
        "tricks": tricks,
        "broken": broken,
        "flips": lambda: flips(FLIPS),
        "others": lambda: {key: round(value, 3) for key, value in left_out(gates // 10).items()},
        "limit": lambda: _at_limit(gates),
        "power": lambda: _power(gates),
    }


def _shipped() -> Figures:
    short = 0
    for one in rows_of_margins():
        print(f"{one.app}: {one.metric}, {one.margin:g}: {one.needed} of {one.rows} rows needed")
        short += one.needed > one.rows
    return {"margins_undecidable": short}


def _at_limit(gates: int) -> dict[str, float | str]:
    found = []
    for one in simulated.at_limit(gates):
        share = f"{one.size:.4f} {20 * one.each:.4f} {one.covered:.4f} {one.inside:.3f}"
        print(f"{one!s:55} {share}", flush=True)
        found.append(one)
    # Where ranks and tables are outside of their domain, too few rows are of the rarest class.
    rare = {(one.world.name, one.rows) for one in found if one.is_of_classes and one.inside < 0.99}
    wide = [
        one
        for one in found
        if one.rows >= WIDE and one.inside > 0.99 and (one.world.name, one.rows) not in rare
    ]
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
    reached: list[float] = []
    errors: list[float] = []
    for world, metric, needed, share, error in simulated.power(gates // 2):
        print(f"{metric:20} {world.name:15} {needed:6} {share:.4f} {error:+.4f}", flush=True)
        reached.append(share)
        errors.append(abs(error))
    furthest = max(reached, key=_from_asked)
    return {
        "n_power": round(furthest, 4),
        "n_power_min": round(min(reached), 4),
        "n_power_max": round(max(reached), 4),
        "power_error": round(max(errors), 4),
    }


def _from_asked(share: float) -> float:
    return abs(share - simulated.POWER)


if __name__ == "__main__":
    main(sys.argv[1:])
