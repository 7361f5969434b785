"""The arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..workplace import Workplace

AppName = Annotated[str, typer.Argument(metavar="APP", help="The app: a folder in apps/.")]
AppNames = Annotated[list[str], typer.Argument(metavar="APP...", help="One app or several.")]
MaybeAppNames = Annotated[
    list[str] | None, typer.Argument(metavar="[APP]...", help="Apps; all where none is named.")
]
ToEnvironment = Annotated[str, typer.Option("--to", metavar="ENV", help="The environment.")]
InEnvironment = Annotated[str, typer.Option("--env", metavar="ENV", help="The environment.")]
Reason = Annotated[
    str, typer.Option(metavar="TEXT", help="Why, for those who read the record later.")
]
Change = Annotated[
    str | None, typer.Option(metavar="ID", help="The change's id elsewhere, such as CHG-123.")
]
ModelVersion = Annotated[
    str | None, typer.Option("--model", metavar="VERSION", help="A version in MLflow; else newest.")
]
Head = Annotated[str, typer.Option(metavar="REF", help="The change itself.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def here() -> Workplace:
    """Return the workplace around the current folder."""
    return Workplace.open(Path.cwd())
