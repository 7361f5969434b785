"""What one server takes: time to its first answer, packages on disk, memory that grows or not."""

from __future__ import annotations

import statistics
from pathlib import Path

from .environments import OURS, python_of, site_mb
from .load import load
from .ratios import MANY, Figures, running
from .servers import ONNX, Question, Server

SOAK_S = 180.0
SOAK_WARM_S = 20.0
STARTS = 5


def start(models: Path) -> Figures:
    """Return the seconds from exec to the first answer of the model, and the packages' size."""
    question, seconds = Question.read(models / "rows.json"), []
    for _ in range(STARTS):
        server = Server(ONNX, models, question)
        seconds.append(server.start_s)
        server.stop()
    print("first answers after", *(f"{one:.3f}" for one in seconds), "s")
    return {"start_s": statistics.median(seconds), "site_mb": site_mb(python_of(OURS))}


def soak(models: Path, seconds: float) -> Figures:
    """Return how much memory grows under load, in MB, after it has been warm for a while."""
    with running([ONNX], models) as servers:
        server = servers["onnx"]
        load(server, MANY, min(SOAK_WARM_S, seconds))
        before = server.process.rss_mb()
        found = load(server, MANY, seconds)
        after = server.process.rss_mb()
    print(f"soak: {before:.1f} MB, and {after:.1f} MB after {seconds:.0f} s at {found}")
    return {"soak_growth_mb": after - before}
