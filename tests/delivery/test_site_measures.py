"""Four figures of delivery, of lines of records whose times are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from delivery.canonical import sha256
from delivery.ledger import Entry
from delivery.records import Kind, Record, Release
from delivery.site.chronicle import Chronicle, Told
from delivery.site.measures import Measures, measures
from delivery.verbs.history import Merge

from tests.delivery.world import KUSTOMIZE_APP, World

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
COMMIT, SOURCES = "a" * 40, "b" * 40
Step = tuple[Kind, int, float]
"""A record's kind, its model's version, and how many days before NOW it was merged."""


@pytest.fixture
def record(delivered: World) -> Record:
    entry = delivered.line("prod").current
    assert entry is not None
    return entry.record


def release(record: Record, version: int, image: int) -> Release:
    pins = {
        path: pin.model_copy(update={"commit": SOURCES})
        for path, pin in record.release.sources.items()
    }
    changes = {
        "id": sha256(f"{version}".encode()),
        "image": f"registry.example.com/app@{sha256(f'{image}'.encode())}",
        "built_from": record.release.built_from.model_copy(update={"commit": COMMIT}),
        "sources": pins,
    }
    return record.release.model_copy(update=changes)


def line(record: Record, *steps: Step, back_to: int = 1, image: int = 0) -> list[Told]:
    """Return a line of prod; rollbacks in it go back to a record by number."""
    return [
        told(record, number, kind, release(record, version, image or version), days, back_to)
        for number, (kind, version, days) in enumerate(steps, start=1)
    ]


def told(record: Record, number: int, kind: Kind, made: Release, days: float, back_to: int) -> Told:
    origin = f"prod/{back_to:04}" if kind == "rollback" else None
    changes = {"kind": kind, "release": made, "from_": origin}
    entry = Entry("prod", KUSTOMIZE_APP, number, b"", record.model_copy(update=changes))
    return Told(entry, Merge((NOW - days * DAY).isoformat(), "Sam", "Sam", COMMIT), None, None)


def measured(*lines: list[Told], commits: dict[str, datetime] | None = None) -> Measures:
    return measures(Chronicle({}, commits or {}, has_notes=False), lines, NOW)


def test_rollbacks_and_ends_of_holds_are_no_deployments(record: Record) -> None:
    steps: list[Step] = [
        ("promote", 1, 50),
        ("promote", 2, 40),
        ("rollback", 1, 39),
        ("resume", 1, 30),
    ]
    assert measured(line(record, *steps)).deployments == 2


def test_changed_settings_are_deployments(record: Record) -> None:
    steps: list[Step] = [("promote", 1, 50), ("configure", 1, 40), ("rerender", 1, 39)]
    assert measured(line(record, *steps)).deployments == 3


def test_frequency_is_of_ninety_days(record: Record) -> None:
    found = measured(line(record, ("promote", 1, 200), ("promote", 2, 80), ("promote", 3, 10)))
    assert found.deployments == 2
    assert found.per_week == pytest.approx(2 / (90 / 7))


def test_frequency_of_a_young_app_is_since_its_first_deployment(record: Record) -> None:
    found = measured(line(record, ("promote", 1, 14), ("promote", 2, 7)))
    assert found.per_week == pytest.approx(1)
    assert found.since == NOW - 14 * DAY


def test_frequency_of_a_first_day_is_of_a_week(record: Record) -> None:
    assert measured(line(record, ("promote", 1, 0.5))).per_week == pytest.approx(1)


def test_deployment_that_was_taken_back_failed(record: Record) -> None:
    steps: list[Step] = [("promote", 1, 50), ("promote", 2, 40), ("rollback", 1, 38)]
    found = measured(line(record, *steps))
    assert (found.failed, found.failure_rate) == (1, 0.5)
    assert found.restore_time == 2 * DAY


def test_rollback_over_two_deployments_fails_both(record: Record) -> None:
    steps: list[Step] = [
        ("promote", 1, 50),
        ("promote", 2, 40),
        ("promote", 3, 39),
        ("rollback", 1, 38),
    ]
    found = measured(line(record, *steps))
    assert found.failed == 2
    assert found.restore_time == DAY  # from what was in force


def test_second_rollback_fails_nothing_twice(record: Record) -> None:
    steps: list[Step] = [
        ("promote", 1, 50),
        ("promote", 2, 40),
        ("rollback", 1, 38),
        ("rollback", 1, 37),
    ]
    assert measured(line(record, *steps)).failed == 1


def test_hotfix_fails_the_deployment_before_it(record: Record) -> None:
    found = measured(line(record, ("promote", 1, 50), ("promote", 2, 40), ("hotfix", 3, 39.5)))
    assert (found.failed, found.deployments) == (1, 3)
    assert found.restore_time == DAY / 2


def test_rollback_of_today_fails_an_old_deployment_of_no_window(record: Record) -> None:
    found = measured(line(record, ("promote", 1, 300), ("promote", 2, 200), ("rollback", 1, 1)))
    assert (found.failed, found.deployments, found.failure_rate) == (0, 0, None)
    assert found.restore_time == 199 * DAY


def test_lead_time_is_from_the_commit_of_the_image(record: Record) -> None:
    commits = {COMMIT: NOW - 12 * DAY, SOURCES: NOW - 11 * DAY}
    assert measured(line(record, ("promote", 1, 10)), commits=commits).lead_time == 2 * DAY


def test_lead_time_of_manifests_alone_is_from_their_commit(record: Record) -> None:
    commits = {COMMIT: NOW - 100 * DAY, SOURCES: NOW - 11 * DAY}
    steps: list[Step] = [("promote", 1, 95), ("promote", 2, 10)]
    assert measured(line(record, *steps, image=1), commits=commits).lead_time == DAY


def test_release_that_comes_again_has_no_lead_time(record: Record) -> None:
    commits = {COMMIT: NOW - 52 * DAY}
    steps: list[Step] = [("promote", 1, 50), ("promote", 2, 40), ("promote", 1, 30)]
    assert measured(line(record, *steps), commits=commits).lead_time == 7 * DAY


def test_figures_of_nothing_are_none(record: Record) -> None:
    assert record
    found = measured()
    told_of = (found.deployments, found.per_week, found.lead_time, found.failed, found.restore_time)
    assert told_of == (0, 0, None, 0, None)
