"""Windows are open when Argo CD has them open, and the time at which they let go is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from delivery.schedule import parse_schedule
from delivery.settings import Window
from delivery.windows import closed_by, next_start, opened, opens_at

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def window(kind: str, schedule: str, duration: str, timezone: str = "UTC") -> Window:
    return Window.model_validate(
        {"kind": kind, "schedule": schedule, "duration": duration, "timezone": timezone}
    )


WORKING = window("allow", "0 8 * * mon-fri", "10h")
HOLIDAYS = window("deny", "0 0 24 12 *", "72h", "Europe/Berlin")
ALWAYS = window("deny", "* * * * *", "2m")
NEVER = window("allow", "0 0 30 2 *", "1h")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# What `Next` of github.com/robfig/cron/v3 says; the first Monday of March 2026 is the 2nd.
NIGHT = window("deny", "0 2 * * *", "30m", "Europe/Berlin")


@pytest.mark.parametrize(
    ("schedule", "after", "start"),
    [
        ("0 8 * * mon-fri", "2026-03-02T08:00", "2026-03-03T08:00"),
        ("0 8 * * mon-fri", "2026-03-06T09:00", "2026-03-09T08:00"),
        ("*/15 0-6,22 * * *", "2026-03-02T06:45", "2026-03-02T22:00"),
        ("0 9/5 * * SUN", "2026-03-02T00:00", "2026-03-08T09:00"),
        ("0 0 13 * fri", "2026-03-02T00:00", "2026-03-06T00:00"),  # one of both
        ("0 0 13 * *", "2026-03-02T00:00", "2026-03-13T00:00"),  # both, one being any
        ("0 0 */2 * fri", "2026-03-02T00:00", "2026-03-03T00:00"),  # a step is not any
        ("59 23 31 12 *", "2026-12-31T23:59", "2027-12-31T23:59"),
        ("0 0 29 feb *", "2026-03-02T00:00", "2028-02-29T00:00"),
    ],
)
def test_next_start_is_the_one_that_cron_gives(schedule: str, after: str, start: str) -> None:
    found = next_start(parse_schedule(schedule), datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(start)


def test_schedule_of_a_day_that_never_comes_has_no_start() -> None:
    assert next_start(parse_schedule("0 0 30 2 *"), datetime(2026, 3, 2)) is None


@pytest.mark.parametrize(
    ("windows", "now", "closed"),
    [
        ([], "2026-03-02T09:30", False),
        ([WORKING], "2026-03-02T09:30", False),
        ([WORKING], "2026-03-02T18:01", True),
        ([WORKING], "2026-03-01T09:30", True),
        ([HOLIDAYS], "2026-12-23T22:59", False),
        ([HOLIDAYS], "2026-12-23T23:01", True),  # in Berlin it is the 24th
        ([HOLIDAYS], "2026-12-26T22:59", True),
        ([HOLIDAYS], "2026-12-26T23:00", False),
        ([WORKING, HOLIDAYS], "2026-12-24T09:30", True),
        ([NEVER], "2026-03-02T09:30", True),
    ],
)
def test_environment_is_closed_as_its_windows_say(
    windows: list[Window], now: str, closed: bool
) -> None:
    assert (closed_by(windows, utc(now)) is not None) is closed


@pytest.mark.parametrize(
    ("windows", "now", "until"),
    [
        ([WORKING], "2026-03-06T18:30", "2026-03-09T08:00"),
        ([HOLIDAYS], "2026-12-25T00:00", "2026-12-26T23:00"),
        ([WORKING, HOLIDAYS], "2026-12-24T09:30", "2026-12-28T08:00"),
        # Clocks in Berlin go from 3:00 back to 2:00 at 1:00 in UTC: half past two comes twice.
        ([NIGHT], "2026-10-25T00:10", "2026-10-25T00:30"),
        ([NIGHT], "2026-10-25T01:10", "2026-10-25T01:30"),
    ],
)
def test_time_at_which_windows_let_go_is_told(windows: list[Window], now: str, until: str) -> None:
    assert opens_at(windows, utc(now)) == utc(until)


@pytest.mark.parametrize("windows", [[NEVER], [ALWAYS], [WORKING, ALWAYS]])
def test_windows_that_never_let_go_are_told(windows: list[Window]) -> None:
    assert opens_at(windows, MONDAY) is None


def test_window_longer_than_its_period_was_opened_last_by_the_newest_start() -> None:
    found = opened(window("deny", "0 * * * *", "5h"), MONDAY)
    assert found == (MONDAY - timedelta(minutes=30)).replace(tzinfo=None)
