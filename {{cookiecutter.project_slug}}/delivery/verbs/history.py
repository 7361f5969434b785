"""`deliver history`: the records of an app, newest first, with the time and hand of each merge."""

from __future__ import annotations

from dataclasses import dataclass

from ..canonical import short
from ..git import Repository
from ..ledger import ROOT, Entry
from ..workplace import Workplace

NOBODY = ("GitHub", "deliver")
"""Committers that are programs: GitHub itself, when it merges, and the workflows' `deliver`."""


@dataclass(frozen=True)
class Merge:
    """When a record came onto main, by whom, and in which commit."""

    time: str
    author: str
    committer: str
    commit: str

    @property
    def by(self) -> str:
        """Who wrote the record, and who merged it where its commit says so.

        GitHub's commits do not when it squashes; Gitea's name who merged as the committer.
        """
        if self.committer in (self.author, *NOBODY):
            return self.author
        return f"{self.author}, merged by {self.committer}"


def merges(repository: Repository, main: str) -> dict[str, Merge]:
    """Return, for each record's path, the first-parent commit of main that added it.

    Git's time is the only clock that records have (DESIGN section 2). In a shallow clone the
    oldest commit adds every file that it holds, so nothing that it adds is told.
    """
    out = repository.git(
        "log", "--first-parent", "-m", "--no-renames", "--diff-filter=A", "--name-only", "-z",
        "--format=<<%H %cI %an<%cn>", main, "--", f"{ROOT}/*/*/records/*.yaml",
    ).stdout.decode("utf-8", "replace")  # fmt: skip
    found: dict[str, Merge] = {}
    edge = _edges(repository)
    for block in out.split("<<")[1:]:  # of all signs, Git lets a name have neither < nor >
        head, _, names = block.partition(">")
        commit, time, names_of = head.split(" ", 2)
        author, _, committer = names_of.partition("<")
        merge = Merge(time, _shown(author), _shown(committer), commit)
        if commit not in edge:
            found |= {name.strip("\n"): merge for name in names.split("\0") if name.strip()}
    return found


def _shown(name: str) -> str:
    """Return a name without signs that could paint over what a terminal or a page shows."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def _edges(repository: Repository) -> set[str]:
    if not repository.shallow:
        return set()
    path = repository.git("rev-parse", "--git-path", "shallow").text
    return set((repository.root / path).read_text().split())


def history(workplace: Workplace, app: str, environment: str | None) -> list[dict[str, str]]:
    """Return one row a record, newest first within each environment, as plain text cells."""
    workplace.require_known(app)
    names = [environment] if environment else list(reversed(workplace.settings.names))
    for name in names:
        workplace.settings.environment(name)
    when = merges(workplace.repository, workplace.main.commit)
    lines = [workplace.ledger.line(name, app) for name in names]
    return [row(entry, when.get(entry.path)) for line in lines for entry in reversed(line.entries)]


def row(entry: Entry, merge: Merge | None) -> dict[str, str]:
    """Return a record's cells."""
    record = entry.record
    return {
        "record": entry.name,
        "kind": record.kind,
        "model": record.release.model.version,
        "release": short(record.release.id),
        "from": record.from_ or "",
        "approved": merge.time if merge else "unknown: git fetch --unshallow",
        "by": merge.by if merge else "",
        "reason": record.reason + (f" ({record.change})" if record.change else ""),
    }
