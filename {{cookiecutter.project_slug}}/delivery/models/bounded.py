"""Running a program that is not trusted: with limits on its time and on what it writes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from ..process import missing

CHUNK = 65536
STDERR_BYTES = 16384
Ending = Literal["exit", "timeout", "too-long", "interrupt"]


@dataclass(frozen=True)
class Bounded:
    """How a program ended, what it wrote until then, and the end of its standard error."""

    ending: Ending
    code: int
    stdout: bytes
    stderr: str


def run_bounded(
    words: Sequence[str | Path],
    stdin: bytes,
    *,
    timeout_s: float,
    output_bytes: int,
    stop: Callable[[], None] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Bounded:
    """Return what a program wrote to standard output, at most `output_bytes` of it.

    On overrun it is ended with all its children; then `stop` ends what is not its child, such as
    a container. `env` is added to this process's environment. Raises ProgramMissing.
    """
    command = [str(word) for word in words]
    try:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as err:
        raise missing(command[0]) from err
    watch = _Watch(child, stop)
    _running.add(watch)
    try:
        with child:
            return watch.until_end(stdin, timeout_s, output_bytes)
    except BaseException:  # Ctrl-C reaches this process alone
        watch.end("interrupt")
        raise
    finally:
        _running.discard(watch)


def end_running() -> None:
    """End every program that runs now: Ctrl-C reaches no thread but the main one."""
    for watch in list(_running):
        watch.end("interrupt")


class _Watch:
    """A running program, its pipes served by a thread each so that none of them fills up."""

    def __init__(self, child: subprocess.Popen[bytes], stop: Callable[[], None] | None) -> None:
        self.child = child
        self.stop = stop
        self.lock = threading.Lock()
        self.ending: Ending = "exit"
        self.errors = b""

    def until_end(self, stdin: bytes, timeout_s: float, output_bytes: int) -> Bounded:
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        assert self.child.stderr is not None
        timer = threading.Timer(timeout_s, self.end, ["timeout"])
        feeder = threading.Thread(target=self._feed, args=(self.child.stdin, stdin))
        drain = threading.Thread(target=self._drain, args=(self.child.stderr,))
        for thread in (timer, feeder, drain):
            thread.daemon = True
            thread.start()
        out = self._collect(self.child.stdout, output_bytes)
        code = self.child.wait()
        timer.cancel()
        timer.join()  # it may be ending the program right now
        feeder.join()
        drain.join()
        return Bounded(self.ending, code, out, self.errors.decode("utf-8", "replace"))

    def _collect(self, pipe: IO[bytes], limit: int) -> bytes:
        out = bytearray()
        while chunk := os.read(pipe.fileno(), CHUNK):
            out += chunk
            if len(out) > limit:
                self.end("too-long")
                break
        return bytes(out[:limit])

    def end(self, ending: Ending) -> None:
        """End the program with all its children, unless it has ended."""
        with self.lock:
            if self.ending != "exit" or self.child.poll() is not None:
                return
            self.ending = ending
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        if self.stop is not None:
            self.stop()

    def _feed(self, pipe: IO[bytes], data: bytes) -> None:
        # A program may end before it has read everything.
        with contextlib.suppress(BrokenPipeError, ValueError):
            pipe.write(data)
        with contextlib.suppress(BrokenPipeError, ValueError):
            pipe.close()

    def _drain(self, pipe: IO[bytes]) -> None:
        while chunk := os.read(pipe.fileno(), CHUNK):
            self.errors = (self.errors + chunk)[-STDERR_BYTES:]


_running: set[_Watch] = set()
