"""Processes of one core: where they run, what they used, how they end."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

SERVER_CORE, CLIENT_CORE = 0, min(1, (os.cpu_count() or 1) - 1)
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in LIBRARIES}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
END_S = 60.0


class BenchError(RuntimeError):
    """A figure that could not be had, and why."""


def alone() -> None:
    """Give this process the client's core, and sockets as a container has them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {CLIENT_CORE})


class Process:
    """A program on the server's core, with all that it starts."""

    def __init__(
        self, words: Sequence[str | Path], env: Mapping[str, str], folder: Path | None = None
    ) -> None:
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by `stop`
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), *words],
            env={**os.environ, **ONE_THREAD, **env},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def cpu_s(self) -> float:
        """Return the CPU seconds of the whole tree so far, those of ended children included."""
        return sum(_stat(number)[1] for number in self._tree())

    def rss_mb(self) -> float:
        """Return the resident memory of the whole tree, in MB of 2^20 bytes."""
        return sum(_rss_kib(number) for number in self._tree()) / 1024

    def require_alive(self) -> None:
        """Raise BenchError, quoting the log's end, where it has ended by itself."""
        if self.process.poll() is not None:
            raise BenchError(f"exit {self.process.returncode}: {self.said()}")

    def said(self) -> str:
        """Return the end of what it wrote."""
        self.log.seek(max(0, self.log.seek(0, os.SEEK_END) - 2000))
        return self.log.read().decode("utf-8", "replace")

    def terminate(self) -> None:
        """Send SIGTERM to the program itself, as a kubelet does."""
        self.process.terminate()

    def wait(self) -> int:
        """Return the exit status."""
        return self.process.wait(END_S)

    def stop(self) -> None:
        """End it and all that it started."""
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(END_S)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        finally:
            self.log.close()

    def _tree(self) -> list[int]:
        parents = {number: _stat(number)[0] for number in _processes()}
        found = [self.process.pid]
        for number in found:
            found += [child for child, parent in parents.items() if parent == number]
        return found


def until(happens: Callable[[], bool], limit_s: float, every_s: float = 0.02) -> None:
    """Return once it happens; raises BenchError after the limit."""
    end = time.monotonic() + limit_s
    while not happens():
        if time.monotonic() > end:
            raise BenchError(f"did not happen within {limit_s:.0f} s")
        time.sleep(every_s)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _stat(number: int) -> tuple[int, float]:
    """Return a process's parent and its CPU seconds; of one that is gone, -1 and none."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return -1, 0.0
    return int(fields[1]), sum(int(ticks) for ticks in fields[11:15]) * TICK_S


def _rss_kib(number: int) -> int:
    try:
        lines = Path(f"/proc/{number}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
