"""The one door to other programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import Unknown

TAIL_LINES = 12


@dataclass(frozen=True)
class Result:
    """What a program left: its exit status, standard output as bytes, standard error as text."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output as text, without the line break at its end."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")


class ProgramMissing(Unknown):
    """The program is not on this machine."""


class ProgramFailed(Unknown):
    """The program ended with an error, or did not end in time."""


def run(
    *command: str | Path,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 900,
    check: bool = True,
) -> Result:
    """Return what a program answered; `env` is added to this process's environment.

    Raises ProgramMissing when there is no such program, and ProgramFailed, quoting the end of its
    standard error, when it takes longer than `timeout_s` or, with `check`, exits non-zero.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            input=stdin if stdin is not None else b"",
            env={**os.environ, **(env or {})},
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as err:
        raise missing(words[0]) from err
    except subprocess.TimeoutExpired as err:
        raise failed(words, f"no answer within {timeout_s:.0f} s") from err
    result = Result(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))
    if check and result.code != 0:
        raise failed(words, f"exit status {result.code}: {tail(result.stderr or result.text)}")
    return result


def tail(text: str) -> str:
    """Return the last lines of a program's output, on one line each."""
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])


def missing(program: str) -> ProgramMissing:
    """Return the error for a program that is not there."""
    return ProgramMissing(
        "program-missing",
        f"{program} is not on this machine.",
        "deliver calls it and never replaces it.",
        "run `make machine tools`, or install it and put it on PATH",
    )


def failed(words: list[str], what: str) -> ProgramFailed:
    """Return the error for a program that failed."""
    return ProgramFailed(
        "program-failed",
        f"`{' '.join(words[:4])}`: {what}",
        "An answer that did not come is never taken for a good one.",
        "read the message above, mend its cause, call again",
    )
