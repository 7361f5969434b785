"""What waits in a line, and for what: a merge, a person, a record, or the end of a hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..ledger import Entry, Line, vanished
from ..workplace import Workplace
from .render import pending

WaitKind = Literal["hold", "gone", "branch", "ahead", "pending"]


@dataclass(frozen=True)
class Wait:
    """One thing that waits: what was seen, and the command that goes on, where there is one.

    `since` is the record that it waits since, where one tells.
    """

    kind: WaitKind
    environment: str
    app: str
    seen: str
    next_step: str = ""
    since: Entry | None = None

    @property
    def note(self) -> str:
        """The same on one line, for a table."""
        return f"{self.seen}: {self.next_step}" if self.next_step else self.seen


def waits(workplace: Workplace, line: Line) -> list[Wait]:
    """Return all that waits in a line, in the order in which people look at it."""
    return [*_branch(workplace, line), *_hold(line), *_source(workplace, line)]


def promotable(workplace: Workplace, line: Line) -> Wait | None:
    """Return the release of the environment before that could come next; None if there is none."""
    before = workplace.settings.before(line.environment)
    source = workplace.ledger.line(before, line.app) if before else None
    retired = line.newest is not None and line.current is None
    if source is None or source.current is None or line.on_hold or retired:
        return None
    theirs = source.current.record.release
    ours = line.current.record.release.id if line.current else None
    accepted = source.accepted(theirs.id)
    if theirs.id == ours or accepted is None:
        return None
    seen = f"{before} is ahead (model {theirs.model.version}){_taken_back(line, theirs.id)}"
    next_step = f'deliver promote {line.app} --to {line.environment} --reason "…"'
    return Wait("ahead", line.environment, line.app, seen, next_step, accepted)


def _taken_back(line: Line, release: str) -> str:
    """Return by which rollback a line gave a release back; nothing where it did not."""
    by = line.taken_back.get(release)
    return f", which {by.name} took back here" if by else ""


def _branch(workplace: Workplace, line: Line) -> Iterator[Wait]:
    branch = workplace.waiting.get((line.environment, line.app))
    if branch:
        seen = f"branch {branch} waits to be merged"
        yield Wait("branch", line.environment, line.app, seen)


def _hold(line: Line) -> Iterator[Wait]:
    if line.on_hold:
        next_step = f'deliver resume {line.app} --env {line.environment} --reason "…"'
        yield Wait("hold", line.environment, line.app, "on hold", next_step, line.newest)


def _source(workplace: Workplace, line: Line) -> Iterator[Wait]:
    """Yield what differs between what runs and what people wrote since."""
    gone = vanished(workplace.main, line)
    if gone:
        seen = f"{gone} is gone from {workplace.settings.main}"
        yield Wait("gone", line.environment, line.app, seen)
    elif kind := pending(workplace, line):
        seen = f"{kind} pending"
        yield Wait("pending", line.environment, line.app, seen, _bringing(workplace, line))


def _bringing(workplace: Workplace, line: Line) -> str:
    """Return the command that brings what is pending: `render`, where the release that runs can."""
    if not _lacks(workplace, line):
        return f"deliver render --env {line.environment} {line.app}"
    before = workplace.settings.before(line.environment)
    if before is None or _lacks(workplace, workplace.ledger.line(before, line.app)):
        return f"deliver release {line.app}"
    return f'deliver promote {line.app} --to {line.environment} --reason "…"'


def _lacks(workplace: Workplace, line: Line) -> bool:
    """Return whether what runs lacks a component or the CUDA that app.yaml asks for by now."""
    if line.current is None:
        return True
    app, release = workplace.app(line.app), line.current.record.release
    on_other = app.on_gpus and app.locks_sha256 != release.built_from.lock
    return on_other or not release.sources.keys() >= set(app.source_paths)
