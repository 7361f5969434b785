"""What is told of each record: when and by whom it was merged, when it ran, on what evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from pydantic import ValidationError

from ..argocd.notes import Confirmation, read_notes
from ..canonical import sha256
from ..errors import Refused
from ..evidence import Evidence
from ..git import Repository, shallow
from ..ledger import Entry, Line, record_path
from ..records import ACCEPTING
from ..settings import check_name
from ..verbs.history import Merge, merges
from ..workplace import Workplace


@dataclass(frozen=True)
class Told:
    """A record, its merge, what was seen to run, and the evidence that it brought itself."""

    entry: Entry
    merge: Merge
    ran: Confirmation | None
    evidence: Evidence | None

    @cached_property
    def merged(self) -> datetime:
        """When it came onto main, in UTC."""
        return moment(self.merge.time)

    @property
    def kind(self) -> str:
        """The record's kind."""
        return self.entry.record.kind

    @property
    def model(self) -> str:
        """The version of its model."""
        return self.entry.record.release.model.version


@dataclass(frozen=True)
class Chronicle:
    """All that was merged, by environment and app, oldest first, and when commits were made."""

    lines: Mapping[tuple[str, str], tuple[Told, ...]]
    commits: Mapping[str, datetime]
    """Of commits that images were built from or that hold pinned sources; others are not here."""
    has_notes: bool
    """Whether this clone holds confirmations; without them nothing is known of what ran."""

    def line(self, environment: str, app: str) -> tuple[Told, ...]:
        """Return what is told of an app in an environment, oldest first."""
        return self.lines.get((environment, app), ())

    def of(self, entry: Entry) -> Told:
        """Return what is told of a record."""
        line = self.line(entry.environment, entry.app)
        return next(one for one in line if one.entry.number == entry.number)

    def in_environment(self, environment: str) -> list[tuple[Told, ...]]:
        """Return all lines of an environment."""
        return [line for (env, _), line in self.lines.items() if env == environment]


def read_chronicle(workplace: Workplace) -> Chronicle:
    """Return what is told of main's records; raises Unknown (`history-missing`).

    Raises Refused (`evidence-altered`) for evidence that is not what its record names, and
    UsageError (`bad-name`) for an app or environment whose name is none.
    """
    workplace.repository.require_whole()
    when = merges(workplace.repository, workplace.main.commit)
    notes = read_notes(workplace.repository)
    entries = [entry for line in workplace.ledger for entry in line.entries]
    evidence = _evidence(workplace, [e for e in entries if e.record.kind in ACCEPTING])
    lines = {
        (line.environment, line.app): tuple(
            Told(e, _merge(when, e), (notes or {}).get(e.sha256), evidence.get(e.path))
            for e in line.entries
        )
        for line in map(_named, workplace.ledger)
    }
    return Chronicle(lines, _commits(workplace.repository, entries), notes is not None)


def moment(text: str) -> datetime:
    """Return a time of Git's, or of a note, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def committed(repository: Repository, commit: str) -> datetime:
    """Return when a commit was made."""
    return moment(repository.git("show", "--no-patch", "--format=%cI", commit).text)


def _named(line: Line) -> Line:
    check_name("an app", line.app)  # both become parts of paths of pages
    check_name("an environment", line.environment)
    return line


def _merge(when: Mapping[str, Merge], entry: Entry) -> Merge:
    if entry.path not in when:
        raise shallow(f"the commit that added {entry.path} is not in this clone.")
    return when[entry.path]


def _evidence(workplace: Workplace, entries: Iterable[Entry]) -> dict[str, Evidence]:
    paths = [(e, record_path(e.environment, e.app, e.number, "evidence.json")) for e in entries]
    there = [path for _, path in paths if path in workplace.main.entries]
    data = workplace.main.load(there)  # all at once: one process
    return {e.path: _parsed(e, path, data.get(path)) for e, path in paths}


def _parsed(entry: Entry, path: str, data: bytes | None) -> Evidence:
    """Return evidence whose bytes are those that its record names: no spelling to look at."""
    if data is None or sha256(data) != entry.record.evidence.sha256:
        raise _altered(path)
    try:
        return Evidence.model_validate(json.loads(data))
    except (ValueError, ValidationError) as err:
        raise _altered(path) from err


def _altered(path: str) -> Refused:
    return Refused(
        "evidence-altered",
        f"{path} is not the evidence that the record names.",
        "A record and its evidence are bound by digest, and nothing else is shown as evidence.",
        "see `deliver check`, and restore the file from main's history",
    )


def _commits(repository: Repository, entries: Iterable[Entry]) -> dict[str, datetime]:
    releases = [entry.record.release for entry in entries]
    names = {one.built_from.commit for one in releases}
    names |= {pin.commit for one in releases for pin in one.sources.values()}
    if not names:
        return {}
    words = "log", "--no-walk=unsorted", "--ignore-missing", "--format=%H %cI", "--stdin"
    text = repository.git(*words, stdin="\n".join(sorted(names)).encode() + b"\n").text
    pairs = (line.split(" ", 1) for line in text.splitlines())
    return {commit: moment(time) for commit, time in pairs}
