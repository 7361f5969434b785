"""`deliver approvals`: whether enough people let a pull request through, by each environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ..check.change import Change
from ..errors import Refused
from ..hosts.host import Host
from ..settings import Environment, read_settings
from ..workplace import Workplace
from .pull_request import needed


@dataclass(frozen=True)
class Approved:
    """An environment that a pull request changes, how many it takes, and who counts."""

    environment: str
    needs: int
    counted: tuple[str, ...]


def approvals(place: Workplace, host: Host, number: int, head: str) -> list[Approved]:
    """Return who approves, for each environment that a pull request brings a record to.

    `head`, where it is given, is the commit that was judged; approvals count for the newest commit
    alone. Nobody approves what they opened or wrote. Numbers and names are those of the newest
    main. Raises Refused: `approvals-missing`, `head-moved`.
    """
    request = host.get(number)
    commit = place.repository.resolve(head or request.head.sha)
    if commit != request.head.sha:
        raise _moved(number, commit, request.head.sha)
    change = Change.between(place.repository, place.main.commit, commit, datetime.now(UTC))
    wanted = list(_wanted(change))
    if not any(needs for _, needs in wanted):
        return [Approved(environment.name, 0, ()) for environment, _ in wanted]
    who, authors = host.approved_by(number, commit), host.authors(request)
    return [_counted(host, environment, needs, who, authors) for environment, needs in wanted]


def _wanted(change: Change) -> Iterator[tuple[Environment, int]]:
    """Yield each environment with a new record, and the most approvals that a record needs."""
    for environment in read_settings(change.tip).environments:
        kinds = [
            entry.record.kind
            for old, new in change.lines()
            if new.environment == environment.name
            for entry in new.entries[len(old.entries) :]
        ]
        if kinds:
            yield environment, max(needed(environment, kind) for kind in kinds)


def _counted(
    host: Host, environment: Environment, needs: int, who: Iterable[str], authors: set[str]
) -> Approved:
    lower = {one.lower() for one in authors}
    others = [login for login in who if login.lower() not in lower]
    counted = tuple(login for login in others if _may(host, environment, login))
    if len(counted) < needs:
        raise _missing(environment, needs, counted)
    return Approved(environment.name, needs, counted)


def _may(host: Host, environment: Environment, login: str) -> bool:
    """Return whether somebody is an approver; without a list whoever may write is."""
    names = [name.removeprefix("@") for name in environment.approvers]
    if not names or login.lower() in {name.lower() for name in names}:
        return True
    return any(host.in_team(name, login) for name in names if "/" in name)


def _missing(environment: Environment, needs: int, counted: tuple[str, ...]) -> Refused:
    among = " ".join(environment.approvers) or "those who may write to the repository"
    has = f"{len(counted)} ({', '.join(counted)})" if counted else "none"
    return Refused(
        "approvals-missing",
        f"{environment.name} needs {needs} approvals of the newest commit and has {has}.",
        f"They are given by {among}; not by who opened the pull request or wrote a commit of it.",
        "have it approved on its page, then have this check run again",
    )


def _moved(number: int, judged: str, newest: str) -> Refused:
    return Refused(
        "head-moved",
        f"pull request {number} is at {newest[:12]} by now, and {judged[:12]} was judged.",
        "What is approved is the commit that was judged.",
        "let the check of the newest commit run",
    )
