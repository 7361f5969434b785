"""How the demo speaks and calls programs."""

from __future__ import annotations

import os
import shlex
import subprocess
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class StepError(Exception):
    """A step of the story did not end as told."""


@dataclass(frozen=True)
class Shell:
    """Calls programs in one folder, showing each call and what it printed."""

    folder: Path

    def __call__(self, *words: str | Path, expect: int = 0, show: bool = True) -> str:
        """Return what a program printed; raises StepError for an unexpected exit status."""
        command = [str(word) for word in words]
        if show:
            print(f"    $ {shlex.join(command)}", flush=True)
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if show or done.returncode != expect:
            lines = [*done.stdout.rstrip().splitlines(), f"({time.monotonic() - began:.1f} s)"]
            print("\n".join(f"    | {line}" for line in lines), flush=True)
        if done.returncode != expect:
            raise StepError(
                f"`{shlex.join(command)}` ended with {done.returncode}, not {expect} (see above)"
            )
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the environment of a user who works in the folder, with its own `deliver`."""
        own = {"PATH": f"{self.folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"}
        kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "MAKEFLAGS")}
        return kept | own


def chapter(title: str, *sentences: str) -> None:
    """Print a heading, and what happens in it, in words that a student understands."""
    print(f"\n━━ {title}", flush=True)
    for line in textwrap.wrap(" ".join(sentences), 96):
        print(f"  {line}", flush=True)


def tell_next(lines: Sequence[str]) -> None:
    """Print where to look now."""
    for line in lines:
        print(f"  {line}", flush=True)
