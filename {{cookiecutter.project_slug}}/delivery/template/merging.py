"""A three-way merge of main with what the template gave then and gives now, without a work tree.

base   what the template gave, in what it and main have in common
main   the repository
new    what the template gives now

It is Git's own merge, of trees: cruft's way, a patch by `git apply -3`, needs the blobs of then,
which a clone of main need not hold, and leaves `*.rej` files without them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import Refused
from ..git import ESCAPED, Entry, Repository, Snapshot
from ..ledger import ROOT as RELEASES
from ..owners import PATHS as OWNERS
from ..process import failed

JUDGE = "delivery/"
DERIVED = ("argocd/", *OWNERS.values())
NEVER = (f"{RELEASES}/", *DERIVED)
"""Written by `deliver` alone."""
WHO = "deliver"
OPTIONS = ("-c", "merge.renames=true", "-c", "merge.directoryRenames=false")

Entries = dict[str, Entry]


@dataclass(frozen=True)
class Sides:
    """The files of a merge by path; `base` and `new` hold only what the template has a say in."""

    base: Entries
    main: Entries
    new: Entries
    lost: tuple[str, ...]
    """What main changed in `delivery/`, which is the template's, whole."""

    @classmethod
    def of(cls, main: Entries, old: Entries, new: Entries, skip: Iterable[str]) -> Sides:
        """Return the sides without what the template may not touch.

        That is what `deliver` writes, what .cruft.json skips, and what main has removed.
        """
        gone = _removed(old, main)
        skipped = [PurePosixPath(pattern.rstrip("/")) for pattern in skip]

        def ours(path: str) -> bool:
            if path.startswith(JUDGE):
                return False
            above = (path, *map(str, PurePosixPath(path).parents))
            return path.startswith(NEVER) or any(
                one in gone or any(_fits(one, pattern) for pattern in skipped) for one in above
            )

        judge = {path: entry for path, entry in main.items() if path.startswith(JUDGE)}
        kept = {p: e for p, e in old.items() if not ours(p) and not p.startswith(JUDGE)}
        return cls(
            kept | judge,
            main,
            {path: entry for path, entry in new.items() if not ours(path)},
            tuple(_lost(judge, old, new)),
        )


@dataclass(frozen=True)
class Merged:
    """What a merge gives, and where main kept a file that the template has no more."""

    files: Entries
    kept: tuple[str, ...]


def merge(repository: Repository, main: Snapshot, sides: Sides, time: str) -> Merged:
    """Return main with what the template brings; raises Refused (`update-conflicts`).

    `time` is that of the template's commit: the commit of its change has one id everywhere.
    """
    base = _commit(repository, tree_of(repository, sides.base), None, time)
    new = _commit(repository, tree_of(repository, sides.new), base, time)
    head = _commit(repository, f"{main.commit}^{{tree}}", base, time)
    words = ("merge-tree", "--write-tree", "-z", "--no-messages", head, new)
    done = repository.git(*OPTIONS, *words, check=False)
    if done.code not in (0, 1):
        raise failed(["git", *words], f"exit status {done.code}: Git 2.38 or newer is needed")
    tree, *rows = done.stdout.decode("utf-8", ESCAPED).split("\0")
    stages: dict[str, set[str]] = {}
    for row in rows[: rows.index("")]:
        what, _, path = row.partition("\t")
        stages.setdefault(path, set()).add(what.rpartition(" ")[2])
    kept = {path for path, found in stages.items() if found == {"1", "2"}}
    if stages.keys() - kept:
        raise _conflicts(sorted(stages.keys() - kept), new, main)
    files = {p: e for p, e in repository.listing(tree).items() if not p.startswith(JUDGE)}
    files |= {path: entry for path, entry in sides.new.items() if path.startswith(JUDGE)}
    return Merged(files, tuple(sorted(kept)))


def stored(repository: Repository, folder: Path, start: str | tuple[str, ...] = "") -> Entries:
    """Return the files of a folder by path, written to the repository as blobs, byte for byte.

    Those alone whose path has a start; a repository that was made there, as hooks of a template
    do, is none of them.
    """
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*"))}
    own = {name.as_posix(): path for name, path in found.items() if name.parts[0] != ".git"}
    files = {name: path for name, path in own.items() if name.startswith(start) and path.is_file()}
    listed = "".join(f"{path}\n" for path in files.values()).encode()
    words = ("hash-object", "-w", "--no-filters", "--stdin-paths")
    blobs = repository.git(*words, stdin=listed).text.split()
    modes = ("100755" if os.access(path, os.X_OK) else "100644" for path in files.values())
    return {name: Entry(*row) for name, *row in zip(files, modes, blobs, strict=True)}


def tree_of(repository: Repository, files: Mapping[str, Entry]) -> str:
    """Return the Git tree of files by path."""
    return repository.write_tree("".join(f"{e.mode} {e.blob}\t{p}\0" for p, e in files.items()))


def _commit(repository: Repository, tree: str, parent: str | None, time: str) -> str:
    parts = {
        f"GIT_{who}_{what}": WHO for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    dates = {f"GIT_{who}_DATE": f"{time} +0000" for who in ("AUTHOR", "COMMITTER")}
    aside = Repository(repository.root, {**repository.env, **parts, **dates})
    parents = ("-p", parent) if parent else ()
    return aside.git("commit-tree", tree, *parents, "-m", "Take in the template").text


def _removed(old: Entries, main: Entries) -> set[str]:
    """Return the files and folders that the template gave and main has not."""
    gone = old.keys() - main.keys()
    return set(gone) | (_folders(gone) - _folders(main))


def _folders(paths: Iterable[str]) -> set[str]:
    return {str(folder) for path in paths for folder in PurePosixPath(path).parents}


def _fits(path: str, pattern: PurePosixPath) -> bool:
    """Return whether a path is what a line of `skip` names; a pattern fits from the root on."""
    return path == str(pattern) or PurePosixPath(f"/{path}").match(f"/{pattern}")


def _lost(judge: Entries, old: Entries, new: Entries) -> list[str]:
    paths = judge.keys() | {path for path in old if path.startswith(JUDGE)}
    return sorted(path for path in paths if judge.get(path) not in (old.get(path), new.get(path)))


def _conflicts(paths: list[str], change: str, main: Snapshot) -> Refused:
    return Refused(
        "update-conflicts",
        f"the template and main changed the same lines of {', '.join(paths)}.",
        "A pull request brings no file with conflict marks: who owns these files has to decide.",
        "in a clone of your own call `deliver update` once, then "
        f"`git switch -c update-by-hand {main.commit[:12]} && git cherry-pick {change[:12]}`; mend "
        "the files, `git add` them, `git cherry-pick --continue`, then `make setup`, "
        "`deliver argocd`, `deliver owners`, commit, and open its pull request",
    )
