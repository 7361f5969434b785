"""The model server beside others, and what it withstands: `make bench-server`.

`python -m bench.server [PART…] [ROUNDS=3] [SECONDS=5]`: all parts unless some are named. The
figures stand as JSON on the last line. Nothing else should run meanwhile: the server has one core,
and what asks it the other.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from .drain import TIMES, drain
from .footprint import SOAK_S, soak, start
from .fuzz import MALFORMED, fuzz
from .load import require_wrk
from .models import save
from .processes import alone
from .ratios import Figures, p99, ratios, slow_clients

KEYS = (
    *("vs_mlflow", "vs_mlflow_onnx", "vs_mlserver", "vs_fastapi"),
    *("native_vs_mlflow", "batched_vs_mlflow", "cpu_us", "rss_mb", "start_s", "site_mb"),
    *("p99_vs_mlflow", "drain_failed", "fuzz_5xx", "fuzz_growth_mb"),
    *("slow_clients_p99_ratio", "soak_growth_mb"),
)
"""What the last line holds; other figures stand on the line before."""
QUICK_S = 5.0
"""With fewer SECONDS than these, what has a number of its own is made smaller in proportion."""
IDLE_S = 5.0
"""The server hangs up on connections that send nothing for ten seconds."""
EXAMPLES = 200
"""Of schemathesis, for each operation."""


def main(words: list[str]) -> None:
    """Print the figures of the parts that are named, or of all."""
    settings = {"ROUNDS": "3", "SECONDS": "5"} | dict(
        word.split("=", 1) for word in words if "=" in word
    )
    named = [word for word in words if "=" not in word]
    rounds, seconds = int(settings["ROUNDS"]), float(settings["SECONDS"])
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="bench-server-") as folder:
        parts = _parts(save(Path(folder)), rounds, seconds)
        unknown = sorted({*named} - {*parts})
        if unknown:
            raise SystemExit(f"no part is named {unknown[0]}; there are {' '.join(parts)}")
        alone()
        figures: Figures = {}
        for name in named or parts:
            began, load = time.monotonic(), os.getloadavg()[0]
            figures |= parts[name]()
            took = time.monotonic() - began
            print(f"{name}: took {took:.0f} s, load before it {load:.1f}", flush=True)
        rounded = {key: round(value, 3) for key, value in figures.items()}
        print(
            "beside these:", json.dumps({key: rounded[key] for key in rounded if key not in KEYS})
        )
        print(json.dumps({key: rounded[key] for key in KEYS if key in rounded}))


def _parts(models: Path, rounds: int, seconds: float) -> Mapping[str, Callable[[], Figures]]:
    share = min(1.0, seconds / QUICK_S)
    return {
        "start": lambda: start(models),
        "ratios": lambda: ratios(models, rounds, seconds),
        "p99": lambda: p99(models, rounds, seconds),
        "slow": lambda: slow_clients(models, rounds, min(seconds, IDLE_S)),
        "drain": lambda: drain(models, max(2, round(TIMES * share))),
        "fuzz": lambda: fuzz(models, round(MALFORMED * share), max(10, round(EXAMPLES * share))),
        "soak": lambda: soak(models, SOAK_S * share),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
