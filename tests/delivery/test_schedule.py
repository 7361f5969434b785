from __future__ import annotations

import pytest
from delivery.schedule import known_schedule, known_timezone


@pytest.mark.parametrize(
    "value",
    ["0 8 * * mon-fri", "*/15 0-6,22 1 JAN,jul 0", "59 23 31 12 6", "0 9/2 * * SUN"],
)
def test_schedule_that_argocd_reads_is_kept(value: str) -> None:
    assert known_schedule(value) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("0 8 * *", "five fields"),
        ("@daily", "five fields"),
        ("60 8 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 8 0 * *", "day of month"),
        ("0 8 * 13 *", "month"),
        ("0 8 * * 7", "day of week"),  # Sunday is 0 to Argo CD
        ("0 8 * * fri-mon", "day of week"),
        ("0 8 * * monday", "day of week"),
        ("0 8-5 * * *", "hour"),
        ("0 */0 * * *", "hour"),
        ("0 8, * * *", "hour"),
        ("0 ٣ * * *", "hour"),
    ],
)
def test_schedule_that_argocd_would_choke_on_is_named(value: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        known_schedule(value)


def test_known_timezone_is_kept() -> None:
    assert known_timezone("Europe/Berlin") == "Europe/Berlin"


@pytest.mark.parametrize("value", ["Europe/Berln", "Europe", "../etc/passwd", "", "/etc/localtime"])
def test_timezone_that_argocd_would_take_for_utc_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        known_timezone(value)
