"""Verbs that make models, images and verdicts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ..app import App, read_app, read_apps
from ..canonical import short
from ..console import progress, show, show_json
from ..errors import Unknown, UsageError
from ..git import Repository
from ..settings import read_settings
from ..several import Several, each
from . import output
from .options import AsJson, Head, ModelVersion, here, today

if TYPE_CHECKING:
    from ..models.building import Built
    from ..models.training import Trained
    from ..workplace import Workplace

T = TypeVar("T")

MaybeApp = Annotated[
    str | None, typer.Argument(metavar="[APP]", help="The app: a folder in apps/.")
]
To = Annotated[str | None, typer.Option("--to", metavar="ENV", help="Judge for this environment.")]
Base = Annotated[str | None, typer.Option(metavar="REF", help="With --verify: the change's base.")]
Out = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write evidence, report here.")]


def mount(app: typer.Typer) -> None:
    """Add the making verbs to the command."""
    for command in (train, build, gate):
        app.command()(command)


def train(
    app: MaybeApp = None,
    changed: bool = typer.Option(False, help="Every app that has no model of its code and locks."),
    as_json: AsJson = False,
) -> None:
    """Train an app's model in its own environment and register it in MLflow.

    Examples: deliver train tumour-classifier
              deliver train --changed
    """
    from ..models.outdated import untrained
    from ..models.registry import Registry
    from ..models.training import train as verb

    place = here()
    repository = place.repository
    head = repository.snapshot("HEAD")
    settings = read_settings(head)
    registry = Registry.of(settings, repository.root)
    chosen = _chosen(
        app,
        changed,
        lambda name: read_app(head, settings, name),
        lambda: untrained(read_apps(head, settings), settings, registry),
    )
    with progress() as say:
        made = _each(
            chosen, changed, lambda one: (one.name, verb(repository, settings, one, registry, say))
        )
    if as_json:
        found = [
            {"model": vars(one.model), "training": dict(one.training_metrics)}
            for _, one in made.done
        ]
        _show_made(found, made, changed)
    else:
        for name, trained in made.done:
            _show_trained(name, trained, place)
        if not chosen:
            show("every app has a model of its code and locks")
    output.failed(made.errors, as_json)


def _show_trained(app: str, made: Trained, place: Workplace) -> None:
    model = made.model
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in made.holdout_metrics.items())
    show(f"trained: {app} model {model.version} ({short(model.digest)}); hold-out: {metrics}")
    show(f"served:  {model.conversion}: {model.conversion_reason}")
    on_main = app in {one.name for one in place.apps} and (
        place.app(app).code(place.settings).sha256 == model.code
    )
    first = "" if on_main else f"merge this code into {place.main_name} and push it, then: "
    show(f"next:    {first}deliver build {app}")


def build(
    app: MaybeApp = None,
    changed: bool = typer.Option(False, help="Every app whose newest model has no image of main."),
    model: ModelVersion = None,
    as_json: AsJson = False,
) -> None:
    """Build the image with the model in it from what main holds, and push it.

    Examples: deliver build tumour-classifier
              deliver build --changed
    """
    from ..models.building import build as verb
    from ..models.engine import find_engine
    from ..models.outdated import unbuilt
    from ..models.registry import Registry

    place = here()
    settings = place.settings
    registry = Registry.of(settings, place.root)
    chosen = _chosen(app, changed, place.app, lambda: unbuilt(place.apps, settings, registry))
    with progress() as say:
        engine = find_engine("build")
        made = _each(
            chosen,
            changed,
            lambda one: (
                one.name,
                verb(place.repository, settings, one, registry, engine, model, say),
            ),
        )
    if as_json:
        found = [{"image": one.image, "model": one.model.version} for _, one in made.done]
        _show_made(found, made, changed)
    else:
        for name, built in made.done:
            _show_built(name, built)
        if not chosen:
            show("every model of main's code and locks has an image")
    output.failed(made.errors, as_json)


def _show_built(app: str, made: Built) -> None:
    show(f"built:   model {made.model.version} in {made.image}")
    show(f"next:    deliver release {app}")


def _each(chosen: list[App], changed: bool, step: Callable[[App], T]) -> Several[T]:
    """Return what a step gave; of an app that was named an error is raised at once."""
    return each(chosen, step) if changed else Several([step(one) for one in chosen])


def _show_made(found: list[dict[str, Any]], made: Several[Any], changed: bool) -> None:
    failed = [{"error": error.as_json()} for error in made.errors]
    show_json([*found, *failed] if changed else found[0])


def _chosen(
    name: str | None,
    changed: bool,
    one: Callable[[str], App],
    all_changed: Callable[[], list[App]],
) -> list[App]:
    """Return the app of a name, or those that changed; raises UsageError (`which-apps`)."""
    if bool(name) == changed:
        raise UsageError(
            "which-apps",
            "neither an app nor --changed, or both, were given.",
            "The verb takes the name of an app, or finds those that changed.",
            "name an app, or use `--changed`",
        )
    return all_changed() if changed else [one(str(name))]


def gate(
    app: Annotated[str | None, typer.Argument(metavar="[APP]", help="The app to judge.")] = None,
    to: To = None,
    verify: bool = typer.Option(False, help="Score a change's evidence again."),
    base: Base = None,
    head: Head = "HEAD",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Give the verdict alone, or score the evidence of a change again; write nothing to Git.

    Examples: deliver gate tumour-classifier --to prod
              deliver gate --verify --base origin/main --head HEAD
    """
    if verify and base and not app:
        _verify(base, head, as_json)
        return
    if verify or not (app and to):
        raise UsageError(
            "what-to-judge",
            "neither an app with --to, nor --verify with --base, was given.",
            "`gate` judges one app for one environment, or the evidence of a change.",
            "see `deliver gate --help`",
        )
    from ..evidence import Judged
    from ..models.container import ContainerScorer
    from ..verbs.gate import judge_for, write_files
    from ..verbs.promote import candidate_for

    place = here()
    _, release = candidate_for(place, app, to)
    candidate = Judged.of(release)
    verdict = judge_for(place, app, to, candidate, None, ContainerScorer.here(), today())
    if out:
        write_files(verdict, out)
    if as_json:
        measured = [one.model_dump(mode="json") for one in verdict.measured]
        show_json({**verdict.evidence.model_dump(mode="json", by_alias=True), "measured": measured})
    output.verdicts([verdict], as_json, whole=True)
    statuses = {"PASS": 0, "INCONCLUSIVE": Unknown.exit_code}
    raise typer.Exit(statuses.get(verdict.outcome, 1))


def _verify(base: str, head: str, as_json: bool) -> None:
    from ..models.container import ContainerScorer
    from ..verbs.gate import verify

    repository = Repository.find(Path.cwd())
    with output.with_verdict(as_json), progress() as say:
        judged = verify(repository, base, head, ContainerScorer.here, say, today())
    if as_json:
        show_json({"scored": [{"app": entry.app, "record": entry.name} for entry in judged]})
        return
    names = ", ".join(f"{entry.app} {entry.name}" for entry in judged) or "nothing to score again"
    show(f"ok: {names}: the evidence is what scoring gives")
