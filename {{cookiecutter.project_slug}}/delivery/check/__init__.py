"""`deliver check`: the rules, on a change or on the whole repository.

A rule is a function that yields a refusal for each thing that breaks it; all are asked, so that one
run tells everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..console import Say
from ..errors import DeliveryError, Unknown, printable
from ..git import Repository, Snapshot
from ..process import run
from . import layout
from .argocd import argocd_is_current, argocd_is_valid
from .change import Change
from .holdouts import holdouts_hold
from .owners import owners_are_current
from .records import RULES, Added
from .rendered import rendered_again, sources_render
from .secrets import no_secrets
from .waivers import new_waivers
from .whole import whole

if TYPE_CHECKING:
    from ..models.stored import Stored

T = TypeVar("T")

CHANGE_RULES: tuple[Callable[[Change], Iterator[DeliveryError]], ...] = (
    layout.judge_and_judged,
    layout.one_environment,
    layout.known_lines,
    layout.apps_stay,
    layout.only_known_files,
    layout.append_only,
    layout.one_new_record,
    layout.own_evidence,
    new_waivers,
    holdouts_hold,
    no_secrets,
    sources_render,
    argocd_is_valid,
    argocd_is_current,
    owners_are_current,
)


@dataclass(frozen=True)
class Report:
    """What was checked, what was found, and whether the judge was the base's own."""

    subject: str
    findings: list[DeliveryError]
    preview: bool = False

    @property
    def exit_code(self) -> int:
        """0 all rules hold · 1 a rule is broken · 3 could not tell, or only a preview."""
        codes = {finding.exit_code for finding in self.findings}
        if codes - {Unknown.exit_code}:
            return 1
        return Unknown.exit_code if codes or self.preview else 0


def check_change(repository: Repository, base: str, head: str, now: datetime) -> Report:
    """Return the verdict of all rules on what `head` brings to `base`.

    Both are read from Git objects, neither is checked out. Waivers, and windows in which nothing
    may change, are judged by `now`.
    Where the code that runs is not the base's `delivery/`, the result is a preview.
    """
    return check_on(Change.between(repository, base, head, now))


def check_on(change: Change) -> Report:
    """Return the verdict of all rules on a change that was read already."""
    findings = list(_all(CHANGE_RULES, change))
    if not findings:
        for old, new in change.lines():
            for entry in new.entries[len(old.entries) :]:
                findings += _record(Added(change, old, entry))
    apps = ", ".join(f"{app} in {env}" for env, app in change.touched) or "sources only"
    apps = printable(apps).replace("\n", " ")  # a change may name a folder anything
    subject = f"{change.base.commit[:12]}..{change.head.commit[:12]}: {apps}"
    return Report(subject, findings, preview=not is_base_judge(change.base))


def check_whole(repository: Repository) -> Report:
    """Return the verdict on HEAD's releases and the work tree, offline."""
    return Report(_whole(repository), _guarded(whole, repository))


def check_images(repository: Repository, stored: Stored, say: Say) -> Report:
    """Return the verdict of `check_whole`, and on the images that records name."""
    from .images import images  # loads numpy, which no other check needs

    found = check_whole(repository).findings
    found += _guarded(lambda place: images(place, stored, say), repository)
    return Report(f"{_whole(repository)}, with its images", found)


def _whole(repository: Repository) -> str:
    changed = repository.git("status", "--porcelain", "--", ":/", check=False).text.splitlines()
    apart = f" (not looked at: {len(changed)} uncommitted changes)" if changed else ""
    return f"the whole repository at HEAD{apart}"


def _record(added: Added) -> list[DeliveryError]:
    found = list(_all(RULES, added))
    # What breaks another rule need not be rendered: its pins may name anything.
    return found or list(_all((rendered_again,), added))


def _all(
    rules: Iterable[Callable[[T], Iterator[DeliveryError]]], subject: T
) -> Iterator[DeliveryError]:
    for rule in rules:
        yield from _guarded(rule, subject)


def _guarded(rule: Callable[[T], Iterable[DeliveryError]], subject: T) -> list[DeliveryError]:
    """Return a rule's findings; one that could not be asked is a finding itself."""
    try:
        return list(rule(subject))
    except DeliveryError as err:
        return [err]


def is_base_judge(base: Snapshot) -> bool:
    """Return whether the files of the running `delivery` package are those of a commit."""
    package = Path(__file__).parent.parent
    files = sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    names = [f"delivery/{path.relative_to(package).as_posix()}" for path in files]
    listed = "\n".join(str(path) for path in files).encode()
    words = ("hash-object", "--no-filters", "--stdin-paths")
    blobs = run("git", *words, cwd=base.repository.root, stdin=listed).text.split()
    committed = {path: base.entries[path].blob for path in base.paths("delivery")}
    return dict(zip(names, blobs, strict=True)) == committed
