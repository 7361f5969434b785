"""`deliver promote`: take the release of one environment into the next."""

from __future__ import annotations

from datetime import date

from ..console import Say
from ..errors import Refused
from ..evidence import Judged
from ..gate import Scorer, Verdict
from ..ledger import Line, record_path
from ..proposal import (
    Proposal,
    Step,
    branch_name,
    compose_judged,
    propose,
)
from ..records import Release
from ..workplace import Workplace
from .gate import judge_for, require_pass
from .render import pending


def promote(
    workplace: Workplace,
    apps: list[str],
    environment: str,
    scorer: Scorer,
    say: Say,
    *,
    reason: str,
    change: str | None,
    today: date,
) -> tuple[Proposal, list[Verdict]]:
    """Return the proposal that brings apps' releases into an environment, and their verdicts.

    All apps pass or none is written. Raises Refused where the order, a hold or the gate forbids it.
    """
    lines = [workplace.ledger.line(environment, app) for app in dict.fromkeys(apps)]
    workplace.require_free(branch_name("promote", lines))
    judged = [_judge(workplace, line.app, environment, scorer, say, today) for line in lines]
    steps = [
        _step(workplace, line, source, verdict, reason, change) for line, source, verdict in judged
    ]
    return propose(workplace, steps), [verdict for _, _, verdict in judged]


def candidate_for(workplace: Workplace, app: str, environment: str) -> tuple[str, Release]:
    """Return the release to promote, with the record that it comes from.

    It is what the environment before runs, accepted there. Raises Refused: `first-environment`,
    `not-in-environment-before`, `withdrawn`, `nothing-to-promote`, `on-hold`.
    """
    workplace.app(app)
    before = workplace.settings.before(environment)
    if before is None:
        raise Refused(
            "first-environment",
            f"{environment} is the first environment.",
            "New releases enter there by `release`, from a model trained on main.",
            f"run `deliver release {app}`",
        )
    line = workplace.ledger.line(environment, app)
    line.require_no_hold()
    source = workplace.ledger.line(before, app)
    if source.current is None:
        raise _not_before(app, environment, before)
    release = source.current.record.release
    accepted = source.accepted(release.id)
    if accepted is None:
        raise Refused(
            "withdrawn",
            f"the release that {before} runs was taken back there.",
            "A release that was rolled back goes no further until it is accepted again.",
            f"look at `deliver history {app} --env {before}`",
        )
    _require_news(workplace, line, release)
    return accepted.name, release


def _require_news(workplace: Workplace, line: Line, release: Release) -> None:
    current = line.current
    if current is None or current.record.release.id != release.id:
        return
    waits = pending(workplace, line)
    raise Refused(
        "nothing-to-promote",
        f"{line.app} has this release in {line.environment} already ({current.name}).",
        "A promotion brings another release into an environment.",
        f"for what is pending: deliver render --env {line.environment} {line.app}"
        if waits
        else _elsewhere(workplace, line, release),
    )


def _elsewhere(workplace: Workplace, line: Line, release: Release) -> str:
    """Return where another release waits, so that it can come nearer; or that none does."""
    names = workplace.settings.names
    upstream = names[: names.index(line.environment)]
    if workplace.unpushed:
        main = workplace.settings.main
        return f"your {main} is ahead of {workplace.main_name}: run `git push origin {main}`"
    for name in reversed(upstream):
        branch = workplace.waiting.get((name, line.app))
        if branch:
            return f"branch {branch} waits to be merged into {name}"
    for name, after in zip(reversed(upstream[:-1]), reversed(upstream[1:]), strict=True):
        other = workplace.ledger.line(name, line.app).current
        if other is not None and other.record.release.id != release.id:
            return (
                f"{name} is ahead (model {other.record.release.model.version}): "
                f'deliver promote {line.app} --to {after} --reason "…"'
            )
    return "nothing is to be done"


def _judge(
    workplace: Workplace, app: str, environment: str, scorer: Scorer, say: Say, today: date
) -> tuple[Line, tuple[str, Release], Verdict]:
    name, release = candidate_for(workplace, app, environment)
    say(f"{app}: judging the release of {name} for {environment}")
    verdict = judge_for(workplace, app, environment, Judged.of(release), None, scorer, today)
    require_pass(verdict)
    return workplace.ledger.line(environment, app), (name, release), verdict


def _step(
    workplace: Workplace,
    line: Line,
    source: tuple[str, Release],
    verdict: Verdict,
    reason: str,
    change: str | None,
) -> Step:
    name, release = source
    return compose_judged(
        workplace,
        line,
        "promote",
        release,
        reason=reason,
        change=change,
        from_=name,
        evidence=verdict.evidence,
        question=_question(workplace, line.app, name),
    )


def _question(workplace: Workplace, app: str, name: str) -> bytes:
    env, number = name.split("/")
    path = record_path(env, app, int(number), "question.json")
    return workplace.main.load([path])[path]


def _not_before(app: str, environment: str, before: str) -> Refused:
    return Refused(
        "not-in-environment-before",
        f"{app} has no release in {before}.",
        f"A release enters {environment} only after {before} accepted it.",
        f"bring it to {before} first (`deliver status` shows how far it is)",
    )
