"""The real command line, asked to parse without doing anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from delivery.cli import app

ROOT_COMMAND: Any = typer.main.get_command(app)


def parse(words: list[str]) -> None:
    """Return if `deliver` takes these words; raises click's usage error otherwise."""
    command, rest = ROOT_COMMAND, list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"there is no `{name}` in {words}"
        command = command.commands[name]
    if rest and rest[-1] in ("-h", "--help"):
        return
    command.make_context(" ".join(words), rest)


def verbs() -> set[str]:
    """Return the names of all verbs and groups."""
    return set(ROOT_COMMAND.commands)


def calls(group: Any = ROOT_COMMAND, words: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield the words of each verb, groups left out, with the options that it takes."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from calls(command, f"{words}{name} ")
        else:
            yield f"{words}{name}", {one for option in command.params for one in option.opts}
