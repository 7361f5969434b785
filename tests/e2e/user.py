"""A person at the command line: calls `deliver` as a process, and looks at what is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

DEADLINE_S = 60
CALL = ["-P", "-c", "from delivery.cli import main; main()"]
OURS = ("MLFLOW_", "DELIVER_", "CONTAINERS_", "GIT_", "PYTHON")


@dataclass(frozen=True)
class Answer:
    """What a call left: exit status, standard output and standard error."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines on standard error that are no progress."""
        return [line for line in self.err.splitlines() if not line.startswith("· ")]

    def refuses(self, code: str, status: int) -> None:
        """Fail unless this is a named refusal in two lines, the last with a next step."""
        assert "Traceback" not in self.err, self.err
        first, last = self.said if len(self.said) == 2 else ("", self.err)
        assert first.startswith(f"{code}: "), self
        assert last.partition(" Next: ")[2], self
        assert self.status == status, self


@dataclass(frozen=True)
class User:
    """A user in a folder, with the `deliver` of a package and a temporary folder of their own."""

    root: Path
    package: Path
    tmp: Path
    python: str = sys.executable
    by: tuple[str, ...] = ()
    """What the call is given to, such as a program that runs it as another user."""

    def environment(self, more: Mapping[str, str | None]) -> dict[str, str]:
        """Return this process's environment without what tests or machines set for deliver."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        self.tmp.mkdir(exist_ok=True)
        own = {
            "PYTHONPATH": str(self.package),
            "PYTHONPYCACHEPREFIX": str(self.package.parent / "bytecode"),
            "TMPDIR": str(self.tmp),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        changes: dict[str, str | None] = {**kept, **own, **more}
        return {key: value for key, value in changes.items() if value is not None}

    def start(self, *words: str, **more: str | None) -> subprocess.Popen[str]:
        """Start a verb in a process group of its own."""
        return subprocess.Popen(
            [*self.by, self.python, *CALL, *words],
            cwd=self.root,
            env=self.environment(more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def deliver(self, *words: str, **more: str | None) -> Answer:
        """Return how a verb ended; `more` sets or, with None, takes out variables."""
        return finish(self.start(*words, **more))

    def state(self) -> tuple[str, ...]:
        """Return all that a refused verb has to leave as it was."""
        asked = (
            ("rev-parse", "--verify", "--quiet", "HEAD"),
            ("for-each-ref",),
            ("status", "--porcelain", "--untracked-files=all"),
            ("diff", "HEAD"),
            ("worktree", "list"),
        )
        words = ["git", "-c", f"safe.directory={self.root}"]
        left = sorted(str(path) for path in self.tmp.rglob("*")) if self.tmp.exists() else []
        found = [
            subprocess.run(
                [*words, *one], cwd=self.root, check=False, capture_output=True, text=True
            ).stdout
            for one in asked
        ]
        return (*found, *left)


def finish(process: subprocess.Popen[str]) -> Answer:
    """Return how a started verb ended."""
    out, err = process.communicate(timeout=DEADLINE_S)
    return Answer(process.returncode, out, err)


def interrupt(process: subprocess.Popen[str], when: Callable[[], bool]) -> Answer:
    """Return how a verb ended after Ctrl-C, which the terminal sends to the whole group."""
    deadline = time.monotonic() + DEADLINE_S
    while not when():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        os.sched_yield()
    os.killpg(process.pid, signal.SIGINT)
    return finish(process)
