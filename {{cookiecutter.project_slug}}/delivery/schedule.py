"""When a sync window opens, as Argo CD will read it: cron's five fields in a time zone.

Argo CD lets a project with a broken schedule sync nothing, and takes an unknown zone for UTC; only
its logs say so. So both are looked at before they come into a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

# name, least, most, words for the numbers from the least on.
# See: bounds in spec.go of github.com/robfig/cron, by which Argo CD reads schedules.
FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of month", 1, 31, []),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 6, DAYS),
)
PART = re.compile(r"(\*|(\w+)(-(\w+))?)(/([1-9]\d*))?", re.ASCII)


@dataclass(frozen=True)
class Schedule:
    """What a schedule's five fields name. Days of the week are counted from Sunday, as 0."""

    minutes: tuple[int, ...]
    """Of a day, in order."""
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    """Whether days or weekdays are `*`: then both have to fit a day, else one of them has to."""

    def has_day(self, day: datetime) -> bool:
        """Return whether the schedule names a time of a day."""
        fits = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (all(fits) if self.any_day else any(fits))


def parse_schedule(value: str) -> Schedule:
    """Return what a schedule names; it is one that `known_schedule` lets pass."""
    texts = value.split()
    minutes, hours, days, months, weekdays = (
        frozenset(_named(text, field)) for text, field in zip(texts, FIELDS, strict=True)
    )
    stars = {part for text in (texts[2], texts[4]) for part in text.split(",")} & {"*", "*/1"}
    of_day = sorted(60 * hour + minute for hour in hours for minute in minutes)
    return Schedule(tuple(of_day), days, months, weekdays, bool(stars))


def known_schedule(value: str) -> str:
    """Return a schedule such as `0 8 * * mon-fri`; raises ValueError for one that is none."""
    parts = value.split()
    if len(parts) != len(FIELDS):
        names = ", ".join(name for name, *_ in FIELDS)
        raise ValueError(f"a schedule has five fields: {names}, such as `0 8 * * mon-fri`")
    for text, (name, least, most, words) in zip(parts, FIELDS, strict=True):
        if not all(_fits(part, least, most, words) for part in text.split(",")):
            raise ValueError(f"`{text}` is no {name}: it is from {least} to {most}")
    return value


def known_timezone(value: str) -> str:
    """Return a time zone such as `Europe/Berlin`; raises ValueError for an unknown one."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = "one is Europe/Berlin, another is UTC"
        raise ValueError(f"there is no time zone `{value}`; {known}") from None
    return value


def _named(text: str, field: tuple[str, int, int, list[str]]) -> Iterator[int]:
    """Yield the numbers of a field: `8-18/2` is every second, `8/2` goes on to the field's end."""
    _, least, most, words = field
    for part in text.split(","):
        found = PART.fullmatch(part)
        assert found is not None  # it was let pass
        first = _number(found[2], least, words) if found[2] else least
        last = _number(found[4], least, words) if found[4] else None
        whole = found[2] is None or (found[5] and not found[4])
        start = least if first is None else first
        yield from range(start, (most if whole else last or start) + 1, int(found[6] or 1))


def _fits(part: str, least: int, most: int, words: list[str]) -> bool:
    found = PART.fullmatch(part)
    if found is None:
        return False
    numbers = [_number(text, least, words) for text in (found[2], found[4]) if text]
    in_range = all(number is not None and least <= number <= most for number in numbers)
    return in_range and numbers == sorted(numbers, key=lambda number: number or 0)


def _number(text: str, least: int, words: list[str]) -> int | None:
    if text.lower() in words:
        return least + words.index(text.lower())
    return int(text) if text.isdecimal() else None
