"""Where one cluster is: its folder, its network, its cgroup."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from .programs import CACHE

CLUSTERS = CACHE / "clusters"
NUMBERS = range(1, 250)


@dataclass(frozen=True)
class Place:
    """What tells one cluster from another; `keeper` and `init` are processes of this machine."""

    name: str
    number: int
    keeper: int
    init: int

    @property
    def folder(self) -> Path:
        """Every file of the cluster."""
        return CLUSTERS / self.name

    @property
    def gateway(self) -> str:
        """The host, as the cluster sees it."""
        return f"10.213.{self.number}.1"

    @property
    def address(self) -> str:
        """The cluster, as the host and the cluster itself see it."""
        return f"10.213.{self.number}.2"

    @property
    def device(self) -> str:
        """The host's end of the cable between host and cluster."""
        return device(self.number)

    @property
    def cgroup(self) -> str:
        """The cgroup that holds those of all containers."""
        return f"ml-gitops-{self.number}"

    def write(self) -> None:
        """Note it in the cluster's folder, at once."""
        write(self.folder / "place.json", json.dumps(asdict(self)))


def read(name: str) -> Place | None:
    """Return the place of a cluster, once it has one."""
    try:
        return Place(**json.loads((CLUSTERS / name / "place.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def names() -> list[str]:
    """Return every cluster that has a folder, whether it lives or was killed."""
    return sorted(path.name for path in CLUSTERS.glob("*") if path.is_dir())


def device(number: int) -> str:
    """Return the name of a cluster's network device on the host."""
    return f"mlg-{number}"


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file that is never seen half written, its folder with it; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.chmod(mode)
    return part.replace(path)


@contextmanager
def turn() -> Iterator[None]:
    """Hold what only one process at a time may do: to claim a name, and to sweep."""
    CLUSTERS.mkdir(parents=True, exist_ok=True)
    with (CLUSTERS / "turn").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def claim(name: str) -> IO[str] | None:
    """Return a hold on the name, which ends with the process; None while another one has it."""
    folder = CLUSTERS / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    hold = (folder / "hold").open("w")
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        hold.close()
        return None
    return hold


def lives(name: str) -> bool:
    """Return whether a process holds the name."""
    with turn():
        if not (CLUSTERS / name / "hold").exists():
            return False
        hold = claim(name)
        if hold:
            hold.close()
        return hold is None
