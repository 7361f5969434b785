"""How fast: 100,000 rows, 12 metrics, 20 slices; and how close to scikit-learn."""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np
from delivery.gate.metrics import compute
from delivery.gate.statistics.bounds import OutsideDomainError
from delivery.gate.statistics.metrics import of_difference, of_one
from delivery.policy import METRICS

from .models import WORLDS, source

ROWS, SLICES = 100_000, 20
ALPHA = 0.0025


def statistics_s() -> float:
    """Return the seconds that all bounds take: of both models, their difference, and the slices."""
    labels, ours, theirs = WORLDS[0].rows(ROWS, source(3))
    group = source(4).integers(SLICES, size=ROWS)
    began = time.perf_counter()
    for metric in METRICS["binary-classification"]:
        of_one(metric, labels, ours, ALPHA)
        of_one(metric, labels, theirs, ALPHA)
        of_difference(metric, labels, ours, theirs, ALPHA)
        for number in range(SLICES):
            kept = group == number
            of_difference(metric, labels[kept], ours[kept], theirs[kept], ALPHA)
    return time.perf_counter() - began


def metric_error() -> float:
    """Return the largest distance of an estimate from scikit-learn's, in all made-up worlds."""
    apart = []
    for world in WORLDS:
        labels, ours, _ = world.rows(5_000, source(5))
        for metric in world.metrics:
            with suppress(OutsideDomainError):
                found = of_one(metric, labels, ours, ALPHA).estimate
                apart.append(abs(found - compute(metric, labels, ours)))
    return float(np.max(apart))
