"""An image that is asked line by line, with the judge's watch on it and its memory in view."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from ..errors import Unknown
from ..gate.scoring import ScoringError
from ..process import missing

PROC = Path("/proc")
KIB = 1024
END_S = 10


class Session:
    """A container that answers one line at a time and stays for the next.

    `answer_bytes` gives the longest answer to a line; `pid` the first process as this machine
    numbers it, 0 where there is none; `stop` ends what is no child of this process.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        timeout_s: float,
        answer_bytes: Callable[[bytes], int],
        pid: Callable[[], int],
        stop: Callable[[], None],
    ) -> None:
        self._timeout_s, self._answer_bytes = timeout_s, answer_bytes
        self._pid, self._stop = pid, stop
        pipe = subprocess.PIPE
        try:
            self._child = subprocess.Popen(
                words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except FileNotFoundError as err:
            raise missing(words[0]) from err

    def ask(self, line: bytes) -> tuple[float, bytes]:
        """Return the seconds until the whole answer was here, and the answer.

        Raises ScoringError (`scoring-failed`) where no line of an answer's length came in time.
        """
        watch = threading.Timer(self._timeout_s, self._kill)
        watch.daemon = True
        watch.start()
        begun, answer = time.perf_counter(), b""
        try:
            with contextlib.suppress(BrokenPipeError):
                self._stdin.write(line)
                self._stdin.flush()
                answer = self._stdout.readline(self._answer_bytes(line))
            seconds = time.perf_counter() - begun
        finally:
            watch.cancel()
        if not answer.endswith(b"\n"):
            raise ScoringError("scoring-failed", "while it was measured, no answer came.")
        return seconds, answer

    def peak_bytes(self) -> int:
        """Return the most memory that the container's processes held until now.

        The sum of each one's peak resident set, its libraries included: what a pod with this model
        needs. The control group's own peak is not taken, as it also counts files that the kernel
        read ahead and gives back, by who on this machine read them first. Raises Unknown
        (`memory-unreadable`).
        """
        first = self._pid()
        if not _is_container(first):
            raise _unreadable("the container's processes are not among this machine's")
        peak = sum(map(_peak, _family(first)))
        if not peak:
            raise _unreadable("the container has ended")
        return peak

    def close(self) -> None:
        """End the container."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        try:
            self._child.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            self._kill()
            self._child.wait()
        finally:
            self._stdout.close()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._stop()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._child.stdin is not None
        return self._child.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._child.stdout is not None
        return self._child.stdout


def _is_container(pid: int) -> bool:
    """Whether a process of this machine is the first one of a container (proc(5), NSpid).

    Where the engine is on another machine, its numbers mean other processes here, or none.
    """
    inside = _status(pid).get("NSpid", "").split() if pid else []
    return len(inside) > 1 and inside[-1] == "1"


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all that descend from it."""
    yield pid
    for task in (PROC / str(pid) / "task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text(encoding="ascii").split():
                yield from _family(int(child))


def _peak(pid: int) -> int:
    """Return a process's peak resident set in bytes; 0 once it has ended."""
    found = _status(pid).get("VmHWM")
    return int(found.split()[0]) * KIB if found else 0


def _status(pid: int) -> dict[str, str]:
    try:
        text = (PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _unreadable(what: str) -> Unknown:
    return Unknown(
        "memory-unreadable",
        f"{what}.",
        "Memory is read from the processes of the container, on the machine that runs it.",
        "judge where the container program runs, on Linux",
    )
