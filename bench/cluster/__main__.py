"""Argo CD with many apps on a real API server: `make bench-cluster`, figures on the last line.

Sizes other than 50, 200 and 1000, or fewer of them, are named as arguments.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from cluster import Cluster

from .apps import Pattern
from .figures import Figures, caches, changes, costs
from .fleet import Fleet
from .start import AS_INSTALLED, WHEN_TOLD, overlaid, overlay_set, rendered, roomy

SIZES = (50, 200, 1000)
COMPARED = 200
"""The size at which rendered folders stand beside overlays."""


def main(sizes: tuple[int, ...]) -> None:
    """Print every figure."""
    began = time.monotonic()
    figures: Figures = {"cores": os.cpu_count() or 0, "load_before": os.getloadavg()[0]}
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            for key, value in at(size, Path(scratch)).items():
                figures[key] = round(value, 3)
                print(f"{key:28} {figures[key]:10.3f}", flush=True)
    figures["bench_s"] = round(time.monotonic() - began)
    print(json.dumps(figures))


def at(size: int, scratch: Path) -> Figures:
    """Return the figures of one size, from a cluster of its own."""
    with roomy(size, WHEN_TOLD if size == COMPARED else AS_INSTALLED) as cluster:
        fleet, pattern, seconds = rendered(cluster, size, scratch)
        print(f"{size} apps are Synced, Healthy and asked after {seconds:.0f} s", flush=True)
        made = {"all_synced_s": seconds, **changes(fleet)}
        if size == COMPARED:
            made |= compared(cluster, fleet, pattern, scratch)
        made["load"] = os.getloadavg()[0]
    return {f"{key}_{size}": value for key, value in made.items()}


def compared(cluster: Cluster, fleet: Fleet, pattern: Pattern, scratch: Path) -> Figures:
    """Return what rendered folders cost beside overlays that Argo CD renders."""
    made: Figures = {}
    for told in (True, False):
        found = caches(cluster, fleet, told)
        made |= {f"cache_{'told' if told else 'untold'}_{key}": one for key, one in found.items()}
    overlays, made["all_synced_s_overlaid"] = overlaid(cluster, pattern, len(fleet.names), scratch)
    for kind in ("overlaid", "annotated"):
        if kind == "annotated":
            overlays.repository.push(overlay_set(overlays.settings, annotated=True), "Annotate")
        found = costs(cluster, {"rendered": fleet, kind: overlays})
        ratio = found[f"cpu_s_{kind}"] / found["cpu_s_rendered"]
        made |= {f"cpu_s_{kind}": found[f"cpu_s_{kind}"], f"cpu_ratio_{kind}": ratio}
        made |= {f"cpu_s_rendered_beside_{kind}": found["cpu_s_rendered"]}
    return made


if __name__ == "__main__":
    main(tuple(int(word) for word in sys.argv[1:]) or SIZES)
