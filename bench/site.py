"""Time the board of 100 apps with 1,000 records: `make bench-site`.

The median of five runs of `deliver site`, wall seconds with the start of Python, and the size of
all that a browser loads for the first page. Prints the figures as JSON on its last line.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.delivery.chronicled import chronicled
from tests.delivery.world import World, bake

APPS, RECORDS, RUNS = 100, 1000, 5
COMMAND = "from delivery.cli import main; main()"


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="bench-site-") as folder:
        world = chronicled(World(bake(Path(folder, "bake"))), APPS, RECORDS)
        runs = [_built(world, Path(folder, f"board-{number}")) for number in range(RUNS)]
    seconds, told = [run[0] for run in runs], runs[0][1]
    print(f"{told['pages']} pages of {APPS} apps and {RECORDS} records")
    figures = {
        "site_s": round(statistics.median(seconds), 2),
        "first_view_kb": round(int(told["first_view_bytes"]) / 1000, 1),
    }
    print(json.dumps(figures))


def _built(world: World, out: Path) -> tuple[float, dict[str, int]]:
    """Return the seconds that a board took, and what `deliver` says of it."""
    words = [sys.executable, "-c", COMMAND, "site", "--out", str(out), "--json"]
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    began = time.perf_counter()
    done = subprocess.run(words, cwd=world.root, env=env, check=True, capture_output=True)
    return time.perf_counter() - began, json.loads(done.stdout)


if __name__ == "__main__":
    main()
