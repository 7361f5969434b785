"""What a change brings to each app: its new record, its verdict, its manifests before and after.

All of it is data that may be broken on purpose: what cannot be read is left out, and the rules of
`check` say why.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..check.change import Change
from ..errors import DeliveryError
from ..evidence import Evidence, parse_evidence
from ..git import LINK_MODES, Snapshot
from ..ledger import Entry, Line, manifests_folder, record_path
from .differences import Changed, differences
from .objects import Shown, shown
from .verdict import code, metrics_table, plain, skeleton, waivers

LONGEST_REASON = 100
"""Characters of a reason that is repeated in a command."""


@dataclass(frozen=True)
class Brought:
    """One app's part of a change, in one environment."""

    environment: str
    app: str
    line: Line
    """Its records at the base."""
    entry: Entry | None
    """The new record; None where there is none, or where it cannot be read."""
    evidence: Evidence | None
    """The verdict that the new record brings; None for kinds that bring none."""
    before: dict[str, Shown]
    after: dict[str, Shown]
    """Manifests by file name."""

    @property
    def name(self) -> str:
        """The app's name as Markdown; a change may name a folder anything."""
        return code(self.app)

    @property
    def where(self) -> str:
        """The environment's name as Markdown."""
        return plain(self.environment)

    @property
    def kind(self) -> str:
        """The kind of the new record; empty where there is none."""
        return self.entry.record.kind if self.entry else ""

    @property
    def model(self) -> str:
        """The model's version that the new record brings."""
        return self.entry.record.release.model.version if self.entry else "?"

    @property
    def replaced(self) -> str:
        """The model's version that runs there now; empty where none does."""
        current = self.line.current
        return current.record.release.model.version if current else ""

    @cached_property
    def changes(self) -> list[Changed]:
        """What differs in the cluster, by object."""
        return differences(self.before, self.after)

    def command(self) -> str:
        """Return the call that writes such a record."""
        return command([self])


def brought(change: Change) -> list[Brought]:
    """Return what a change brings, by environment and app, in order."""
    for snapshot in (change.base, change.head):  # all at once: one process
        folders = tuple(f"{manifests_folder(*key)}/" for key in change.touched)
        _load(snapshot, [path for path in snapshot.entries if path.startswith(folders)])
    parts = [_one(change, *key) for key in change.touched]
    found = frozenset(secrets(parts))
    return [_without(part, found) for part in parts] if found else parts


def _without(part: Brought, found: Collection[str]) -> Brought:
    """Return a part in which no secret of any part stands, before a value of it is cut to fit."""
    before, after = (
        {file: one.without(found) for file, one in side.items()}
        for side in (part.before, part.after)
    )
    return replace(part, before=before, after=after)


def _one(change: Change, environment: str, app: str) -> Brought:
    line = change.before.line(environment, app)
    entry = _new_entry(change, line)
    folder = manifests_folder(environment, app)
    return Brought(
        environment,
        app,
        line,
        entry,
        None if entry is None else _evidence(change.head, entry),
        _manifests(change.base, folder),
        _manifests(change.head, folder),
    )


def _new_entry(change: Change, line: Line) -> Entry | None:
    try:
        entries = change.after.line(line.environment, line.app).entries
    except DeliveryError:
        return None
    known = {entry.path for entry in line.entries}
    return next((entry for entry in reversed(entries) if entry.path not in known), None)


def _evidence(head: Snapshot, entry: Entry) -> Evidence | None:
    path = record_path(entry.environment, entry.app, entry.number, "evidence.json")
    data = head.find(path)
    try:
        found = None if data is None else parse_evidence(data, path)
    except DeliveryError:
        return None
    return found if found is not None and _tells(found, entry) else None


def _tells(found: Evidence, entry: Entry) -> bool:
    """Return whether evidence is about its record, and so whole that it can be told."""
    try:
        for table in (metrics_table, waivers, skeleton):
            table(found)
    except (KeyError, TypeError, ValueError):  # a policy that is none, a waiver that is not there
        return False
    return (found.environment, found.app) == (entry.environment, entry.app)


def _manifests(snapshot: Snapshot, folder: str) -> dict[str, Shown]:
    found = _load(snapshot, snapshot.paths(folder))
    return {path[len(folder) + 1 :]: shown(data) for path, data in found.items()}


def _load(snapshot: Snapshot, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the files among some paths; a link is none."""
    return snapshot.load(p for p in paths if snapshot.entries[p].mode not in LINK_MODES)


def secrets(parts: Sequence[Brought]) -> Iterator[str]:
    """Yield every secret that stands in the manifests of some apps, before or after."""
    for part in parts:
        for one in (*part.before.values(), *part.after.values()):
            yield from one.secrets


def command(parts: Sequence[Brought]) -> str:
    """Return the call of `deliver` that writes such records again; of one kind, in one place."""
    first = parts[0]
    if first.entry is None:
        return "the `deliver` command"
    reason = " ".join(first.entry.record.reason.replace("`", "'").split())
    why = f"--reason {shlex.quote(reason)}" if len(reason) <= LONGEST_REASON else '--reason "…"'
    environment, *names = (_word(text) for text in (first.environment, *(p.app for p in parts)))
    apps = " ".join(names)
    calls = {
        "release": f"release {apps} {why}",
        "promote": f"promote {apps} --to {environment} {why}",
        "configure": f"render --env {environment} {apps}",
        "rerender": f"render --env {environment} {apps}",
        "rollback": f"rollback {apps} --env {environment} {why}",
        "resume": f"resume {apps} --env {environment} {why}",
    }
    call = calls.get(first.kind)
    return code(f"deliver {call}", longest=1000) if call else "the `deliver` command"


def _word(text: str) -> str:
    """Return a name as a shell takes it: a change may name a folder anything."""
    return shlex.quote(text.replace("`", "'"))
