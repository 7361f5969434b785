"""Verbs that make models, images and verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..app import read_app
from ..canonical import short
from ..console import progress, show, show_json
from ..errors import UsageError
from ..git import Repository
from ..settings import read_settings
from . import output
from .options import AppName, AsJson, Head, ModelVersion, here

To = Annotated[str | None, typer.Option("--to", metavar="ENV", help="Judge for this environment.")]
Base = Annotated[str | None, typer.Option(metavar="REF", help="With --verify: the change's base.")]
Out = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write report and evidence here.")]


def mount(app: typer.Typer) -> None:
    """Add the making verbs to the command."""
    for command in (train, build, gate):
        app.command()(command)


def train(app: AppName, as_json: AsJson = False) -> None:
    """Train an app's model in its own environment and register it in MLflow.

    Example: deliver train tumour-classifier
    """
    from ..models.registry import Registry
    from ..models.training import train as verb

    repository = Repository.find(Path.cwd())
    head = repository.snapshot("HEAD")
    settings = read_settings(head)
    with progress() as say:
        registry = Registry.of(settings, repository.root)
        made = verb(repository, settings, read_app(head, settings, app), registry, say)
    model = made.model
    if as_json:
        show_json({"model": vars(model), "training": dict(made.training_metrics)})
        return
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in made.holdout_metrics.items())
    show(f"trained: {app} model {model.version} ({short(model.digest)}); hold-out: {metrics}")
    show(f"next:    deliver build {app}")


def build(app: AppName, model: ModelVersion = None, as_json: AsJson = False) -> None:
    """Build the image with the model in it from what main holds, and push it.

    Example: deliver build tumour-classifier
    """
    from ..models.building import build as verb
    from ..models.engine import find_engine
    from ..models.registry import Registry

    place = here()
    owner = place.app(app)
    with progress() as say:
        engine = find_engine("build")
        registry = Registry.of(place.settings, place.root)
        made = verb(place.repository, place.settings, owner, registry, engine, model, say)
    if as_json:
        show_json({"image": made.image, "model": made.model.version})
        return
    show(f"built:   model {made.model.version} in {made.image}")
    show(f"next:    deliver release {app}")


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
        _verify(base, head)
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
    verdict = judge_for(place, app, to, Judged.of(release), None, ContainerScorer.here())
    if out:
        write_files(verdict, out)
    if as_json:
        show_json(verdict.evidence.model_dump(mode="json", by_alias=True))
    output.verdicts([verdict], as_json, whole=True)
    raise typer.Exit(0 if verdict.evidence.outcome == "PASS" else 1)


def _verify(base: str, head: str) -> None:
    from ..models.container import ContainerScorer
    from ..verbs.gate import verify

    repository = Repository.find(Path.cwd())
    with progress() as say:
        judged = verify(repository, base, head, ContainerScorer.here, say)
    names = ", ".join(f"{entry.app} {entry.name}" for entry in judged) or "nothing to score again"
    show(f"ok: {names}: the evidence is what scoring gives")
