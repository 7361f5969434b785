"""`deliver app`: verbs on the files of one app, in the work tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..console import progress, show, show_json
from .options import AppName, AsJson

Name = Annotated[str, typer.Argument(metavar="NAME", help="A DNS label such as churn-risk.")]
Style = Annotated[
    str, typer.Option(metavar="kustomize|helm", help="How its manifests are written.")
]
Task = Annotated[
    str,
    typer.Option(
        metavar="binary-classification|multiclass-classification|regression",
        help="What its model answers.",
    ),
]
Owner = Annotated[
    str | None, typer.Option(metavar="@ORG/TEAM", help="Who answers for it; else as other apps.")
]


def mount(app: typer.Typer) -> None:
    """Add the group `app` to the command."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("add")(add)
    group.command("holdout")(holdout)
    app.add_typer(group, name="app", help="Add an app, or draw its hold-out again.")


def add(name: Name, style: Style, task: Task, owner: Owner = None, as_json: AsJson = False) -> None:
    """Create a working app in the work tree: model code on sample data, policy, base, overlays.

    Example: deliver app add power-use --style helm --task regression
    """
    from ..git import Repository
    from ..owners import owners_path
    from ..verbs.app_add import app_add, wanted_app, work_tree_settings

    root = Repository.find(Path.cwd()).root
    settings = work_tree_settings(root)
    new = wanted_app(root, name, style, task, owner)
    with progress() as say:
        paths = app_add(root, settings, new, say)
    if as_json:
        show_json({"app": new.name, "files": paths})
        return
    code = f"{settings.package}/{new.module}"
    for path in paths:
        show(path)
    show(f"written: {new.name}, {len(paths)} files; tests/ cover it, nothing is committed yet")
    show(f"sample:  {code}/data.py has sample rows: put your own there, then set the floors")
    show(f"         in {new.folder}/app.yaml and run  deliver app holdout {new.name}")
    more = f"overlays {owners_path(settings)}"
    show(f"next:    git switch -c add-{new.name} && git add {new.folder} {code} {more}")
    show(f"         git commit, merge into {settings.main}, then  deliver train {new.name}")


def holdout(app: AppName, as_json: AsJson = False) -> None:
    """Draw an app's hold-out again after its data changed; it is then for its owners to review.

    Example: deliver app holdout churn-risk
    """
    from ..git import Repository
    from ..verbs.app_add import work_tree_settings
    from ..verbs.app_holdout import app_holdout

    root = Repository.find(Path.cwd()).root
    settings = work_tree_settings(root)
    with progress() as say:
        paths = app_holdout(root, settings, app, say)
    if as_json:
        show_json({"app": app, "files": paths})
        return
    for path in paths:
        show(path)
    show(f"drawn:   the hold-out of {app}; models are judged on it once it is merged")
    show(f"next:    set the floors in apps/{app}/app.yaml, commit, have its owners review it")
