"""`deliver history`: the records of an app, newest first, with the time and hand of each merge."""

from __future__ import annotations

from dataclasses import dataclass

from ..canonical import short
from ..git import Repository
from ..ledger import ROOT, Entry
from ..workplace import Workplace


@dataclass(frozen=True)
class Merge:
    """When a record came onto main, by whom, and in which commit."""

    time: str
    author: str
    commit: str


def merges(repository: Repository, main: str) -> dict[str, Merge]:
    """Return, for each record's path, the first-parent commit of main that added it.

    Git's time is the only clock that records have (DESIGN section 2). In a shallow clone the
    oldest commit adds every file that it holds, so nothing that it adds is told.
    """
    out = repository.git(
        "log", "--first-parent", "-m", "--no-renames", "--diff-filter=A", "--name-only", "-z",
        "--format=<<%H %cI %an>", main, "--", f"{ROOT}/*/*/records/*.yaml",
    ).stdout.decode("utf-8", "replace")  # fmt: skip
    found: dict[str, Merge] = {}
    edge = _edges(repository)
    for block in out.split("<<")[1:]:  # of all signs, Git lets a name have neither < nor >
        head, _, names = block.partition(">")
        commit, time, author = head.split(" ", 2)
        merge = Merge(time, _shown(author), commit)
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
        "by": merge.author if merge else "",
        "reason": record.reason + (f" ({record.change})" if record.change else ""),
    }
