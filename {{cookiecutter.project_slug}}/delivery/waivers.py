"""`apps/<app>/waivers/<name>.yaml`: checks that a second person let through, once and for a while.

A waiver is the judge's: it is read at the merge base, so a pull request of its own brings it. It
holds for one model, hold-out and environment. What time it is is passed in; evidence knows none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from .app import App, Sha256
from .canonical import sha256, short
from .errors import Refused
from .evidence import Waiver
from .files import broken, parse_model
from .git import LINK_MODES, Snapshot
from .settings import EnvironmentName, Strict

DAYS = 14
"""How long a waiver can be used, before and on the day that it expires."""
PATH = re.compile(r"apps/([^/]+)/waivers/[a-z0-9][-a-z0-9]{0,62}\.yaml")
FOLDER = re.compile(r"apps/([^/]+)/waivers(/|$)")

# No control characters: they could paint over what a terminal shows.
LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"
Words = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=LINE)]
Why = Annotated[
    str, StringConstraints(min_length=20, max_length=500, pattern=LINE, strip_whitespace=True)
]


class WaiverFile(Strict):
    """The whole of a waiver's file."""

    schema_: Literal[1] = Field(alias="schema")
    environment: EnvironmentName
    checks: Annotated[tuple[Words, ...], Field(min_length=1)]
    """Names as the report has them."""
    model: Sha256
    holdout: Sha256
    """The digest of its labels."""
    reason: Why
    risk: Words
    """Its id in the register of risks."""
    asked_by: Words
    expires: Annotated[date, Field(strict=True)]
    """The last day on which it is taken, in UTC."""

    @field_validator("checks")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a check stands there twice")
        return value


def waiver_path(app: str, environment: str, model: str) -> str:
    """Return where a waiver for a model is looked for; any other name in that folder will do."""
    return f"apps/{app}/waivers/{environment}-{short(model)}.yaml"


def read_waiver(snapshot: Snapshot, path: str) -> WaiverFile:
    """Return a waiver; raises UsageError (`broken-file`) for a file that is none."""
    if not PATH.fullmatch(path) or snapshot.entries[path].mode in LINK_MODES:
        rule = "a waiver is a plain file, named in lower case letters, digits and hyphens, .yaml"
        raise broken(path, rule)
    return parse_model(WaiverFile, snapshot.load([path])[path], path)


def waiver_paths(snapshot: Snapshot, app: str) -> list[str]:
    """Return every path in an app's folder of waivers, whatever it is."""
    return sorted(path for path in snapshot.paths(f"apps/{app}") if FOLDER.match(path))


def waivers_for(app: App, environment: str, model: str, labels: str) -> tuple[Waiver, ...]:
    """Return the waivers for exactly this environment, model and hold-out, by path.

    All of the app's are read: one that is broken could be meant for this one.
    """
    found = []
    for path in waiver_paths(app.snapshot, app.name):
        file = read_waiver(app.snapshot, path)
        if (file.environment, file.model, file.holdout) == (environment, model, labels):
            found.append(
                Waiver(
                    path=path,
                    sha256=sha256(app.snapshot.load([path])[path]),
                    checks=file.checks,
                    reason=file.reason,
                    risk=file.risk,
                    asked_by=file.asked_by,
                    expires=file.expires.isoformat(),
                )
            )
    return tuple(found)


def require_in_force(waivers: Iterable[Waiver], today: date) -> None:
    """Raise Refused (`waiver-expired`, `waiver-too-long`) unless each can be used today, in UTC."""
    for one in waivers:
        require_days(one.path, date.fromisoformat(one.expires), today)


def require_days(path: str, expires: date, today: date) -> None:
    """Raise Refused unless a day lies from today to 14 days ahead.

    By the judge's own clock: dates in Git are set by who commits. So none is used for longer,
    whenever it was merged.
    """
    rule = f"A waiver is used on the day that it expires and the {DAYS} days before, no longer."
    if expires < today:
        next_step = f"remove {path}, or have a new one approved, by a pull request of its own"
        raise Refused("waiver-expired", f"{path} expired on {expires}.", rule, next_step)
    if expires > today + timedelta(days=DAYS):
        next_step = f"name {today + timedelta(days=DAYS)} or an earlier day"
        raise Refused("waiver-too-long", f"{path} expires on {expires} only.", rule, next_step)
