"""Verbs about who may change what: owners, branch rules, approvals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..console import show, show_json
from .options import AsJson, Head, here
from .requesting import DryRun

Number = Annotated[int, typer.Option("--pr", metavar="NUMBER", help="The pull request.")]
Checks = Annotated[
    list[str] | None,
    typer.Option("--require", metavar="CHECK", help="A check to require; else `pass`, `test`."),
]


App = Annotated[
    int | None,
    typer.Option("--app", metavar="ID", help="On GitHub: whose checks alone count."),
]
Commit = Annotated[str, typer.Argument(metavar="COMMIT", help="What was judged.")]
Name = Annotated[str, typer.Option("--check", metavar="NAME", help="The check, such as `pass`.")]
State = Annotated[
    Literal["pending", "success", "failure", "error"], typer.Option(help="What came of it.")
]
Link = Annotated[str, typer.Option("--link", metavar="URL", help="Where it can be read.")]


def mount(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    for command in (owners, protect, approvals, mark):
        app.command()(command)


def owners(as_json: AsJson = False) -> None:
    """Write CODEOWNERS from delivery.yaml and the apps, as they stand in the work tree.

    Example: deliver owners
    """
    from ..git import Repository
    from ..verbs.app_add import work_tree_settings
    from ..verbs.owners import remove_others, write_owners

    root = Repository.find(Path.cwd()).root
    settings = work_tree_settings(root)
    path, removed = write_owners(root, settings), remove_others(root, settings)
    if as_json:
        show_json({"written": path, "removed": removed})
        return
    show(f"written: {path}" if path else "CODEOWNERS is what delivery.yaml and the apps give")
    for other in removed:
        show(f"removed: {other}, which was written for another host")
    changed = [*([path] if path else []), *removed]
    if changed:
        show(f"next:    git add {' '.join(changed)}, commit, merge: the Git host reads it on main")


def protect(
    require: Checks = None, app: App = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Set the rules of the main branch on the Git host; with --dry-run print them.

    Example: deliver protect --dry-run
    """
    from ..hosts.finding import connect
    from ..verbs.protect import CHECKS, ask_for_owners, rules_for, told

    place = here()
    settings = place.settings
    rules = rules_for(settings, require or CHECKS, app)
    if not dry_run:
        ask_for_owners(place)
        with connect(settings, os.environ) as host:
            host.protect(rules)
    if as_json:
        show_json({"dry_run": dry_run, "rules": told(rules, settings)})
        return
    for line in told(rules, settings):
        show(f"{'would be' if dry_run else 'set'}: {line}")


def approvals(number: Number, head: Head = "", as_json: AsJson = False) -> None:
    """Refuse a pull request that too few have approved; a rollback needs one at most.

    Example: deliver approvals --pr 12
    """
    from ..hosts.finding import connect
    from ..verbs.approvals import approvals as verb

    place = here()
    with connect(place.settings, os.environ) as host:
        found = verb(place, host, number, head)
    if as_json:
        show_json([vars(one) for one in found])
        return
    for one in found:
        show(f"ok: {one.sentence}")
    if not found:
        show("ok: it brings no record; what it touches is owned by nobody, or the host asks owners")


def mark(
    commit: Commit, check: Name, state: State, link: Link = "", as_json: AsJson = False
) -> None:
    """Report a check on a commit to the Git host, for a pull request that starts no workflow.

    Example: deliver mark 3f2c91d07a55 --check pass --state success
    """
    from ..hosts.finding import connect
    from ..hosts.parts import Check

    place = here()
    judged = place.repository.resolve(commit)
    with connect(place.settings, os.environ) as host:
        host.report(judged, Check(check, state, f"reported by deliver: {state}", link))
    if as_json:
        show_json({"commit": judged, "check": check, "state": state})
        return
    show(f"marked:  {judged[:12]} {check} {state}")
