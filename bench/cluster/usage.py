"""What programs used: CPU seconds, and what the repo-server found in its cache."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from cluster import Cluster

ARGOCD = (
    "argocd-application-controller",
    "argocd-applicationset-controller",
    "argocd-repo-server",
    "argocd-server",
)
AROUND = ("redis", "kube-apiserver", "etcd", "git")
Seconds = dict[str, float]
"""By program."""
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
QUIET_S = 4.0
QUIET = 0.02
"""Of one core: below it, a program does no more than look at its watch."""
LOOKED_UP = ("manifest cache hit", "manifest cache miss")


@dataclass(frozen=True)
class Meter:
    """The processes of some programs of a cluster; none may end while it is read."""

    processes: dict[str, int]

    @classmethod
    def of(cls, cluster: Cluster) -> Meter:
        """Return the meter of Argo CD and of what it uses."""
        return cls({name: cluster.pid(name) for name in (*ARGOCD, *AROUND)})

    def seconds(self) -> Seconds:
        """Return the CPU seconds of each so far, those of its ended children included."""
        return {name: _seconds(number) for name, number in self.processes.items()}

    def until_quiet(self) -> None:
        """Wait until all of Argo CD has nothing to do any more."""
        while True:
            before = of_argocd(self.seconds())
            time.sleep(QUIET_S)
            if of_argocd(self.seconds()) - before < QUIET * QUIET_S * len(ARGOCD):
                return


def of_argocd(seconds: Seconds) -> float:
    """Return the sum over the programs of Argo CD."""
    return sum(seconds[name] for name in ARGOCD)


@dataclass(frozen=True)
class Lookups:
    """The log of a repo-server, read from some place on."""

    log: Path
    begin: int

    @classmethod
    def of(cls, cluster: Cluster) -> Lookups:
        """Return the log from now on."""
        log = cluster.log("argocd-repo-server")
        return cls(log, log.stat().st_size)

    def hits(self, applications: Container[str]) -> tuple[int, int]:
        """Return how often manifests were found in the cache, and how often they were not."""
        with self.log.open("rb") as file:
            file.seek(self.begin)
            lines = (json.loads(line) for line in file if line.startswith(b"{"))
            said = Counter(line["msg"] for line in lines if line.get("application") in applications)
        found, missed = (said[words] for words in LOOKED_UP)
        return found, missed


def _seconds(process: int) -> float:
    """User and system time, of the process and of the children that it has waited for."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) * TICK_S
