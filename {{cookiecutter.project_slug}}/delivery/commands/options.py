"""The arguments and options that several verbs share."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from ..errors import UsageError
from ..records import Sentence
from ..workplace import Workplace


def _sentence(value: str | None) -> str | None:
    """Return a text that fits into a record; raises UsageError (`bad-text`)."""
    try:
        return None if value is None else TypeAdapter(Sentence).validate_python(value)
    except ValidationError:
        raise UsageError(
            "bad-text",
            f"{value[:40] if value else ''!r} cannot stand in a record.",
            "A reason or a change's id is one line of 1 to 500 characters.",
            'write why in a sentence, such as --reason "fewer false alarms"',
        ) from None


def _seconds(value: object) -> float:
    """Return how long a time such as `90s`, `2m` or `1h` is."""
    found = re.fullmatch(r"(\d+)([smh]?)", str(value))
    if found is None:
        raise typer.BadParameter(f"{value!r} is no time such as 90s, 2m or 1h.")
    return float(found[1]) * {"h": 3600, "m": 60}.get(found[2], 1)


def _moment(value: object) -> datetime:
    """Return a time such as `2026-11-26T08:00Z`, which names its zone."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter(f"{value!r} is no time such as 2026-11-26T08:00Z.")
    return found


AppName = Annotated[str, typer.Argument(metavar="APP", help="The app: a folder in apps/.")]
AppNames = Annotated[list[str], typer.Argument(metavar="APP...", help="One app or several.")]
MaybeAppNames = Annotated[
    list[str] | None, typer.Argument(metavar="[APP]...", help="Apps; all where none is named.")
]
ToEnvironment = Annotated[
    str, typer.Option("--to", "--env", metavar="ENV", help="The environment.")
]
InEnvironment = Annotated[str, typer.Option("--env", metavar="ENV", help="The environment.")]
MaybeEnvironment = Annotated[
    str | None, typer.Option("--env", metavar="ENV", help="Only this one.")
]
Reason = Annotated[
    str,
    typer.Option(
        metavar="TEXT", help="Why, for those who read the record later.", callback=_sentence
    ),
]
Change = Annotated[
    str | None,
    typer.Option(
        metavar="ID", help="The change's id elsewhere, such as CHG-123.", callback=_sentence
    ),
]
ModelVersion = Annotated[
    str | None, typer.Option("--model", metavar="VERSION", help="A version in MLflow; else newest.")
]
Head = Annotated[str, typer.Option(metavar="REF", help="The change itself.")]
Timeout = Annotated[
    float, typer.Option(metavar="TIME", help="How long to wait, such as 2m.", parser=_seconds)
]
Now = Annotated[
    datetime | None,
    typer.Option(metavar="TIME", help="Judge as at this time; else now.", parser=_moment),
]
ReckonedAt = Annotated[
    datetime | None,
    typer.Option(
        "--now",
        metavar="TIME",
        help="Reckon at this time; else at that of main's newest commit.",
        parser=_moment,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def utc(now: datetime | None = None) -> datetime:
    """Return a time in UTC, that of the clock where none is given."""
    return datetime.now(UTC) if now is None else now.astimezone(UTC)


def today() -> date:
    """Return the day that it is in UTC: what waivers are judged by."""
    return utc().date()


def here() -> Workplace:
    """Return the workplace around the current folder."""
    return Workplace.open(Path.cwd())


def writing() -> Workplace:
    """Return the workplace of a verb that commits; raises UsageError (`no-identity`)."""
    place = here()
    place.repository.require_identity()
    return place
