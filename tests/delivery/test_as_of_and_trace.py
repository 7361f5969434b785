"""What was where at a time, and what explains a digest, read from Git and its notes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from delivery.argocd.notes import Confirmation, write_note
from delivery.errors import Refused, Unknown, UsageError
from delivery.ledger import Entry
from delivery.verbs.as_of import as_of, parse_moment
from delivery.verbs.trace import trace

from tests.delivery.world import KUSTOMIZE_APP, World

SPRING, SUMMER, AUTUMN = "2026-03-01T12:00:00Z", "2026-06-01T12:00:00Z", "2026-09-01T12:00:00Z"


@pytest.fixture
def year(fresh: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A repository whose app got a release to staging in spring, and another to dev in summer."""
    for moment, environment, number in ((SPRING, "staging", 1), (SUMMER, "dev", 2)):
        monkeypatch.setenv("GIT_COMMITTER_DATE", moment)
        fresh.deliver_to(environment, number)
    return fresh


def newest(world: World, environment: str) -> Entry:
    entry = world.line(environment).newest
    assert entry is not None
    return entry


def confirm(world: World, entry: Entry, time: str) -> None:
    head = world.git("rev-parse", "HEAD")
    note = Confirmation(record=entry.sha256, revision=head, outcome="confirmed", time=time)
    write_note(world.repository, head, note)


def at(world: World, moment: str) -> dict[str, dict[str, str]]:
    return {row["environment"]: row for row in as_of(world.work, parse_moment(moment), None)}


def test_day_means_its_end_and_a_time_without_offset_is_utc() -> None:
    assert parse_moment("2026-03-01") == datetime(2026, 3, 1, 23, 59, 59, 999999, UTC)
    assert parse_moment("2026-03-01T12:00") == parse_moment("2026-03-01T14:00:00+02:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "03/01/2026"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="bad-date"):
        parse_moment(text)


def test_nothing_was_there_before_the_first_record(year: World) -> None:
    assert at(year, "2026-02-28") == {}


def test_records_stand_from_the_moment_of_their_merge(year: World) -> None:
    spring, summer = at(year, SPRING), at(year, "2026-06-01")
    assert {name: row["record"] for name, row in spring.items()} == {
        "dev": "dev/0001",
        "staging": "staging/0001",
    }
    assert (summer["dev"]["record"], summer["staging"]["record"]) == ("dev/0002", "staging/0001")
    assert summer["dev"]["by"] == "Sam"


@pytest.mark.parametrize(
    ("committer", "by"),
    [("Ben", "Sam, merged by Ben"), ("GitHub", "Sam"), ("deliver", "Sam"), ("Sam", "Sam")],
)
def test_who_merged_is_told_where_the_commit_names_a_person(
    committer: str, by: str, fresh: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.deliver_to("dev", 1)
    for key, value in {"NAME": committer, "EMAIL": "x@example.com", "DATE": SPRING}.items():
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", value)
    fresh.repository.git("commit", "--quiet", "--amend", "--no-edit")
    assert at(fresh, SUMMER)["dev"]["by"] == by


def test_what_ran_is_told_apart_from_what_was_approved(year: World) -> None:
    assert at(year, AUTUMN)["dev"]["ran"].startswith("unknown")
    line = year.line("dev")
    confirm(year, line.entries[0], "2026-03-01T12:05:00Z")
    confirm(year, line.entries[1], "2026-08-01T00:00:00Z")
    assert at(year, "2026-03-01T12:01")["dev"]["ran"] == "nothing was confirmed by then"
    summer = at(year, "2026-07-01")["dev"]
    assert (summer["record"], summer["ran"]) == ("dev/0002", "dev/0001 since 2026-03-01T12:05:00Z")
    assert at(year, AUTUMN)["dev"]["ran"] == "dev/0002 since 2026-08-01T00:00:00Z"


def test_shallow_clone_cannot_tell_when(year: World, tmp_path: Path) -> None:
    year.git("clone", "--quiet", "--depth=1", f"file://{year.root}", str(tmp_path / "clone"))
    with pytest.raises(Unknown, match="history-missing"):
        as_of(World(tmp_path / "clone").work, parse_moment(AUTUMN), None)


def told(world: World, digest: str) -> dict[str, str]:
    return {row["what"]: row["value"] for row in trace(world.work, digest)}


def test_image_leads_to_all_that_explains_it(year: World) -> None:
    entry = newest(year, "staging")
    release = entry.record.release
    found = told(year, release.image)
    assert found["release"] == release.id
    assert found["run"] == release.model.run
    assert release.built_from.commit in found["code"]
    assert found["training data"] == release.built_from.data
    assert "approved 2026-03-01" in found["staging/0001"]
    assert entry.record.evidence.sha256 in found["staging/0001 evidence"]
    policy = year.work.app(KUSTOMIZE_APP).policy("staging").sha256
    assert found["staging/0001 policy"] == policy
    assert "dev/0002" not in found


def test_every_digest_of_a_record_leads_there_and_its_start_too(year: World) -> None:
    entry = newest(year, "dev")
    record = entry.record
    digests = (record.release.model.digest, record.release.id, entry.sha256, record.evidence.sha256)
    for digest in (*digests, record.manifests):
        assert told(year, digest)["release"] == record.release.id
    assert told(year, digests[0].removeprefix("sha256:")[:12])["app"] == KUSTOMIZE_APP


def test_what_ran_is_told(year: World) -> None:
    entry = newest(year, "dev")
    confirm(year, entry, AUTUMN)
    assert f"ran {AUTUMN}" in told(year, entry.record.release.image)["dev/0002"]


def test_digest_of_nothing_is_refused(year: World) -> None:
    with pytest.raises(Refused, match="digest-unknown"):
        trace(year.work, "sha256:" + "0" * 64)
    for text in ("abc", "latest", os.devnull):
        with pytest.raises(UsageError, match="bad-digest"):
            trace(year.work, text)
