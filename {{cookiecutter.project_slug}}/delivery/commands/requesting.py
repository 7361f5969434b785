"""`--pr` and `--dry-run`: what the moving verbs do beside writing a branch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import progress, show, show_json
from ..errors import DeliveryError, Refused
from ..moving import require_moving
from ..records import Kind
from ..workplace import Workplace
from . import output
from .options import utc, writing

if TYPE_CHECKING:
    from ..hosts.host import Host
    from ..proposal import Proposal
    from ..pushing import Origin
    from ..verbs.pull_request import Idle, Put

Pr = Annotated[bool, typer.Option("--pr", help="Push it, and open or update its pull request.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
NOTHING = ("nothing-to-promote", "nothing-to-release", "nothing-pending", "not-on-hold")


@dataclass(frozen=True)
class Wish:
    """What a verb was asked beside its work."""

    kinds: Sequence[Kind]
    """The kinds of record that the verb writes."""
    pr: bool
    dry_run: bool
    as_json: bool

    def place(self, environment: str | None, now: datetime | None) -> Workplace:
        """Return the workplace of a verb, with what it may do to branches.

        With a pull request it is of the newest main, which is fetched. Raises Refused where the
        environment, the first where none is named, is stopped or frozen; a rollback passes.
        """
        place = workplace(fetched=self.pr and not self.dry_run)
        settings = place.settings
        if "rollback" not in self.kinds:
            require_moving(settings.environment(environment or settings.names[0]), utc(now))
        if self.dry_run:
            return replace(place, branches="none")
        if self.pr:
            return replace(place, branches="replace" if "release" in self.kinds else "again")
        return place

    @contextmanager
    def idle_closed(
        self, place: Workplace, environment: str | None, apps: Sequence[str]
    ) -> Iterator[None]:
        """Close the pull request of an app when the verb says that it has nothing to do there.

        Of several apps it is not known which one is meant, so none is closed.
        """
        from ..verbs.pull_request import Idle

        try:
            yield
        except Refused as err:
            if self.pr and not self.dry_run and err.code in NOTHING and len(apps) == 1:
                self.close_idle(place, environment, Idle(apps[0], err.seen))
            raise

    def close_idle(
        self, place: Workplace, environment: str | None, idle: Idle | None = None
    ) -> None:
        """Close idle pull requests and tell which."""
        from ..verbs.pull_request import close_idle

        where = environment or place.settings.names[0]
        with connected(place) as (host, origin), progress() as say:
            for kind in self.kinds:
                for number in close_idle(place, host, origin, kind, where, idle):
                    say(f"closed pull request {number}: it would change nothing")

    def nothing(
        self, place: Workplace, environment: str | None, left_out: Sequence[DeliveryError]
    ) -> None:
        """Tell that there is no proposal, after idle pull requests were closed."""
        if self.pr and not self.dry_run:
            self.close_idle(place, environment)
        if self.as_json:
            show_json({"branch": None, "commit": None, "steps": []} | _left_out(left_out))
        elif not left_out:
            show("no app differs from its newest release")

    def done(
        self,
        place: Workplace,
        *proposals: Proposal,
        several: bool = False,
        left_out: Sequence[DeliveryError] = (),
    ) -> None:
        """Print what was written, or would be; with `--pr` put the pull requests in place first."""
        found = [self._one(place, one) for one in proposals]
        if self.as_json:
            show_json(found if several else found[0] | _left_out(left_out))

    def _one(self, place: Workplace, proposal: Proposal) -> dict[str, Any]:
        """Return for machines what became of a proposal, printed for people."""
        told = output.proposal(proposal)
        if self.dry_run:
            return told | {"dry_run": True, **self._would(place, proposal)}
        if self.pr:
            return told | {"pull_request": self._put(place, proposal)}
        if not self.as_json:
            output.proposed(proposal)
        return told

    def _put(self, place: Workplace, proposal: Proposal) -> dict[str, Any]:
        from ..verbs.pull_request import put

        with connected(place) as (host, origin), progress() as say:
            made = put(place, proposal, host, origin, say)
        self.close_idle(place, proposal.steps[0].environment)
        if not self.as_json:
            show(f"written: {output.names(proposal)} on branch {proposal.branch}")
            for line in lines_of(made):
                show(line)
            show("next:    it is checked and approved there (docs/ci.md); once merged: git pull")
        return vars(made)

    def _would(self, place: Workplace, proposal: Proposal) -> dict[str, Any]:
        from ..verbs.pull_request import wanted

        asked = wanted(place, proposal) if self.pr else None
        if not self.as_json:
            show(f"would write: {output.names(proposal)} on branch {proposal.branch}")
        if asked is not None and not self.as_json:
            show(f"would push it, and open or update the pull request: {asked.title}")
            show(f"with labels: {', '.join(asked.labels)}")
            show(f"merged by: {'itself' if asked.auto_merge else 'people'}")
            show(f"\n{asked.body}")
        return {} if asked is None else {"pull_request": vars(asked)}


def _left_out(errors: Sequence[DeliveryError]) -> dict[str, Any]:
    return {"left_out": [error.as_json() for error in errors]} if errors else {}


def workplace(*, fetched: bool) -> Workplace:
    """Return a workplace that knows who asked by a button; if `fetched`, of the newest main."""
    place = writing()
    if fetched:
        with connected(place) as (_, origin):
            origin.fetch()
        place = writing()
    return replace(place, requested_by=os.environ.get("DELIVER_REQUESTED_BY", ""))


def lines_of(made: Put) -> Iterator[str]:
    """Yield what became of a pull request, and what else is to be known."""
    yield f"{made.action + ':':<8} pull request {made.number}: {made.url}"
    yield from (f"note:    {note}" for note in made.notes)


@contextmanager
def connected(place: Workplace) -> Iterator[tuple[Host, Origin]]:
    """Yield the Git host and the origin of a workplace, with the token for both."""
    from ..hosts.finding import connect
    from ..pushing import Origin

    with connect(place.settings, os.environ) as host:
        rest, url = host.rest, place.settings.repository
        yield host, Origin(place.repository, rest.token, url, rest.variable)
