"""The pull request of a proposal: its text, putting it onto the Git host, closing idle ones."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..console import Say
from ..errors import DeliveryError, Refused
from ..evidence import parse_evidence
from ..hosts.host import Host, put_comment
from ..hosts.parts import PullRequest, marker
from ..ledger import Entry, record_path
from ..proposal import Proposal, Step
from ..pushing import Origin
from ..records import ACCEPTING, Kind
from ..report.blocks import LISTS, TABLES, Block, fitted
from ..report.verdict import plain
from ..workplace import Workplace, steps_of
from .history import merges

SENTENCES: dict[Kind, str] = {
    "release": "Brings model {model} of {app} into {env}, as a new release.",
    "promote": "Takes model {model} of {app} from {origin} into {env}.",
    "configure": "Gives {app} in {env} the settings that main has now; its model stays {model}.",
    "rerender": "Writes the manifests of {app} in {env} anew, by the renderer of today; "
    "its model stays {model}.",
    "rollback": "Puts {app} in {env} back to what {record} was, with model {model}, and holds it "
    "there until `resume`.",
    "resume": "Ends the hold of {app} in {env}; what runs there stays as it is.",
}
LONGEST_TITLE = 250
"""Characters; GitHub takes 256."""
HEAD = ("app", "record", "merged", "by", "verdict", "reason", "change")


@dataclass(frozen=True)
class Wanted:
    """The pull request that a proposal is to have."""

    branch: str
    title: str
    body: str
    labels: tuple[str, ...]
    auto_merge: bool
    """Whether no person has to approve it."""


@dataclass(frozen=True)
class Idle:
    """An app that a verb has nothing to do for, and why."""

    app: str
    why: str


@dataclass(frozen=True)
class Put:
    """A pull request on the host, what became of it, and what else is to be known."""

    number: int
    url: str
    action: str
    """`opened`, `updated` or `unchanged`."""
    notes: tuple[str, ...]


def wanted(place: Workplace, proposal: Proposal) -> Wanted:
    """Return the pull request of a proposal, from records alone."""
    kind, environment = proposal.steps[0].record.kind, proposal.steps[0].environment
    needs = place.settings.environment(environment).needs(kind)
    return Wanted(
        proposal.branch,
        textwrap.shorten(proposal.subject, LONGEST_TITLE, placeholder=" …"),
        fitted(list(_body(place, proposal, needs))),
        (f"environment/{environment}", f"kind/{kind}"),
        needs == 0,
    )


def put(place: Workplace, proposal: Proposal, host: Host, origin: Origin, say: Say) -> Put:
    """Push a proposal's branch, and open its pull request or bring it up to date."""
    replacing = place.branches == "replace"
    return put_wanted(wanted(place, proposal), proposal.commit, host, origin, say, replacing)


def put_wanted(
    asked: Wanted, commit: str, host: Host, origin: Origin, say: Say, replacing: bool
) -> Put:
    """Push a commit as a branch, and open its pull request or bring it up to date."""
    say(f"pushing {asked.branch}")
    before = host.find(asked.branch)  # as it was: a push moves it
    origin.push(asked.branch, commit, replace=replacing)
    found, action = _opened(host, asked, before, commit)
    notes = list(_behind(origin, commit, host.main))
    with _open(found):
        host.label(found.number, asked.labels)
        notes += _merging(host, found, commit) if asked.auto_merge else ()
    return Put(found.number, found.html_url, action, tuple(notes))


def _opened(
    host: Host, asked: Wanted, before: PullRequest | None, commit: str
) -> tuple[PullRequest, str]:
    if before is None:
        return host.open(asked.branch, asked.title, asked.body), "opened"
    if (before.title, (before.body or "").replace("\r\n", "\n")) != (asked.title, asked.body):
        return host.change(before.number, asked.title, asked.body), "updated"
    return before, "unchanged" if before.head.sha == commit else "updated"


@contextmanager
def _open(request: PullRequest) -> Iterator[None]:
    """Have an error say that there is a pull request, which it no longer keeps from being."""
    try:
        yield
    except DeliveryError as err:
        seen = f"pull request {request.number} is open: {err.seen}"
        raise type(err)(err.code, seen, err.rule, err.next_step) from err


def _behind(origin: Origin, commit: str, main: str) -> Iterator[str]:
    """Yield what to do where main went on: the same step stays as it was approved."""
    count = origin.lacks(commit, main)
    if count:
        yield (
            f'{main} is ahead of it by {count}: press "Update branch" on its page, or the host '
            "does not merge it"
        )


