"""`deliver diff`: what a change would do to the apps in the clusters."""

from __future__ import annotations

from dataclasses import dataclass

from ..canonical import short
from ..git import Repository, Snapshot
from ..ledger import ROOT, Ledger, Line, manifests_folder, read_ledger


@dataclass(frozen=True)
class AppChange:
    """One app's change in one environment: a sentence, and the manifests' exact diff."""

    environment: str
    app: str
    sentence: str
    patch: str


def diff(repository: Repository, base: str, head: str) -> list[AppChange]:
    """Return what differs below `releases/` between the merge base and the head, by app."""
    old = repository.snapshot(repository.merge_base(base, head))
    new = repository.snapshot(head)
    before, after = read_ledger(old), read_ledger(new)
    changed = sorted(
        key for key in _keys(old) | _keys(new) if _digests(old, *key) != _digests(new, *key)
    )
    return [_change(repository, old, new, before, after, key) for key in changed]


def _keys(snapshot: Snapshot) -> set[tuple[str, str]]:
    parts = (path.split("/") for path in snapshot.paths(ROOT))
    return {(part[1], part[2]) for part in parts if len(part) > 3}


def _digests(snapshot: Snapshot, environment: str, app: str) -> dict[str, str]:
    paths = snapshot.paths(f"{ROOT}/{environment}/{app}")
    return {path: snapshot.entries[path].blob for path in paths}


def _change(
    repository: Repository,
    old: Snapshot,
    new: Snapshot,
    before: Ledger,
    after: Ledger,
    key: tuple[str, str],
) -> AppChange:
    folder = manifests_folder(*key)
    patch = repository.git("diff", "--no-color", old.commit, new.commit, "--", folder).text
    return AppChange(*key, _sentence(before.line(*key), after.line(*key)), patch)


def _sentence(old: Line, new: Line) -> str:
    if new.newest is None:
        return "all records removed"
    if old.newest is not None and old.newest.data == new.newest.data:
        return "files changed without a new record"
    release = new.newest.record.release
    now = f"model {release.model.version} (release {short(release.id)})"
    if old.current is None:
        return f"{new.newest.record.kind}: {now}, the first here"
    was = old.current.record.release
    if was.id == release.id:
        return f"{new.newest.record.kind}: {now} stays"
    return f"{new.newest.record.kind}: {now} in place of model {was.model.version}"
