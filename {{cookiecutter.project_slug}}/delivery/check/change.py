"""The change that is judged: the files of its merge base and of its head, from Git objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property

from ..git import Repository, Snapshot, differences
from ..ledger import ROOT, Ledger, Line, read_ledger
from ..owners import JUDGE_FOLDERS
from ..settings import Settings, read_settings
from ..workplace import Workplace


@dataclass(frozen=True)
class Change:
    """What lies between a merge base and a head.

    Settings, policies, hold-outs and the order of environments are read at the base: what a change
    brings is data, and never has a say in how it is judged. Only whether an environment may move
    now is read at the tip of the base: a line that is stopped stops what was begun before.
    """

    repository: Repository
    base: Snapshot
    head: Snapshot
    tip: Snapshot
    """The newest commit of what the change goes to."""
    now: datetime

    @classmethod
    def between(cls, repository: Repository, base: str, head: str, now: datetime) -> Change:
        """Return the change that `head` brings to `base`."""
        target, commit = repository.resolve(base), repository.resolve(head)
        found = (repository.merge_base(target, commit), commit, target)
        old, new, tip = (repository.snapshot(one) for one in found)
        return cls(repository, old, new, tip, now)

    @property
    def today(self) -> date:
        """The day that it is, in UTC."""
        return self.now.astimezone(UTC).date()

    @cached_property
    def settings(self) -> Settings:
        """delivery.yaml at the base."""
        return read_settings(self.base)

    @cached_property
    def workplace(self) -> Workplace:
        """The base as a workplace: what rendering and judging read."""
        return Workplace(self.repository, self.base, self.settings)

    @cached_property
    def before(self) -> Ledger:
        """The records at the base."""
        return read_ledger(self.base)

    @cached_property
    def after(self) -> Ledger:
        """The records at the head."""
        return read_ledger(self.head)

    @cached_property
    def paths(self) -> list[str]:
        """Every path that was added, removed, or has other bytes or another mode."""
        return sorted(differences(self.base.entries, self.head.entries))

    @cached_property
    def release_paths(self) -> list[str]:
        """The changed paths below `releases/`."""
        return [path for path in self.paths if path.startswith(f"{ROOT}/")]

    @cached_property
    def judge_paths(self) -> list[str]:
        """The changed paths that the judge is made of."""
        return [path for path in self.paths if is_judge(path)]

    @cached_property
    def touched(self) -> list[tuple[str, str]]:
        """Environment and app of every line with a changed file, in order."""
        parts = (path.split("/") for path in self.release_paths)
        return sorted({(part[1], part[2]) for part in parts if len(part) > 3})

    def lines(self) -> Iterator[tuple[Line, Line]]:
        """Yield each touched line as it was and as it is."""
        for environment, app in self.touched:
            yield self.before.line(environment, app), self.after.line(environment, app)


def is_judge(path: str) -> bool:
    """Return whether a path is part of what judges: code, policy, hold-out, keys, waivers, CI.

    So is each file beside delivery.yaml, pages for people aside: the Makefile is called to judge.
    """
    parts = path.split("/")
    if path.startswith(JUDGE_FOLDERS) or (len(parts) == 1 and not path.endswith(".md")):
        return True
    return (
        len(parts) > 2
        and parts[0] == "apps"
        and parts[2] in ("app.yaml", "holdout.yaml", "holdout", "waivers")
    )
