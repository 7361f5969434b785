"""`deliver update`: what the template has by now, merged with main on a branch of its own."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..console import Say
from ..errors import Refused
from ..files import parse_yaml
from ..git import Entry, Repository, differences, last_line
from ..models.environment import app_python
from ..proposal import requested
from ..settings import PATH as SETTINGS
from ..template.deriving import derive
from ..template.linked import PATH, Linked
from ..template.merging import Sides, merge, stored, tree_of
from ..template.source import Source, cloned
from ..workplace import Workplace
from .approvals import brought, equal_commits

BRANCH = "update/template"
LOCK = Path(__file__).parents[1] / "requirements-update.lock"
RENDERER = re.compile(rb"^RENDERER = (\d+)$", re.MULTILINE)
WRITTEN = "Written-tree: "
"""What the message of the branch's commit ends with: another tree is somebody's own work."""
SAID = "--format=%B%x00%T"


@dataclass(frozen=True)
class Update:
    """What the template brings, and what becomes of the repository's own files."""

    template: str
    before: str
    after: str
    subjects: tuple[str, ...] = ()
    answers: Mapping[str, Any] | None = None
    """Questions that are new, with the template's own answers."""
    lost: tuple[str, ...] = ()
    """Files of `delivery/` that were changed here; the template's take their place."""
    kept: tuple[str, ...] = ()
    """Files that were changed here and that the template has no more."""
    changed: tuple[str, ...] = ()
    """Files of main that it adds, changes or removes."""
    renderers: tuple[str, ...] = ()
    """The parts of rendering whose version changes, as `helm 3.21.0 to 3.22.0`."""
    tree: str = ""
    """The files after it; empty where there is nothing new."""
    commit: str = ""
    """Of the branch; empty where nothing was written."""

    @property
    def subject(self) -> str:
        """The first line of its commit, which its pull request is called by."""
        return f"update: template {self.before[:12]} to {self.after[:12]}"

    @property
    def text(self) -> str:
        """What the message of its commit says before its trailers."""
        listed = "".join(f"- {one}\n" for one in self.subjects)
        return f"{self.subject}\n\n{listed}\n"


def prepare(place: Workplace, to: str | None, say: Say, *, dry_run: bool) -> Update:
    """Return what the template brings to main, with its tree; no ref and no file is changed.

    Raises Refused: `not-linked`, `template-commit-missing`, `template-not-rendered`,
    `update-conflicts`, `update-not-derived`; Unknown: `template-unreachable`,
    `environment-failed`.
    """
    linked = Linked.of(place.main, place.main_name)
    say(f"cloning the template {linked.shown}")
    with cloned(linked, place.root, os.environ) as source, _objects(place, dry_run) as repository:
        commit, follows = source.find(to)
        found = Update(linked.shown, linked.commit, commit)
        if source.clone.is_ancestor(commit, linked.commit):
            return found
        return _merged(place, repository, source, found, follows, say)


def write(place: Workplace, found: Update) -> str:
    """Return the commit that the branch now points to, here; one that brings the same stays.

    So what was approved stays approved when main goes on. Raises Refused (`branch-exists`) where
    the branch holds what `deliver` did not write.
    """
    repository, standing = place.repository, None
    for ref in (f"refs/remotes/origin/{BRANCH}", f"refs/heads/{BRANCH}"):
        tip = repository.resolve(ref) if repository.exists(ref) else None
        if tip and not untouched(place, tip):
            raise Refused(
                "branch-exists",
                f"{ref.partition('/')[2]} holds work that `deliver update` did not write.",
                "An update takes the place of the one before, and of nothing else.",
                f"merge it, or move it: git branch -m {BRANCH} another-name; delete it on origin",
            )
        if tip and _holds(place, tip, found):
            standing = standing or tip
    message = f"{found.text}{requested(place.requested_by)}{WRITTEN}{found.tree}\n"
    commit = standing or repository.commit(found.tree, place.main.commit, message)
    done = repository.git("branch", "--force", "--no-track", BRANCH, commit, check=False)
    if done.code != 0:
        raise Refused(
            "branch-exists",
            f"{BRANCH} cannot be moved: {last_line(done.stderr)}",
            "The work tree is left alone, so a branch that is checked out stays where it is.",
            f"check out another branch: git switch {place.settings.main}",
        )
    return commit


