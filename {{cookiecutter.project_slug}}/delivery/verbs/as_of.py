"""`deliver as-of DATE`: what each environment was to run at a time, and what it was seen to run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time

from ..argocd.notes import Confirmation, read_notes
from ..canonical import short
from ..errors import UsageError
from ..ledger import Entry, Line
from ..workplace import Workplace
from .history import Merge, merges

UNKNOWN = "unknown: git fetch origin, and fetch its notes (make setup)"


def parse_moment(text: str) -> datetime:
    """Return a moment in UTC: the end of a day such as 2026-11-22, or a time in ISO 8601.

    A time without an offset is one in UTC. Raises UsageError (`bad-date`).
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as err:
        raise UsageError(
            "bad-date",
            f"{text!r} is no date.",
            "A moment is a day, which means its end in UTC, or a time in ISO 8601.",
            "write 2026-11-22, or 2026-11-22T14:30:00+01:00",
        ) from err
    if len(text) <= len("2026-11-22"):
        found = datetime.combine(found.date(), time.max)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def as_of(workplace: Workplace, moment: datetime, environment: str | None) -> list[dict[str, str]]:
    """Return a row for each app of each environment that had a record by then.

    `approved` rests on Git, `ran` on the notes that `confirm` leaves. Raises Unknown
    (`history-missing`) in a shallow clone.
    """
    workplace.repository.require_whole()
    if environment:
        workplace.settings.environment(environment)
    when = merges(workplace.repository, workplace.main.commit)
    notes = read_notes(workplace.repository)
    rows = [
        _row(line, moment, when, notes)
        for line in workplace.ledger
        if environment in (None, line.environment)
    ]
    order = workplace.settings.names
    found = [row for row in rows if row]
    return sorted(found, key=lambda row: (order.index(row["environment"]), row["app"]))


def _row(
    line: Line,
    moment: datetime,
    when: Mapping[str, Merge],
    notes: Mapping[str, Confirmation] | None,
) -> dict[str, str]:
    merged = [e for e in line.entries if e.path in when and _utc(when[e.path].time) <= moment]
    if not merged or merged[-1].record.kind == "retire":
        return {}
    entry = merged[-1]
    merge, release = when[entry.path], entry.record.release
    return {
        "environment": line.environment,
        "app": line.app,
        "record": entry.name,
        "model": release.model.version,
        "release": short(release.id),
        "approved": merge.time,
        "by": merge.by,
        "ran": UNKNOWN if notes is None else _ran(merged, notes, moment),
    }


def _ran(merged: list[Entry], notes: Mapping[str, Confirmation], moment: datetime) -> str:
    """Return the newest record that was seen to run by a moment, and since when."""
    for entry in reversed(merged):
        note = notes.get(entry.sha256)
        if note is not None and _utc(note.time) <= moment:
            return f"{entry.name} since {note.time}"
    return "nothing was confirmed by then"


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
