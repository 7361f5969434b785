"""`deliver update`: the template's pull request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import progress, show, show_json
from .options import AsJson
from .requesting import DryRun, Pr, connected, lines_of, workplace

if TYPE_CHECKING:
    from ..verbs.pull_request import Put, Wanted
    from ..verbs.update import Update
    from ..workplace import Workplace

To = Annotated[
    str | None,
    typer.Option(metavar="REF", help="A branch or tag of the template to follow, or a commit."),
]
NOTHING = "the template has nothing that main lacks"


def mount(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command()(update)


def update(to: To = None, pr: Pr = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Merge what the template has by now with main, on the branch update/template.

    Example: deliver update --dry-run
    """
    from ..template.request import wanted_update
    from ..verbs.update import prepare, write

    asking = pr and not dry_run
    place = workplace(fetched=asking)
    with progress() as say:
        found = prepare(place, to, say, dry_run=dry_run)
    if not found.tree:
        _nothing(place, found, asking, as_json)
        return
    asked = wanted_update(found, place.settings.main)
    if not dry_run:
        found = replace(found, commit=write(place, found))
    made = _put(place, found, asked) if asking else None
    if as_json:
        wanted = {"dry_run": True, "pull_request": vars(asked)} if dry_run else {}
        show_json(_told(found) | ({"pull_request": vars(made)} if made else wanted))
        return
    for line in _would(found, asked) if dry_run else _lines(place, found, asked, made):
        show(line)


def _put(place: Workplace, found: Update, asked: Wanted) -> Put:
    from ..verbs.pull_request import put_wanted

    with connected(place) as (host, origin), progress() as say:
        return put_wanted(asked, found.commit, host, origin, say, replacing=True)


def _nothing(place: Workplace, found: Update, closing: bool, as_json: bool) -> None:
    """Say that there is nothing new, and close the pull request that would bring it."""
    closed = _close(place) if closing else None
    if as_json:
        show_json(_told(found) | {"closed": closed})
        return
    show(f"up to date: {NOTHING} ({found.template} at {found.after[:12]})")
    if closed:
        show(f"closed:  pull request {closed}: it would change nothing")


def _close(place: Workplace) -> int | None:
    """Return the number of the pull request that was closed.

    Work of others is left alone, and so is what `--to` asked for.
    """
    from ..verbs.pull_request import close
    from ..verbs.update import BRANCH, goes_elsewhere, untouched

    with connected(place) as (host, origin):
        request = host.find(BRANCH)
        if request is None:
            return None
        head = place.repository.resolve(request.head.sha)
        if not untouched(place, head) or goes_elsewhere(place, head):
            return None
        close(host, origin, request, f"{NOTHING}.")
        return request.number


def _told(found: Update) -> dict[str, Any]:
    """Return an update for machines; branch and commit are none where there is nothing new."""
    from ..verbs.update import BRANCH

    return {
        "branch": BRANCH if found.tree else None,
        "commit": found.commit or None,
        "template": {"url": found.template, "from": found.before, "to": found.after},
        "lost": list(found.lost),
        "kept": list(found.kept),
        "renderers": list(found.renderers),
    }


def _would(found: Update, asked: Wanted) -> Iterator[str]:
    yield f"would write: {found.subject} on branch {asked.branch}"
    yield f"its pull request, with labels: {', '.join(asked.labels)}"
    yield f"\n{asked.body}"


def _lines(place: Workplace, found: Update, asked: Wanted, made: Put | None) -> Iterator[str]:
    yield f"written: {found.subject} on branch {asked.branch} ({found.commit[:12]})"
    for path in found.lost:
        yield f"lost:    {path}, which was changed here: delivery/ is the template's"
    if made:
        yield from lines_of(made)
        return
    yield f"look:    git diff {place.main_name} {asked.branch}"
    yield f"         deliver check --base {place.main_name} --head {asked.branch}"
    yield f"next:    git push origin {asked.branch}   and open a pull request"
