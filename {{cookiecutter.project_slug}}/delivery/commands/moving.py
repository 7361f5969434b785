"""Verbs that move releases: each writes records on a branch of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..console import progress
from ..errors import Unknown, UsageError
from ..several import Several
from ..workplace import Workplace, sources_of
from . import output
from .options import (
    AppName,
    AppNames,
    AsJson,
    Change,
    InEnvironment,
    MaybeAppNames,
    ModelVersion,
    Now,
    Reason,
    ToEnvironment,
    utc,
)
from .requesting import DryRun, Pr, Wish

if TYPE_CHECKING:
    from ..gate import Scorer


def mount(app: typer.Typer) -> None:
    """Add the moving verbs to the command."""
    for command in (release, promote, render, rollback, resume):
        app.command()(command)


def release(
    app: Annotated[
        list[str] | None, typer.Argument(metavar="[APP]...", help="Apps, unless --changed.")
    ] = None,
    changed: bool = typer.Option(False, help="Every app that differs from its newest release."),
    model: ModelVersion = None,
    reason: Reason = "merged to main",
    change: Change = None,
    now: Now = None,
    pr: Pr = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Judge a built model and write its release for the first environment on a branch.

    Example: deliver release tumour-classifier --reason "first model"
    """
    from ..models.container import ContainerScorer
    from ..models.engine import find_engine
    from ..models.registry import Registry
    from ..verbs import release as verb

    if bool(app) == changed:
        raise UsageError(
            "which-apps",
            "neither apps nor --changed, or both, were given.",
            "`release` takes the names of apps, or finds those that changed.",
            "call `deliver release APP` or `deliver release --changed`",
        )
    wish = Wish(("release",), pr, dry_run, as_json)
    place = wish.place(None, now)
    for name in app or []:  # what was not merged needs no engine to be refused
        place.require_committed(sources_of(place.app(name), place.settings))
    with wish.idle_closed(place, None, app or []), output.with_verdict(as_json), progress() as say:
        engine = find_engine("score")
        registry = Registry.of(place.settings, place.root)
        tools = verb.Tools(registry, engine, ContainerScorer(engine), utc(now).date())
        wanted = verb.Wanted(model, reason, change)
        if changed:
            proposal, found = verb.release_changed(place, tools, say, wanted)
        else:
            proposal, verdicts = verb.release(place, app or [], tools, say, wanted)
            found = Several(verdicts)
    output.verdicts(found.done, as_json)
    if proposal is None:
        wish.nothing(place, None, found.errors)
    else:
        wish.done(place, proposal, left_out=found.errors)
    output.failed(found.errors, as_json)


def promote(
    app: AppNames,
    to: ToEnvironment,
    reason: Reason,
    change: Change = None,
    now: Now = None,
    pr: Pr = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Judge what the environment before runs, and write its promotion on a branch.

    Example: deliver promote tumour-classifier --to staging --reason "first model"
    """
    from ..verbs.promote import candidate_for
    from ..verbs.promote import promote as verb

    wish = Wish(("promote",), pr, dry_run, as_json)
    place = wish.place(to, now)
    with wish.idle_closed(place, to, app):
        for name in app:
            candidate_for(place, name, to)  # what is out of order needs no engine to be refused
    with output.with_verdict(as_json), progress() as say:
        scorer = _scorer(place, app, to, as_json)
        proposal, verdicts = verb(
            place, app, to, scorer, say, reason=reason, change=change, today=utc(now).date()
        )
    output.verdicts(verdicts, as_json)
    wish.done(place, proposal)


def _scorer(place: Workplace, apps: list[str], environment: str, as_json: bool) -> Scorer:
    """Return the scorer of this machine; where there is none, print a preview and raise Unknown."""
    from ..models.container import ContainerScorer
    from ..verbs.preview import not_scored, preview

    try:
        return ContainerScorer.here()
    except Unknown as err:
        for name in () if as_json else apps:
            output.rows(preview(place, name, environment), as_json=False, none="")
        raise not_scored(err, apps, environment) from None


def render(
    env: InEnvironment,
    app: MaybeAppNames = None,
    reason: Reason = "sources on main changed",
    change: Change = None,
    now: Now = None,
    pr: Pr = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring a changed overlay, setting or renderer into an environment, on a branch.

    Example: deliver render --env staging tumour-classifier
    """
    from ..verbs.render import render_pending

    wish = Wish(("configure", "rerender"), pr, dry_run, as_json)
    place = wish.place(env, now)
    with wish.idle_closed(place, env, app or []):
        made = render_pending(place, env, app or [], reason=reason, change=change)
    wish.done(place, *made, several=True)


def rollback(
    app: AppName,
    env: InEnvironment,
    reason: Reason,
    to: int | None = typer.Option(None, metavar="RECORD", help="Its number; else the last good."),
    change: Change = None,
    pr: Pr = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put back what an environment ran before, byte for byte, and set a hold.

    Example: deliver rollback tumour-classifier --env prod --reason "false alarms doubled"
    """
    from ..verbs.rollback import rollback as verb

    wish = Wish(("rollback",), pr, dry_run, as_json)
    place = wish.place(env, None)
    wish.done(place, verb(place, app, env, to=to, reason=reason, change=change))


def resume(
    app: AppName,
    env: InEnvironment,
    reason: Reason,
    change: Change = None,
    now: Now = None,
    pr: Pr = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """End the hold that a rollback set, so that promotions go on.

    Example: deliver resume tumour-classifier --env prod --reason "cause found and mended"
    """
    from ..verbs.resume import resume as verb

    wish = Wish(("resume",), pr, dry_run, as_json)
    place = wish.place(env, now)
    with wish.idle_closed(place, env, [app]):
        made = verb(place, app, env, reason=reason, change=change)
    wish.done(place, made)
