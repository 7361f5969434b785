"""Time the board of 100 apps with 1,000 records: `make bench-site`.

Medians of five runs of `deliver site`, wall and CPU seconds with the start of Python, and the size
of all that a browser loads for the first page. Prints the figures as JSON on its last line.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.delivery.chronicled import chronicled
from tests.delivery.world import World, bake

APPS, RECORDS, RUNS = 100, 1000, 5
COMMAND = "from delivery.cli import main; main()"


@dataclass(frozen=True)
class Run:
    """Seconds that a board took, and what `deliver` told of it."""

    wall_s: float
    cpu_s: float
    told: Mapping[str, int]


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="bench-site-") as folder:
        world = chronicled(World(bake(Path(folder, "bake"))), APPS, RECORDS)
        runs = [_built(world, Path(folder, f"board-{number}")) for number in range(RUNS)]
    told = runs[0].told
    print(f"{told['pages']} pages of {APPS} apps and {RECORDS} records")
    figures = {
        "site_s": round(statistics.median(run.wall_s for run in runs), 2),
        "site_cpu_s": round(statistics.median(run.cpu_s for run in runs), 2),
        "first_view_kb": round(told["first_view_bytes"] / 1000, 1),
    }
    print(json.dumps(figures))


def _built(world: World, out: Path) -> Run:
    """Return what a board took, and what `deliver` says of it."""
    words = [sys.executable, "-c", COMMAND, "site", "--out", str(out), "--json"]
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(words, cwd=world.root, env=env, check=True, capture_output=True)
    wall_s, after = time.perf_counter() - began, os.times()
    cpu_s = sum(after[part] - before[part] for part in (2, 3))  # of processes that ended
    return Run(wall_s, cpu_s, json.loads(done.stdout))


if __name__ == "__main__":
    main()