def _merging(host: Host, request: PullRequest, commit: str) -> Iterator[str]:
    """Have a pull request merged once its checks pass; yield why that is not to be."""
    if not host.required_checks():
        yield f"not merged by itself: {host.main} requires no check; run `deliver protect`"
        return
    try:
        host.merge_when_ready(request, commit)
    except Refused as err:
        yield f"not merged by itself: {err.seen}"


def close_idle(
    place: Workplace, host: Host, origin: Origin, kind: Kind, environment: str, idle: Idle | None
) -> list[int]:
    """Close pull requests of one kind and environment that would change nothing; their numbers.

    Those are the ones whose record's number main has by now, and those of the app alone for which
    a verb has just found nothing to do.
    """
    closed = []
    for one in host.all_open():
        steps = steps_of(one.head.ref)
        if not steps or not one.head.ref.startswith(f"{kind}/{environment}/"):
            continue
        reason = _taken(place, one.head.ref)
        if idle is not None and [app for _, app, _ in steps] == [idle.app]:
            reason = reason or idle.why
        if reason:
            close(host, origin, one, reason)
            closed.append(one.number)
    return closed


def close(host: Host, origin: Origin, request: PullRequest, reason: str) -> None:
    """Close a pull request that would change nothing, say why, and delete its branch."""
    text = f"{marker('closed')}\nClosed, since it would change nothing: {plain(reason)}\n"
    put_comment(host, request.number, text)
    host.close(request.number)
    origin.delete(request.head.ref)


def _taken(place: Workplace, branch: str) -> str:
    """Return which record of main has the number of a step of a branch; empty for none."""
    for environment, app, number in steps_of(branch):
        newest = place.ledger.line(environment, app).newest
        if newest is not None and number <= newest.number:
            return f"{place.main_name} has {newest.name} of {app} by now."
    return ""


def _body(place: Workplace, proposal: Proposal, needs: int) -> Iterator[Block]:
    """Yield the parts; what is long makes room in a pull request of very many apps."""
    record, count = proposal.steps[0].record, len(proposal.steps)
    yield Block([marker("request")])
    yield Block([_sentence(one) for one in proposal.steps], LISTS, [f"Steps of {count} apps."])
    yield Block(["", f"**Why:** {plain(record.reason)}"])
    if record.change:
        yield Block([f"**Change:** {plain(record.change)}"])
    rows = [row for one in proposal.steps for row in _way(place, one)]
    if rows:
        table = [f"| {' | '.join(HEAD)} |", "|---" * 7 + "|"]
        table += [f"| {' | '.join(plain(cell) for cell in row)} |" for row in rows]
        yield Block(["", "### The way so far", ""])
        yield Block(table, TABLES, [f"{len(rows)} records; `deliver history APP` has them."])
    yield Block(["", "### Before it is merged", "", _approving(needs)])
    yield Block(
        ["- No cluster changes until it is merged. To let it be, close it and delete its branch."]
    )
    yield Block([f"- On a laptop: `deliver report --head origin/{proposal.branch}`", ""])


def _sentence(one: Step) -> str:
    record = one.record
    model, origin = plain(record.release.model.version), record.from_ or ""
    return SENTENCES[record.kind].format(
        app=one.app,
        env=one.environment,
        model=model,
        record=origin,
        origin=origin.partition("/")[0],
    )


def _approving(needs: int) -> str:
    if needs == 0:
        return "- Nobody has to approve it: it is merged when its checks have passed."
    who = "One person" if needs == 1 else f"{needs} people"
    return f"- {who} other than its author {'has' if needs == 1 else 'have'} to approve it."


def _way(place: Workplace, one: Step) -> Iterator[Sequence[str]]:
    """Yield a row for each record that accepted a step's release, in the order of environments."""
    names = place.settings.names
    when = merges(place.repository, place.main.commit)
    for environment in names[: names.index(one.environment) + 1]:
        for entry in place.ledger.line(environment, one.app).entries:
            record = entry.record
            if record.kind in ACCEPTING and record.release.id == one.record.release.id:
                merge = when.get(entry.path)
                yield (
                    one.app,
                    entry.name,
                    merge.time[:10] if merge else "unknown",
                    merge.by if merge else "unknown",
                    _verdict(place, entry),
                    record.reason,
                    record.change or "",
                )


def _verdict(place: Workplace, entry: Entry) -> str:
    path = record_path(entry.environment, entry.app, entry.number, "evidence.json")
    data = place.main.find(path)
    return "unknown" if data is None else parse_evidence(data, path).outcome
