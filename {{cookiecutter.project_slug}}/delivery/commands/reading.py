"""Verbs that only read: no MLflow, no scikit-learn, no container engine."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import Unknown, UsageError
from . import output
from .options import AppName, AsJson, Head, Now, ReckonedAt, here, utc

if TYPE_CHECKING:
    from ..check import Report
    from ..git import Repository

Environment = Annotated[str | None, typer.Option("--env", metavar="ENV", help="Only this one.")]
Base = Annotated[str | None, typer.Option(metavar="REF", help="What the change is compared with.")]
Date = Annotated[str, typer.Argument(metavar="DATE", help="2026-11-22, or a time in ISO 8601.")]
Digest = Annotated[
    str, typer.Argument(metavar="DIGEST", help="Of an image, model, release, record, evidence.")
]
Images = Annotated[bool, typer.Option("--images", help="Verify the records' images, too.")]
Live = Annotated[bool, typer.Option("--live", help="Ask Argo CD what runs, too.")]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Where the pages go.")]
MaybeOut = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="Write it there as files, too.")
]
OnPullRequest = Annotated[
    int | None, typer.Option("--comment", metavar="NUMBER", help="Put it onto this pull request.")
]
MaybeHead = Annotated[str | None, typer.Option(metavar="REF", help="The change; else HEAD.")]

Scored = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What `gate --verify --json` printed.")
]


def mount(app: typer.Typer) -> None:
    """Add the reading verbs to the command."""
    for command in (apps, status, history, as_of, trace, diff, check, report, site):
        app.command()(command)


def apps(as_json: AsJson = False) -> None:
    """List the apps, their owners, and the model that each environment runs.

    Example: deliver apps
    """
    from ..verbs.apps import apps as verb

    output.rows(verb(here()), as_json, "no app yet: deliver app add NAME --style … --task …")


def status(live: Live = False, as_json: AsJson = False) -> None:
    """Show what is in each environment, since when, and what waits; with --live what runs.

    Example: deliver status
    """
    if live:
        _live_status(as_json)
        return
    from ..verbs.status import status as verb

    output.rows(verb(here()), as_json, "no app has an overlay yet: deliver app add NAME …")


def _live_status(as_json: bool) -> None:
    """Print the status with what Argo CD says; exit 3 where one did not answer."""
    from ..argocd.api import connect
    from ..argocd.live import live
    from ..argocd.mainline import Mainline
    from ..console import show_error

    rows, errors = live(Mainline(here()), partial(connect, environ=os.environ))
    output.rows(rows, as_json, "no app has an overlay yet: deliver app add NAME …")
    for err in errors:
        show_error(err)
    if errors:
        raise typer.Exit(Unknown.exit_code)


def history(app: AppName, env: Environment = None, as_json: AsJson = False) -> None:
    """List an app's records, newest first: what ran, since when, merged by whom, and why.

    Example: deliver history tumour-classifier --env prod
    """
    from ..verbs.history import history as verb

    output.rows(verb(here(), app, env), as_json, f"{app} has no record yet")


def as_of(date: Date, env: Environment = None, as_json: AsJson = False) -> None:
    """Show what each environment was to run at the end of a day, or at a time, and what ran.

    Example: deliver as-of 2026-11-22
    """
    from ..verbs.as_of import as_of as verb
    from ..verbs.as_of import parse_moment

    moment = parse_moment(date)
    found = verb(here(), moment, env)
    output.rows(found, as_json, f"nothing was merged by {moment.isoformat(timespec='seconds')}")


def trace(digest: Digest, as_json: AsJson = False) -> None:
    """Tell all that explains a digest: release, model, run, code, data, policy, evidence, records.

    Example: deliver trace registry.example.com/acme/tumour-classifier@sha256:5e1c…
    """
    from ..verbs.trace import trace as verb

    output.rows(verb(here(), digest), as_json, "")


def diff(base: Base = None, head: Head = "HEAD", as_json: AsJson = False) -> None:
    """Show what a change would do to the apps: a sentence and the manifests' diff for each.

    Example: deliver diff --base origin/main --head promote/prod/tumour-classifier-0002
    """
    from ..console import show, show_json
    from ..verbs.diff import diff as verb

    place = here()
    found = verb(place.repository, base or place.main.commit, head)
    if as_json:
        show_json([vars(change) for change in found])
        return
    for change in found:
        show(f"{change.app} in {change.environment}: {change.sentence}")
        if change.patch:
            show(change.patch)
    if not found:
        show("no app would change in any cluster")


def check(
    base: Base = None,
    head: MaybeHead = None,
    images: Images = False,
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Check the rules on a change; without --base verify the whole repository, offline.

    With --images, verify each image that a record names in its registry, too.

    Example: deliver check --base origin/main --head HEAD
    """
    from ..check import check_change, check_whole
    from ..git import Repository

    if head and not base:
        raise UsageError(
            "which-change",
            f"--head {head} was given without --base.",
            "A change lies between two commits; without --base the whole repository is verified.",
            f"deliver check --base origin/main --head {head}",
        )
    if base and images:
        raise UsageError(
            "which-change",
            "--images was given with --base.",
            "Images are verified with the whole repository; a change's are run by `gate --verify`.",
            "deliver check --images",
        )
    repository = Repository.find(Path.cwd())
    if images:
        found = _with_images(repository)
    elif base:
        found = check_change(repository, base, head or "HEAD", utc(now))
    else:
        found = check_whole(repository)
    output.report(found, as_json)
    raise typer.Exit(found.exit_code)


