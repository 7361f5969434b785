"""When a sync window opens, as Argo CD will read it: cron's five fields in a time zone.

Argo CD lets a project with a broken schedule sync nothing, and takes an unknown zone for UTC; only
its logs say so. So both are looked at before they come into a file.
"""

from __future__ import annotations

import re
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
