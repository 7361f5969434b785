"""What is measured on a fleet: how soon a release runs, what a commit costs, what is cached."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from cluster import Cluster

from .fleet import REFRESH, Fleet, asked, synced, wait
from .usage import ARGOCD, Lookups, Meter, Seconds, of_argocd

Figures = dict[str, float]
CHANGES = 7
ROUNDS = 3
PAUSE_S = 5.0
"""Between two releases; a team of a thousand apps merges no faster."""
IDLE_S = 20.0
UNRELATED = "docs/unrelated.md"


def changes(fleet: Fleet) -> Figures:
    """Return seconds from push to Synced and Healthy, and until the known question was answered.

    `shown` is when the Application's page tells the new record. Medians over some apps' releases.
    """
    rows = []
    for name in spread(fleet.names, CHANGES):
        time.sleep(PAUSE_S)
        push = fleet.release(name)
        record = f"{fleet.releases[name]:04}"
        rows.append(
            {
                "synced": fleet.seconds_until(push, name, synced),
                "asked": fleet.seconds_until(push, name, asked),
                "shown": fleet.seconds_until(push, name, partial(_shows, record)),
                "told": push.told - push.began,
            }
        )
        print("   ", {key: round(value, 2) for key, value in rows[-1].items()}, flush=True)
    made = {f"{key}_s": statistics.median(row[key] for row in rows) for key in rows[0]}
    return made | {"synced_s_worst": max(row["synced"] for row in rows)}


def costs(cluster: Cluster, fleets: Mapping[str, Fleet], changed: bool) -> dict[str, Seconds]:
    """Return the CPU seconds of each program of Argo CD for a commit that changes one app, or none.

    The fleets take turns; medians. What it uses while nothing happens is taken off.
    """
    meter = Meter.of(cluster)
    idle = _idle(meter)
    rows: dict[str, list[Seconds]] = {kind: [] for kind in fleets}
    for turn in range(ROUNDS):
        for kind, fleet in fleets.items():
            name = spread(fleet.names, ROUNDS)[turn] if changed else None
            rows[kind].append(_cost(meter, fleet, name, idle))
            print(
                "   ", kind, name, {k: round(v, 2) for k, v in rows[kind][-1].items()}, flush=True
            )
    return {kind: _medians(row) for kind, row in rows.items()}


def _medians(rows: list[Seconds]) -> Seconds:
    """Return the median of each program, and of all together as `all`."""
    found = {name: statistics.median(row[name] for row in rows) for name in ARGOCD}
    return {**found, "all": statistics.median(of_argocd(row) for row in rows)}


def caches(cluster: Cluster, fleet: Fleet, told: bool) -> tuple[int, int]:
    """Return how often manifests came from the cache, and how often not, after a commit.

    It changes no app, and every app is looked at once after it, as happens every few minutes.
    Argo CD is told of it by a webhook, or not.
    """
    lookups = Lookups.of(cluster)
    _push_unrelated(fleet, told)
    Meter.of(cluster).until_quiet()
    for name in fleet.names:
        fleet.refresh(name)
    wait(lambda: fleet.count(lambda one: REFRESH not in _annotations(one)) == len(fleet.names), 2)
    return lookups.hits({fleet.application(name) for name in fleet.names})


def spread(names: list[str], count: int) -> list[str]:
    """Return some of many names, the first and the last among them."""
    return [names[number * (len(names) - 1) // (count - 1)] for number in range(count)]


def _cost(meter: Meter, fleet: Fleet, name: str | None, idle: Seconds) -> Seconds:
    meter.until_quiet()
    before, began = meter.seconds(), time.monotonic()
    if name:
        fleet.seconds_until(fleet.release(name), name, asked)
    else:
        _push_unrelated(fleet, told=True)
    meter.until_quiet()
    took = time.monotonic() - began
    after = meter.seconds()
    return {one: after[one] - before[one] - idle[one] * took for one in ARGOCD}


def _push_unrelated(fleet: Fleet, told: bool) -> None:
    content = {UNRELATED: str(time.time()).encode()}
    fleet.repository.push(content, "Change no app", told)


def _idle(meter: Meter) -> Seconds:
    """Return how many CPU seconds each program uses in a second in which nothing happens."""
    meter.until_quiet()
    before = meter.seconds()
    time.sleep(IDLE_S)
    after = meter.seconds()
    return {one: (after[one] - before[one]) / IDLE_S for one in ARGOCD}


def _annotations(application: Any) -> Mapping[str, str]:
    found: Mapping[str, str] = application["metadata"].get("annotations", {})
    return found


def _shows(record: str, application: Any, _: str) -> bool:
    return bool(application["metadata"].get("labels", {}).get("deliver.io/record") == record)