def untouched(place: Workplace, commit: str) -> bool:
    """Return whether a branch holds nothing but what `write` put there."""
    repository, main = place.repository, place.main.commit
    own = equal_commits(repository, main, commit)[-1]
    if repository.is_ancestor(own, main):
        return True
    alone = repository.git("rev-list", "--count", f"{main}..{own}").text == "1"
    text, _, tree = repository.git("show", "--no-patch", SAID, own).text.rpartition("\0")
    return alone and text.rstrip().endswith(f"{WRITTEN}{tree}")


def goes_elsewhere(place: Workplace, commit: str) -> bool:
    """Return whether a commit follows another branch or tag than main, as `--to` asked."""
    main, there = (
        Linked.of(one, "main") for one in (place.main, place.repository.snapshot(commit))
    )
    return main.checkout != there.checkout


def _merged(
    place: Workplace,
    repository: Repository,
    source: Source,
    found: Update,
    follows: str | None,
    say: Say,
) -> Update:
    main, linked = place.main, source.linked
    python = app_python(place.root, "deliver update", LOCK.read_bytes())
    say(f"rendering the template at {found.before[:12]} and {found.after[:12]}")
    then = source.rendered(python, found.before, linked.answers)
    now = source.rendered(python, found.after, linked.answers)
    state = linked.at(found.after, follows, (now / PATH).read_bytes())
    (now / PATH).write_bytes(state)
    old, new = stored(repository, then), stored(repository, now)
    old[PATH] = main.entries[PATH]
    sides = Sides.of(main.entries, old, new, linked.skip)
    say(f"merging it with {place.main_name}")
    merged = merge(repository, main, sides, source.time(found.after))
    files = derive(repository, main.entries, merged.files)
    changed = differences(main.entries, files)
    if changed.keys() <= {PATH}:  # which says alone that main is of another commit
        return found
    known = linked.answers
    answers = Linked.model_validate_json(state).answers.items()
    return Update(
        found.template,
        found.before,
        found.after,
        subjects=tuple(source.subjects(found.after)),
        answers={key: value for key, value in answers if key not in known},
        lost=sides.lost,
        kept=merged.kept,
        changed=tuple(sorted(changed)),
        renderers=tuple(_renderers(repository, main.entries, files)),
        tree=tree_of(repository, files),
    )


def _renderers(
    repository: Repository, before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> Iterator[str]:
    old, new = _versions(repository, before), _versions(repository, after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name} {old.get(name, 'none')} to {new.get(name, 'none')}"


def _versions(repository: Repository, files: Mapping[str, Entry]) -> dict[str, str]:
    settings, code = (files[path].blob for path in (SETTINGS, "delivery/__init__.py"))
    blobs = repository.read((settings, code))
    found = RENDERER.search(blobs[code])
    ours = {"deliver": found[1].decode()} if found else {}
    pinned = parse_yaml(blobs[settings], SETTINGS)["renderer"]
    return ours | {name: str(version) for name, version in pinned.items()}


def _holds(place: Workplace, commit: str, found: Update) -> bool:
    """Return whether a commit brings the same files to main, told in the same words."""
    repository, main = place.repository, place.main
    own = equal_commits(repository, main.commit, commit)[-1]
    if not repository.git("show", "--no-patch", SAID, own).text.startswith(found.text):
        return False
    brings = differences(main.entries, repository.listing(found.tree))
    return brought(repository, main.commit, own) == brings


@contextmanager
def _objects(place: Workplace, dry_run: bool) -> Iterator[Repository]:
    """Yield the repository; in a dry run its new objects go to a folder that is gone afterwards."""
    if not dry_run:
        yield place.repository
        return
    path = place.repository.git("rev-parse", "--git-path", "objects").text
    with tempfile.TemporaryDirectory(prefix="deliver-objects-") as folder:
        kept = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str((place.root / path).resolve())}
        yield Repository(place.root, {"GIT_OBJECT_DIRECTORY": folder, **kept})
