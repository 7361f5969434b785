"""Git objects, read without a checkout, and commits, written without one."""

from __future__ import annotations

import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .canonical import files_digest
from .errors import Refused, Unknown, UsageError
from .process import ProgramFailed, Result, run

NOTHING = "0" * 40
ESCAPED = "surrogateescape"
"""How paths that are no UTF-8 are kept."""
AFTER = chr(ord("/") + 1)
"""What a name follows all paths below a folder with."""
LINK_MODES = {"120000": "a symbolic link", "160000": "a submodule"}


@dataclass(frozen=True)
class Entry:
    """One file of a tree: its Git mode, such as 100644, and the id of its blob."""

    mode: str
    blob: str


Difference = tuple[Entry | None, Entry | None]
"""A file before and after; None where there is none."""


def differences(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> dict[str, Difference]:
    """Return each path that was added, removed, or has other bytes or another mode."""
    pairs = ((path, before.get(path), after.get(path)) for path in before.keys() | after.keys())
    return {path: (old, new) for path, old, new in pairs if old != new}


@dataclass(frozen=True)
class Repository:
    """A Git repository, by the folder of its work tree."""

    root: Path
    env: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What git is told on top of this process's environment."""

    @classmethod
    def find(cls, start: Path) -> Repository:
        """Return the repository around a folder; raises UsageError outside of one."""
        done = run("git", "rev-parse", "--show-toplevel", cwd=start, check=False)
        if done.code != 0:
            raise _not_readable(start, done.stderr)
        return cls(Path(done.text))

    def git(self, *words: str, check: bool = True, stdin: bytes | None = None) -> Result:
        """Return what a git command answered in this repository."""
        return run("git", *words, cwd=self.root, check=check, stdin=stdin, env=self.env)

    def resolve(self, ref: str) -> str:
        """Return the full id of the commit that a ref names; raises UsageError if there is none."""
        done = self.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", check=False)
        if done.code != 0:
            raise self._no_commit(ref)
        return done.text

    def _no_commit(self, ref: str) -> UsageError:
        next_step = "run `git fetch origin`, or name another commit"
        if ref == "HEAD":
            next_step = "make the first commit: git add --all && git commit"
        elif self.shallow:
            next_step = "run `git fetch --unshallow origin`, or name another commit"
        return UsageError(
            "no-such-commit",
            f"there is no commit `{ref}` in this clone.",
            "deliver reads what was committed.",
            next_step,
        )

    def exists(self, ref: str) -> bool:
        """Return whether a ref or object name stands for something in this clone."""
        name = f"{ref}^{{object}}"  # without this, any 40 digits pass for an object's name
        return self.git("rev-parse", "--verify", "--quiet", name, check=False).code == 0

    def merge_base(self, base: str, head: str) -> str:
        """Return the newest commit that two refs have in common.

        Raises UsageError for a ref that is none, Unknown where this clone lacks the commit.
        """
        done = self.git("merge-base", self.resolve(base), self.resolve(head), check=False)
        if done.code != 0:
            raise shallow(f"{base[:12]} and {head[:12]} have no common commit in this clone.")
        return done.text

    def merge_bases(self, base: str, head: str) -> list[str]:
        """Return every newest commit that two have in common: several where they cross."""
        return self.git("merge-base", "--all", base, head, check=False).text.split()

    def parents(self, commit: str) -> list[str]:
        """Return the commits that a commit was made on: two or more for a merge."""
        return self.git("rev-parse", f"{commit}^@").text.split()

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Return whether a commit is `of` or lies behind it; raises Unknown in a shallow clone.

        There it cannot be told; in a whole clone an unknown commit lies behind nothing.
        """
        found = self.git("merge-base", "--is-ancestor", commit, of, check=False).code == 0
        if not found and self.shallow:
            raise shallow(f"whether {commit[:12]} lies behind {of[:12]} is not in this clone.")
        return found

    @cached_property
    def shallow(self) -> bool:
        """Whether this clone lacks part of the history."""
        return self.git("rev-parse", "--is-shallow-repository").text == "true"

    def require_whole(self) -> None:
        """Raise Unknown (`history-missing`) in a shallow clone.

        Its oldest commit holds what older ones added, so that it cannot tell what was when.
        """
        if self.shallow:
            raise Unknown(
                "history-missing",
                "this clone is shallow: it does not hold when older records were merged.",
                "What was when is read from the commits of main, all of them.",
                "git fetch --unshallow origin",
            )

    def snapshot(self, ref: str) -> Snapshot:
        """Return the files of a commit."""
        return Snapshot(self, self.resolve(ref))

    def listing(self, tree: str, *paths: str) -> dict[str, Entry]:
        """Return every file below a tree or commit by its path there, or of some paths only."""
        found = {}
        out = self.git("ls-tree", "-r", "-z", "--full-tree", tree, "--", *paths).stdout
        for row in out.split(b"\0")[:-1]:
            meta, _, path = row.partition(b"\t")
            mode, _, blob = meta.decode().split()
            found[path.decode("utf-8", ESCAPED)] = Entry(mode, blob)
        return found

    def read(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of blobs by id, all from one process."""
        wanted = sorted(set(blobs))
        if not wanted:
            return {}
        done = self.git(
            "cat-file", "--batch", stdin="\n".join(wanted).encode() + b"\n", check=False
        )
        if done.code != 0:  # a partial clone that cannot fetch what it lacks
            raise shallow(f"objects are not in this clone: {last_line(done.stderr)}")
        out = done.stdout
        found: dict[str, bytes] = {}
        at = 0
        for blob in wanted:
            end = out.index(b"\n", at)
            header = out[at:end].split()
            if header[-1] == b"missing":
                raise shallow(f"object {blob} is not in this clone.")
            size = int(header[2])
            found[blob] = out[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return found

    def write_branch(
        self,
        branch: str,
        parent: str,
        files: Mapping[str, bytes | None],
        message: str,
        *,
        replace: bool = False,
    ) -> str:
        """Return the commit that a new branch now points to: `parent` with files put or removed.

        Neither the work tree nor its index is touched, and the branch appears whole or not at all.
        Raises Refused (`branch-exists`) when there is such a branch: two promotions at once. With
        `replace` it may be there.
        """
        if not replace:
            self.require_free(branch)
        rows = "".join(self._index_row(path, data) for path, data in sorted(files.items()))
        commit = self.commit(self.write_tree(rows, parent), parent, message)
        before = () if replace else (NOTHING,)
        if self.git("update-ref", f"refs/heads/{branch}", commit, *before, check=False).code != 0:
            raise self._taken(branch)
        return commit

    def write_tree(self, rows: str, start: str | None = None) -> str:
        """Return the tree that rows of `git update-index` give, on top of a commit's or of none."""
        with tempfile.TemporaryDirectory() as folder:
            index = {**self.env, "GIT_INDEX_FILE": str(Path(folder, "index"))}
            aside = Repository(self.root, index)
            aside.git("read-tree", start or "--empty")
            aside.git("update-index", "-z", "--index-info", stdin=rows.encode(errors=ESCAPED))
            return aside.git("write-tree").text

    def commit(self, tree: str, parent: str, message: str) -> str:
        """Return a new commit of a tree, signed where Git is told to; no branch points to it."""
        sign = self.git("config", "--bool", "commit.gpgsign", check=False).text == "true"
        words = ["commit-tree", tree, "-p", parent, "-F", "-", *(["-S"] if sign else [])]
        return self.git(*words, stdin=message.encode()).text

    def require_identity(self) -> None:
        """Raise UsageError (`no-identity`) unless Git knows who writes commits here."""
        for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            done = self.git("var", who, check=False)
            if done.code != 0:
                raise UsageError(
                    "no-identity",
                    f"Git does not know who you are: {last_line(done.stderr)}",
                    "A record's commit says who proposed it.",
                    "git config --global user.name NAME && git config --global user.email ADDRESS",
                )

    def _index_row(self, path: str, data: bytes | None) -> str:
        if data is None:
            return f"0 {NOTHING}\t{path}\0"
        blob = self.git("hash-object", "-w", "--no-filters", "--stdin", stdin=data).text
        return f"100644 {blob}\t{path}\0"

    def require_free(self, branch: str) -> None:
        """Raise Refused (`branch-exists`) where this clone or origin has a branch of a name."""
        if self.exists(f"refs/heads/{branch}") or self.exists(f"refs/remotes/origin/{branch}"):
            raise self._taken(branch)

    def tips(self, branch: str) -> list[str]:
        """Return the commits of a branch, origin's and this clone's: the one that went on first."""
        refs = (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}")
        found = [self.resolve(ref) for ref in refs if self.exists(ref)]
        return found[::-1] if len(found) == 2 and self.is_ancestor(*found) else found

    def _taken(self, branch: str) -> Refused:
        commands = [f"git branch -D {branch}"]
        if self.exists(f"refs/remotes/origin/{branch}"):
            commands.append(f"git push origin --delete {branch}")
        return Refused(
            "branch-exists",
            f"branch {branch} exists already: the same step was taken before, or is under way.",
            "One branch carries one step, so that two of them cannot cross.",
            f"merge it, or delete it with `{' ; '.join(commands)}` and call again",
        )


@dataclass(frozen=True)
class Snapshot:
    """The files of one commit, or of one tree, as they were committed."""

    repository: Repository
    commit: str
    _cache: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Every file of the commit by path."""
        return self.repository.listing(self.commit)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.entries)

    def paths(self, folder: str) -> list[str]:
        """Return the paths of all files below a folder, in order."""
        names = self._sorted  # looked up, not searched: verbs ask for each app and environment
        return names[bisect_left(names, f"{folder}/") : bisect_left(names, f"{folder}{AFTER}")]

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders directly in a folder, in order."""
        start = f"{folder}/"
        rest = (path[len(start) :] for path in self.paths(folder))
        return sorted({path.split("/", 1)[0] for path in rest if "/" in path})

    def find(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is no such regular file."""
        entry = self.entries.get(path)
        if entry is None or entry.mode in LINK_MODES:
            return None
        return self.load([path])[path]

    def load(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of files by path, those not read before from one process."""
        wanted = {path: self.entries[path].blob for path in paths}
        self._cache.update(self.repository.read(b for b in wanted.values() if b not in self._cache))
        return {path: self._cache[blob] for path, blob in wanted.items()}

    def tree(self, folder: str) -> str | None:
        """Return the id of a folder's Git tree, or None where there is no such folder."""
        name = f"{self.commit}:{folder}"
        done = self.repository.git("rev-parse", "--verify", "--quiet", name, check=False)
        return done.text if done.code == 0 else None

    def folder(self, folder: str) -> Folder:
        """Return a folder's files with their digest; raises Refused for links and submodules."""
        paths = self.paths(folder)
        start = len(folder) + 1
        entries = {path[start:]: self.entries[path] for path in paths}
        plain = [path for path in paths if self.entries[path].mode not in LINK_MODES]
        blobs = {self.entries[path].blob: data for path, data in self.load(plain).items()}
        return Folder.of(folder, entries, blobs)


@dataclass(frozen=True)
class Folder:
    """A folder's files by relative path, and our own digest of them."""

    files: Mapping[str, bytes]
    sha256: str

    @classmethod
    def of(cls, name: str, entries: Mapping[str, Entry], blobs: Mapping[str, bytes]) -> Folder:
        """Return the folder that tree entries stand for.

        Raises Refused: `link-in-sources`, `odd-path`.
        """
        for path, entry in entries.items():
            if not path.isprintable():  # nor is what Git holds as bytes that are no UTF-8
                raise Refused(
                    "odd-path",
                    f"{name}/{path!a} is no name that can be shown.",
                    "Paths are UTF-8 without control characters, so that all who read see one.",
                    "rename the file",
                )
            if entry.mode in LINK_MODES:
                raise Refused(
                    "link-in-sources",
                    f"{name}/{path} is {LINK_MODES[entry.mode]}.",
                    "What a release pins holds plain files only, so nothing outside can change it.",
                    "put the file itself there",
                )
        files = {path: blobs[entry.blob] for path, entry in entries.items()}
        runs = [path for path, entry in entries.items() if entry.mode == "100755"]
        return cls(files, files_digest(files, runs))


def pinned_folder(repository: Repository, name: str, tree: str) -> Folder:
    """Return the folder of a Git tree by its id; raises Unknown when the tree is gone."""
    try:
        entries = repository.listing(tree)
        blobs = repository.read(e.blob for e in entries.values() if e.mode not in LINK_MODES)
    except (ProgramFailed, Unknown) as err:
        raise shallow(f"tree {tree[:12]} of {name} is not in this clone.") from err
    return Folder.of(name, entries, blobs)


def last_line(text: str) -> str:
    """Return the last line of what a program said, which is where Git names the cause."""
    return text.strip().rpartition("\n")[2]


def cause(text: str) -> str:
    """Return the line in which Git names the cause where advice may follow, as of a remote."""
    named = (row.strip() for row in text.splitlines() if "rejected]" in row or "fatal:" in row)
    return next(named, last_line(text))


def _not_readable(start: Path, said: str) -> UsageError:
    if "dubious ownership" in said:
        return UsageError(
            "not-your-repository",
            f"the repository around {start} belongs to another user, so Git does not read it.",
            "Whoever owns a repository can have Git run programs.",
            f"{last_line(said).strip()}   if you trust it, or make a clone of your own",
        )
    return UsageError(
        "no-repository",
        f"{start} is not in the work tree of a Git repository: {last_line(said)}",
        "deliver reads and writes Git objects.",
        "call it inside a clone, or do what Git's message says",
    )


def shallow(seen: str) -> Unknown:
    """Return the error for a part of the history that this clone does not have."""
    return Unknown(
        "history-missing",
        seen,
        "A shallow or partial clone cannot answer this.",
        "run `git fetch --unshallow origin` (or `git fetch origin`) and call again",
    )