def report(
    base: Base = None,
    head: Head = "HEAD",
    scored: Scored = None,
    comment: OnPullRequest = None,
    out: MaybeOut = None,
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Print the comment on a pull request: what it brings, the verdict, what changes, who approves.

    With --scored, a refusal of `gate --verify` stands in it, too. With --comment it is put onto
    the pull request, in place of the one before; the exit status then tells that alone. With --out
    it is written as Markdown, as a page, and as JUnit XML with a case for each refusal and check.

    Example: deliver report --base origin/main --head promote/prod/tumour-classifier-0002
    """
    from ..console import show, show_json
    from ..git import Repository
    from ..verbs.report import report as verb
    from ..verbs.report import write_files

    repository = Repository.find(Path.cwd())
    page = verb(repository, base or here().main.commit, head, utc(now), scored)
    if out is not None:
        write_files(page, out)
    if comment is not None:
        _put_comment(comment, page.change.head.commit, page.markdown())
    if as_json:
        show_json(page.as_json())
    else:
        show(page.markdown().rstrip("\n"))
    raise typer.Exit(page.found.exit_code if comment is None else 0)


def _put_comment(number: int, commit: str, text: str) -> None:
    from ..hosts.finding import connect
    from ..hosts.host import put_comment
    from ..verbs.approvals import require_newest

    with connect(here().settings, os.environ) as host:
        require_newest(host.get(number), commit)  # an older run may come to its end later
        put_comment(host, number, text)


def _with_images(repository: Repository) -> Report:
    from ..check import check_images
    from ..console import progress
    from ..models.stored import stored

    with stored() as registries, progress() as say:
        return check_images(repository, registries, say)


def site(out: Out, now: ReckonedAt = None, as_json: AsJson = False) -> None:
    """Write the board as static pages: what is where, what waits and why, on what evidence.

    Example: deliver site --out build/site
    """
    from ..console import show, show_json
    from ..verbs.site import site as verb

    built = verb(here(), out, None if now is None else utc(now))
    if as_json:
        show_json({**vars(built), "folder": str(out)})
        return
    show(f"written: {built.pages} pages, {built.first_view_bytes / 1000:.0f} kB for the first one")
    show(f"look:    {out / 'index.html'}")
