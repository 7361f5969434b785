"""What a person sees: progress on standard error, results on standard output."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from .errors import DeliveryError


class Say(Protocol):
    """Takes a short sentence about what is being done now."""

    def __call__(self, text: str) -> None:
        """Show the sentence."""


@contextmanager
def progress() -> Iterator[Say]:
    """Yield a `Say`: a spinner with the last sentence on a terminal, a line each elsewhere."""
    if not sys.stderr.isatty():
        yield lambda text: print(f"· {text}", file=sys.stderr, flush=True)
        return
    from rich.console import Console  # 0.07 s of start-up that only a terminal pays

    console = Console(stderr=True, highlight=False)
    with console.status("starting") as status:

        def say(text: str) -> None:
            console.print(f"· {text}", markup=False)
            status.update(text)

        yield say


def ask(question: str, hidden: bool) -> str:
    """Return what a person types; the question goes to standard error, a hidden answer nowhere."""
    if hidden:
        return getpass.getpass(question, stream=sys.stderr)
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def show(text: str) -> None:
    """Print a result for people."""
    print(text, flush=True)


def show_json(value: Any) -> None:
    """Print a result for machines: one JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False), flush=True)


def show_error(error: DeliveryError, as_json: bool = False) -> None:
    """Print a refusal: two lines for people on standard error, or JSON on standard output."""
    if as_json:
        show_json({"error": error.as_json()})
        return
    for line in error.lines():
        print(line, file=sys.stderr, flush=True)


def table(rows: list[list[str]]) -> str:
    """Return rows as aligned columns, the first row as their heads."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines)
