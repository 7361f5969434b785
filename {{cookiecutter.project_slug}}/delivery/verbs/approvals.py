"""`deliver approvals`: whether enough people let a pull request through."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..check.change import Change
from ..errors import Refused
from ..git import Difference, Repository, differences
from ..hosts.host import Host
from ..hosts.parts import PullRequest
from ..owners import ROOT_FILES, touched
from ..proposal import REQUESTED
from ..settings import read_settings
from ..workplace import Workplace

REQUESTERS = re.compile(rf"^{REQUESTED}:(.*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Approved:
    """What a pull request changes, how many approvals that takes, and whose count."""

    subject: str
    """An environment, or an owned path."""
    needs: int
    counted: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """It in words."""
        who = f"approved by {', '.join(self.counted)}" if self.needs else "nobody has to approve"
        return f"{named(self.subject)}: {who}"


@dataclass(frozen=True)
class Need:
    """Approvals that are needed: how many, and by whom; anybody who may write without names."""

    subject: str
    count: int
    names: tuple[str, ...]


def approvals(place: Workplace, host: Host, number: int, head: str) -> list[Approved]:
    """Return who approves, for each environment and owned path that a pull request changes.

    `head`, where it is given, is the commit that was judged; approvals count for what the newest
    commit brings. Nobody approves what they opened, wrote or asked for. Numbers and names are those
    of the newest main. Raises Refused: `approvals-missing`, `head-moved`.
    """
    request = host.get(number)
    commit = place.repository.resolve(head or request.head.sha)
    require_newest(request, commit)
    change = Change.between(place.repository, place.main.commit, commit, datetime.now(UTC))
    found = [*_records(change), *([] if host.enforces_owners else _owned(place, change))]
    if not any(need.count for need in found):
        return [Approved(need.subject, 0, ()) for need in found]
    same = equal_commits(place.repository, place.main.commit, commit)
    wrote = (*host.authors(request, same[:-1]), *requesters(change))
    authors = {one.lower() for one in wrote}
    others = [one for one in host.approved_by(number, same) if one.lower() not in authors]
    return [_counted(host, need, others) for need in found]


def equal_commits(repository: Repository, main: str, head: str) -> list[str]:
    """Return the commits that bring to main what `head` does, newest first.

    Those after the last one do no more than take in the main of their time: by hand, or by the
    host's button. So what was approved is still what is asked for, and who pressed wrote nothing.
    Where main changed a file that is asked for, they may have undone that, and are told apart.
    """
    found = [head]
    while len(parents := repository.parents(found[-1])) == 2:
        before, other = parents
        # Of several bases, a reviewer may have been shown what lies between another one and it.
        if not repository.is_ancestor(other, main) or len(repository.merge_bases(main, before)) > 1:
            break
        if brought(repository, main, before) != brought(repository, main, found[-1]):
            break
        found.append(before)
    return found


def brought(repository: Repository, main: str, commit: str) -> dict[str, Difference]:
    """Return each path in which a commit differs from main: as main had it, and as it left it."""
    base = repository.snapshot(repository.merge_base(main, commit))
    return differences(base.entries, repository.snapshot(commit).entries)


def requesters(change: Change) -> list[str]:
    """Return who asked for a commit, as its message says; a false name only takes one away."""
    commits = f"{change.base.commit}..{change.head.commit}"
    told = REQUESTERS.findall(change.repository.git("log", "--format=%B", commits).text)
    return [name for names in told for name in names.split()]


def _records(change: Change) -> Iterator[Need]:
    """Yield what each environment with a new record needs: the most that one of them does."""
    environments = read_settings(change.tip).environments
    known = {environment.name for environment in environments}
    if gone := sorted({name for name, _ in change.touched} - known):
        raise Refused(
            "unknown-line",
            f"main has no environment {gone[0]} any more, and this brings records for it.",
            "How many have to approve a record stands in delivery.yaml on the newest main.",
            "close the pull request, or bring the environment back first",
        )
    for environment in environments:
        kinds = [
            entry.record.kind
            for old, new in change.lines()
            if new.environment == environment.name
            for entry in new.entries[len(old.entries) :]
        ]
        if kinds:
            count = max(environment.needs(kind) for kind in kinds)
            yield Need(environment.name, count, tuple(environment.approvers))


def _owned(place: Workplace, change: Change) -> Iterator[Need]:
    """Yield a need for each owned path that is touched: one of its owners."""
    apps = {app.name: app.file for app in place.apps}
    for row in touched(place.settings, apps, change.paths):
        yield Need(row.path, 1, row.owners)


def _counted(host: Host, need: Need, who: Sequence[str]) -> Approved:
    counted = tuple(login for login in who if _may(host, need.names, login))
    if len(counted) < need.count:
        raise missing(need, counted)
    return Approved(need.subject, need.count, counted)


def _may(host: Host, owners: Sequence[str], login: str) -> bool:
    """Return whether somebody is named, or is in a team that is; without names anybody may."""
    names = [name.removeprefix("@") for name in owners]
    if not names or login.lower() in {name.lower() for name in names}:
        return True
    return any(host.in_team(name, login) for name in names if "/" in name)


def named(subject: str) -> str:
    """Return an environment or an owned path as a person reads it."""
    return f"files of the root folder (`{subject}`)" if subject == ROOT_FILES else subject


def missing(need: Need, counted: tuple[str, ...]) -> Refused:
    """Return the refusal where too few approve."""
    among = " ".join(need.names) or "those who may write to the repository"
    plural = "approval" if need.count == 1 else "approvals"
    who = f" ({', '.join(counted)})" if counted else ""
    return Refused(
        "approvals-missing",
        f"{named(need.subject)}: {need.count} {plural} of the newest commit needed, "
        f"{len(counted)} there{who}.",
        f"They are given by {among}; not by who opened the pull request, asked for it, or wrote a "
        "commit of it.",
        "have it approved on its page, then have this check run again",
    )


def require_newest(request: PullRequest, judged: str) -> None:
    """Raise Refused (`head-moved`) where a pull request has another commit by now."""
    if judged != request.head.sha:
        raise Refused(
            "head-moved",
            f"pull request {request.number} is at {request.head.sha[:12]} by now, and "
            f"{judged[:12]} was judged.",
            "What is approved, and told of in its comment, is the commit that was judged.",
            "let the check of the newest commit run",
        )
