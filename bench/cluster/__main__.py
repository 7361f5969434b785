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
from .usage import TICK_S

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
    return {key if key.startswith("cache") else f"{key}_{size}": one for key, one in made.items()}


def compared(cluster: Cluster, fleet: Fleet, pattern: Pattern, scratch: Path) -> Figures:
    """Return what rendered folders cost beside overlays that Argo CD renders."""
    made: Figures = {}
    for told in (True, False):
        hits, misses = caches(cluster, fleet, told)
        made[f"cache_hit_ratio{'' if told else '_untold'}"] = hits / (hits + misses)
    overlays, made["all_synced_s_overlaid"] = overlaid(cluster, pattern, len(fleet.names), scratch)
    made |= _beside(cluster, fleet, overlays, "")
    overlays.repository.push(overlay_set(overlays.settings, annotated=True), "Annotate")
    return made | _beside(cluster, fleet, overlays, "_annotated")


def _beside(cluster: Cluster, fleet: Fleet, overlays: Fleet, suffix: str) -> Figures:
    """Return CPU seconds for a commit of either kind, and how many times more overlays take.

    Of all of Argo CD, and of its repo-server alone, which is where manifests come from.
    """
    made: Figures = {}
    for what, changed in (("", True), ("_unrelated", False)):
        found = costs(cluster, {"rendered": fleet, "overlaid": overlays}, changed)
        for part, program in (("", "all"), ("_repo_server", "argocd-repo-server")):
            end = f"{part}{what}{suffix}"
            made |= {f"cpu_s_{kind}{end}": seconds[program] for kind, seconds in found.items()}
            ours, theirs = found["rendered"][program], found["overlaid"][program]
            made[f"cpu_ratio{end}"] = theirs / max(ours, TICK_S)
    return made


if __name__ == "__main__":
    main(tuple(int(word) for word in sys.argv[1:]) or SIZES)
