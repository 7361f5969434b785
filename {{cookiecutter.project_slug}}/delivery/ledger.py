"""What `releases/` says: each app's records in each environment, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from .canonical import sha256
from .errors import Refused
from .git import Snapshot
from .records import ACCEPTING, FILE_NAME, Record, parse_record

ROOT = "releases"


@dataclass(frozen=True)
class Entry:
    """A record with its number, the bytes of its file, and where it stands."""

    environment: str
    app: str
    number: int
    data: bytes
    record: Record

    @property
    def name(self) -> str:
        """The record's name within its app, such as `prod/0007`."""
        return f"{self.environment}/{self.number:04}"

    @property
    def path(self) -> str:
        """The record's file."""
        return record_path(self.environment, self.app, self.number)

    @property
    def sha256(self) -> str:
        """The digest that the next record's `previous` has to state."""
        return sha256(self.data)


@dataclass(frozen=True)
class Line:
    """The records of one app in one environment, oldest first."""

    environment: str
    app: str
    entries: tuple[Entry, ...]

    @property
    def current(self) -> Entry | None:
        """The record in force: the newest, unless it retired the app."""
        newest = self.newest
        return None if newest is None or newest.record.kind == "retire" else newest

    @property
    def newest(self) -> Entry | None:
        """The record with the highest number."""
        return self.entries[-1] if self.entries else None

    @property
    def on_hold(self) -> bool:
        """Whether the newest record is a rollback, which automation respects until `resume`."""
        return self.newest is not None and self.newest.record.kind == "rollback"

    def find(self, number: int) -> Entry | None:
        """Return the record with a number."""
        return next((entry for entry in self.entries if entry.number == number), None)

    @cached_property
    def taken_back(self) -> dict[str, Entry]:
        """The rollback that took each release back which no later accepted record restored."""
        gone: dict[str, Entry] = {}
        for entry in self.entries:
            record = entry.record
            if record.kind in ACCEPTING:
                gone.pop(record.release.id, None)
            elif record.kind == "rollback" and record.from_ is not None:
                target = int(record.from_.rsplit("/", 1)[1])
                between = (e for e in self.entries if target < e.number < entry.number)
                ids = {e.record.release.id for e in between} - {record.release.id}
                gone |= dict.fromkeys(ids, entry)
        return gone

    @property
    def withdrawn(self) -> frozenset[str]:
        """Ids of the releases that are taken back."""
        return frozenset(self.taken_back)

    def accepted(self, release: str) -> Entry | None:
        """Return the newest record that accepted a release here; None if none did, or withdrawn."""
        if release in self.withdrawn:
            return None
        found = [
            entry
            for entry in self.entries
            if entry.record.kind in ACCEPTING and entry.record.release.id == release
        ]
        return found[-1] if found else None

    def require_no_hold(self) -> None:
        """Raise Refused (`on-hold`) while the newest record is a rollback."""
        if self.on_hold and self.newest is not None:
            raise Refused(
                "on-hold",
                f"{self.app} is on hold in {self.environment} since the rollback "
                f"{self.newest.name}: {self.newest.record.reason}",
                "Nothing but another rollback moves an app that was rolled back.",
                f"when the cause is mended: deliver resume {self.app} --env {self.environment} "
                '--reason "…"',
            )


@dataclass(frozen=True)
class Ledger:
    """Every line of a commit."""

    lines: Mapping[tuple[str, str], Line]

    def line(self, environment: str, app: str) -> Line:
        """Return an app's line in an environment, empty where it has no record yet."""
        return self.lines.get((environment, app)) or Line(environment, app, ())

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines.values())


def record_path(environment: str, app: str, number: int, suffix: str = "yaml") -> str:
    """Return the path of a record's file, or of what stands beside it."""
    return f"{ROOT}/{environment}/{app}/records/{number:04}.{suffix}"


def manifests_folder(environment: str, app: str) -> str:
    """Return the folder that Argo CD reads for an app."""
    return f"{ROOT}/{environment}/{app}/manifests"


def question_path(app: str, record: Record) -> str:
    """Return where the known question of a record's release stands: beside its evidence."""
    environment, number = record.evidence.record.split("/")
    return record_path(environment, app, int(number), "question.json")


def read_ledger(snapshot: Snapshot) -> Ledger:
    """Return all records of a commit; raises UsageError where a record breaks its schema."""
    paths = [path for path in snapshot.paths(ROOT) if is_record(path)]
    data = snapshot.load(paths)
    lines: dict[tuple[str, str], list[Entry]] = {}
    for path in paths:
        _, env, app, _, name = path.split("/")
        entry = Entry(env, app, int(name[:4]), data[path], parse_record(data[path], path))
        lines.setdefault((env, app), []).append(entry)
    return Ledger({key: Line(*key, tuple(found)) for key, found in lines.items()})


def vanished(snapshot: Snapshot, line: Line) -> str | None:
    """Return what a commit lacks of an app that runs: its app.yaml, or its overlay; else None."""
    if line.current is None:
        return None
    overlay = f"overlays/{line.environment}/{line.app}"
    if f"apps/{line.app}/app.yaml" not in snapshot.entries:
        return f"apps/{line.app}/app.yaml"
    return None if snapshot.paths(overlay) else overlay


def is_record(path: str) -> bool:
    """Return whether a path is a record's file: releases/<env>/<app>/records/<NNNN>.yaml."""
    parts = path.split("/")
    return (
        len(parts) == 5
        and parts[0] == ROOT
        and parts[3] == "records"
        and FILE_NAME.fullmatch(parts[4]) is not None
    )
