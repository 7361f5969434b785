"""Whether sync windows let an environment change at a time, as Argo CD reckons them.

See: `active` and `CanSync` in pkg/apis/application/v1alpha1/types.go of Argo CD 3.5, and `Next` and
`dayMatches` in github.com/robfig/cron/v3. Argo CD reckons in the wall-clock time of the window's
zone, so a window is an hour off on the night that clocks change; so it is here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .schedule import Schedule, parse_schedule
from .settings import Window

DAYS = 5 * 366
"""How far ahead a start is looked for: a schedule for 30 February never comes."""
CHANGES = 1000
"""How many openings and closings are followed to find out when something may change again."""
MOMENT = timedelta(seconds=1)


def closed_by(windows: Sequence[Window], now: datetime) -> Window | None:
    """Return a window that keeps an environment as it is; None where it may change.

    An open `deny` window does; and where there are `allow` windows, that none of them is open.
    """
    is_open = [one for one in windows if opened(one, now) is not None]
    allowing = [one for one in windows if one.kind == "allow"]
    for one in is_open:
        if one.kind == "deny":
            return one
    return allowing[0] if allowing and not any(one in is_open for one in allowing) else None


def opens_at(windows: Sequence[Window], now: datetime) -> datetime | None:
    """Return when, after `now`, no window keeps an environment as it is; None if never."""
    moment = now
    for _ in range(CHANGES):
        found = [at for one in windows if (at := _next_change(one, moment)) is not None]
        if not found:
            return None
        moment = min(found) + MOMENT
        if closed_by(windows, moment) is None:
            return moment - MOMENT
    return None


def opened(window: Window, now: datetime) -> datetime | None:
    """Return when an open window was opened last, in its own time; None for a closed one."""
    local, schedule = _local(window, now), parse_schedule(window.schedule)
    last, start = None, next_start(schedule, local - _length(window))
    while start is not None and start < local:
        last, start = start, next_start(schedule, start)
    return last


def next_start(schedule: Schedule, after: datetime) -> datetime | None:
    """Return the first minute after a local time that a schedule names; None within five years."""
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(DAYS):
        day = midnight + timedelta(days=days)
        if not schedule.has_day(day):
            continue
        for minutes in schedule.minutes:
            start = day + timedelta(minutes=minutes)
            if start > after:
                return start
    return None


def _next_change(window: Window, now: datetime) -> datetime | None:
    last = opened(window, now)
    if last is not None:
        return _utc(window, last + _length(window), now)
    start = next_start(parse_schedule(window.schedule), _local(window, now))
    return None if start is None else _utc(window, start, now)


def _length(window: Window) -> timedelta:
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?", window.duration)
    assert found is not None  # its type says so
    return timedelta(hours=int(found[1] or 0), minutes=int(found[2] or 0))


def _local(window: Window, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(window.timezone)).replace(tzinfo=None)


def _utc(window: Window, local: datetime, after: datetime) -> datetime:
    """Return a local time in UTC; of the two on the night that clocks go back, one to come."""
    times = (local.replace(tzinfo=ZoneInfo(window.timezone), fold=fold) for fold in (0, 1))
    first, second = (time.astimezone(UTC) for time in times)
    return first if first > after else second
