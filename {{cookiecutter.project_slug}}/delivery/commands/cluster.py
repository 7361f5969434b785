"""Verbs that speak to a cluster or to its Argo CD."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import progress, show, show_json
from ..errors import UsageError
from ..several import each
from . import output
from .options import AsJson, MaybeEnvironment, Timeout, here

if TYPE_CHECKING:
    from ..argocd.confirm import Confirmed
    from ..argocd.planning import Step
    from ..workplace import Workplace

Context = Annotated[
    str | None, typer.Option(metavar="CONTEXT", help="Of your kubeconfig; else the current one.")
]
Kubeconfig = Annotated[Path | None, typer.Option(metavar="FILE", help="Else as kubectl finds it.")]
Which = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of several Argo CDs, as delivery.yaml has it.")
]
OnlyOne = Annotated[
    str | None,
    typer.Option("--env", metavar="ENV", help="Only its namespace and login, on its cluster."),
]
Renew = Annotated[bool, typer.Option("--renew", help="Ask for logins though there are some.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
MaybeApp = Annotated[
    str | None, typer.Argument(metavar="[APP]", help="The app: a folder in apps/.")
]
Every = Annotated[bool, typer.Option("--all", help="All records in force that nobody confirmed.")]


def mount(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    for command in (argocd, bootstrap, confirm, drift):
        app.command()(command)


def argocd(as_json: AsJson = False) -> None:
    """Write argocd/ from delivery.yaml, as both stand in the work tree.

    Example: deliver argocd
    """
    from ..argocd.writing import write_argocd
    from ..git import Repository
    from ..verbs.app_add import work_tree_settings

    repository = Repository.find(Path.cwd())
    changed = write_argocd(repository, work_tree_settings(repository.root))
    if as_json:
        show_json({"changed": [vars(one) for one in changed]})
        return
    for one in changed:
        show(f"{one.action + ':':<8} {one.path}")
    if not changed:
        show("argocd/ is what delivery.yaml gives")
        return
    show("next:    git add argocd delivery.yaml, commit, merge: Argo CD then takes it from main;")
    show("         `deliver bootstrap` for an environment that is new")


def bootstrap(
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    argocd: Which = None,
    env: OnlyOne = None,
    renew: Renew = False,
    timeout: Timeout = 120,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put argocd/ onto a cluster that has Argo CD, with the logins for repository and registry.

    It may be called again at any time, and builds up again what was lost.

    Examples: deliver bootstrap
              deliver bootstrap --env prod --context prod-admin
    """
    from ..argocd import bootstrap as verb
    from ..argocd import planning
    from ..argocd.asking import Answers
    from ..argocd.kubectl import Kubectl
    from ..rendering.tools import find_tools

    place = here()
    program = find_tools(place.settings.renderer).kubectl
    kubectl = Kubectl(program, context, kubeconfig, dry_run)
    server, answers = kubectl.server, Answers.here()
    if env is None:
        plan = planning.plan_all(place, kubectl, answers, renew, argocd)
    else:
        plan = planning.plan_one(place, kubectl, answers, renew, env)
    steps: list[Step] = []
    try:
        with progress() as say:
            for step in verb.carry_out(plan, place, kubectl, say, timeout):
                steps.append(step)
    except KeyboardInterrupt:
        raise verb.stopped() from None
    finally:  # what was done is told, whatever ended it
        if not as_json:
            _show_steps(server, steps, dry_run)
    if as_json:
        found = [vars(step) for step in steps]
        show_json({"cluster": server, "dry_run": dry_run, "steps": found})


def _show_steps(server: str, steps: list[Step], dry_run: bool) -> None:
    show(f"cluster: {server}{', which a dry run does not change' if dry_run else ''}")
    for step in steps:
        would = "would be " if dry_run and step.changes else ""
        show(f"{would + step.action + ':':<8} {step.what}")


def confirm(
    app: MaybeApp = None,
    env: MaybeEnvironment = None,
    every: Every = False,
    timeout: Timeout = 600,
    as_json: AsJson = False,
) -> None:
    """Wait until Argo CD runs exactly the newest record, note it in Git, move the model's alias.

    With --all this is done for each record in force that no note says to have run.

    Examples: deliver confirm tumour-classifier --env prod
              deliver confirm --all
    """
    place = here()
    if app and env and not every:
        found = _confirmed(place, app, env, timeout)
        output.confirmed(found, as_json)
        return
    if app or not every:
        raise UsageError(
            "what-to-confirm",
            "neither an app with --env, nor --all, was given.",
            "`confirm` waits for one app in one environment, or for all that nobody confirmed.",
            "call `deliver confirm APP --env ENV`, or `deliver confirm --all`",
        )
    _confirm_all(place, [env] if env else place.settings.names, timeout, as_json)


def _confirm_all(place: Workplace, names: list[str], timeout: float, as_json: bool) -> None:
    """Confirm what waits; one that cannot be confirmed does not keep the others from it."""
    from ..argocd.waiting import unconfirmed

    found = each(
        unconfirmed(place, names),
        lambda entry: _confirmed(place, entry.app, entry.environment, timeout),
    )
    output.all_confirmed(found.done, found.errors, as_json)
    output.failed(found.errors, as_json)


def _confirmed(place: Workplace, app: str, env: str, timeout: float) -> Confirmed:
    from ..argocd import confirm as verb
    from ..argocd.api import connect
    from ..models.aliases import Aliases
    from ..models.registry import Registry

    verb.newest(place, app, env)  # a wrong name is told before a setting that is missing
    aliases = Aliases(Registry.of(place.settings, place.root))
    with connect(env, os.environ) as server, progress() as say:
        return verb.confirm(
            place,
            app,
            env,
            server=server,
            aliases=aliases,
            patience=verb.Patience(timeout),
            clock=_utc,
            say=say,
        )


def drift(env: MaybeEnvironment = None, as_json: AsJson = False) -> None:
    """Compare Git with the clusters, the model registry and the image registry, by name.

    Example: deliver drift --env prod
    """
    from ..argocd.api import connect
    from ..argocd.drift import drift as verb
    from ..models.aliases import Aliases
    from ..models.registry import Registry
    from ..models.stored import stored

    place = here()
    names = [place.settings.environment(env).name] if env else place.settings.names
    aliases = Aliases(Registry.of(place.settings, place.root))
    with stored() as images, progress() as say:
        found = verb(
            place,
            names,
            connect=partial(connect, environ=os.environ),
            aliases=aliases,
            stored=images,
            say=say,
        )
    output.drift(found, as_json)
    raise typer.Exit(found.exit_code)


def _utc() -> str:
    """Return the time, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
