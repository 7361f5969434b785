"""The pull request of an update: what it brings, what it costs, what comes next."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ..hosts.parts import marker
from ..report.blocks import LISTS, Block, fitted
from ..report.verdict import code
from ..verbs.pull_request import LONGEST_TITLE, Wanted
from ..verbs.update import BRANCH, Update

LABEL = "template"
EDITED = (
    "`delivery/` is the template's, whole. What was changed there since is replaced; bring it to "
    "the template to have it back:"
)
KEPT = "The template has these no more. They were changed here, so they stay:"
ANSWERED = "New questions of the template, with its own answers (`.cruft.json` keeps them):"


def wanted_update(found: Update, main: str) -> Wanted:
    """Return the pull request of an update into a branch; people merge it."""
    title = textwrap.shorten(found.subject, LONGEST_TITLE, placeholder=" …")
    return Wanted(BRANCH, title, fitted(list(_body(found, main))), (LABEL,), auto_merge=False)


def _body(found: Update, main: str) -> Iterator[Block]:
    yield Block([marker("request")])
    yield Block(
        [
            f"Brings what the template has by now: from {code(found.before[:12])} to "
            f"{code(found.after[:12])} of {code(found.template)}."
        ]
    )
    listed = [f"- {code(one)}" for one in found.subjects]
    short = [f"{len(listed)} commits: `git log {found.before[:12]}..{found.after[:12]}` there."]
    yield from _section("What is new", [], listed, short)
    answers = [f"- {code(name)}: {code(str(value))}" for name, value in _answers(found)]
    yield from _section("Questions", [ANSWERED, ""], answers, [ANSWERED])
    for title, why, paths in (
        ("Edits that are lost", EDITED, found.lost),
        ("Files that stay", KEPT, found.kept),
    ):
        yield from _section(title, [why, ""], [f"- {code(path)}" for path in paths], [why])
    files = [f"- {code(path)}" for path in found.changed]
    yield from _section("Files that change", [], files, [f"{len(files)} files."])
    yield Block(["", "### Before it is merged", ""])
    yield Block([f"- {one}" for one in _next(found, main)] + [""])


def _answers(found: Update) -> list[tuple[str, object]]:
    return sorted((found.answers or {}).items())


def _section(title: str, first: list[str], rows: list[str], short: list[str]) -> Iterator[Block]:
    if rows:
        yield Block(["", f"### {title}", "", *first])
        yield Block(rows, LISTS, short)


def _next(found: Update, main: str) -> Iterator[str]:
    yield "It changes no cluster. Owners of what it touches have to approve it."
    yield "What was edited here is merged with it line by line, and `releases/` is not touched."
    yield (
        f"On a laptop: `git fetch origin && git switch {BRANCH}`, then `make setup lint test`; "
        f"`deliver check --base origin/{main} --head origin/{BRANCH}`"
    )
    if found.renderers:
        what = ", ".join(found.renderers)
        yield (
            f"Manifests are then rendered by other versions ({what}): once it is merged, "
            "`make tools`, and `deliver render --env ENV` for each environment, in order."
        )
