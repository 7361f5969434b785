"""How the board says things: times, lengths of time, kinds of records, and what waits."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from ..evidence import BLOCKING, Evidence
from ..verbs.waits import Wait
from .chronicle import Told

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))
LEAST = 2
"""Of a unit; of less, the next smaller one is told."""
CODE = re.compile(r"`([^`]+)`")

KINDS: dict[str, tuple[str, str]] = {
    "hold": (
        "On hold",
        "A rollback put back what ran before. Until someone ends the hold, nothing moves but "
        "another rollback.",
    ),
    "gone": (
        "Removed from main, and still running",
        "Its sources are gone, but no record retired it.",
    ),
    "branch": (
        "Waiting for review",
        "A record lies on a branch. It goes live when its pull request is merged.",
    ),
    "pending": (
        "Changed on main, not live yet",
        "Settings, an overlay or a renderer changed since the record in force was rendered.",
    ),
    "ahead": (
        "Could be promoted",
        "The environment before runs a release that this one does not.",
    ),
}
"""What waits, by kind, as a heading and a sentence; in the order that people look at it."""

PENDING = {
    "configure": "its overlay, or the environment's settings, changed",
    "rerender": "what renders manifests changed",
}
"""What is pending, by the kind of record that would bring it."""

SENTENCES = {
    "release": "Model {model} was released to {env}.",
    "promote": "Model {model} was promoted from {source} to {env}.",
    "hotfix": "Model {model} was brought straight to {env} as a hotfix.",
    "configure": "Settings of {env} changed; model {model} stayed.",
    "rerender": "The manifests in {env} were rendered anew; model {model} stayed.",
    "rollback": "{env} went back to model {model}, as in {source_record}.",
    "resume": "The hold in {env} was ended; model {model} stayed.",
    "retire": "The app was retired from {env}; model {model} was its last.",
}


def sentence(told: Told) -> str:
    """Return what a record did."""
    origin = told.entry.record.from_ or ""
    return SENTENCES[told.kind].format(
        model=told.model,
        env=told.entry.environment,
        source=origin.split("/")[0],
        source_record=origin,
    )


def seen(wait: Wait) -> str:
    """Return why something waits."""
    return PENDING[wait.seen.split()[0]] if wait.kind == "pending" else wait.seen


def time_tag(value: datetime) -> Markup:
    """Return a moment in UTC as people and machines read it."""
    machine, people = f"{value:%Y-%m-%dT%H:%M:%SZ}", f"{value:%Y-%m-%d %H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(machine, people)


def day_tag(value: datetime) -> Markup:
    """Return the day of a moment in UTC; machines read the moment."""
    machine, people = f"{value:%Y-%m-%dT%H:%M:%SZ}", f"{value:%Y-%m-%d}"
    return Markup('<time datetime="{}">{}</time>').format(machine, people)


def span(length: timedelta | None) -> str:
    """Return a length of time in its largest unit of which there are two, such as `3 days`."""
    if length is None:
        return "–"  # noqa: RUF001 - the sign for "nothing here"
    seconds = length.total_seconds()
    for unit, size in UNITS:
        if seconds >= LEAST * size:
            return f"{seconds // size:.0f} {unit}s"
    return "1 minute" if seconds >= UNITS[-1][1] else "under a minute"


def judged(evidence: Evidence) -> str:
    """Return how many checks passed, and against what a release was judged."""
    counts = Counter[str](check.outcome for check in evidence.checks)
    told = [f"{counts['PASS']} of {len(evidence.checks)} checks passed"]
    others = (("SKIPPED", "did not apply"), ("WAIVED", "waived"))
    told += [f"{counts[outcome]} {words}" for outcome, words in others if counts[outcome]]
    reported = sum(check.outcome in BLOCKING and not check.blocks for check in evidence.checks)
    told += [f"{reported} only reported"] if reported else []
    champion = evidence.inputs.champion
    against = f"beside {champion.record}" if champion else "as the first release there"
    return f"{', '.join(told)}; judged {against}."


def with_code(text: str) -> Markup:
    """Return text with what stands in backticks as code, and nothing else but text."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def commit_url(repository: str, commit: str) -> str | None:
    """Return where a Git host shows a commit; None for hosts that are not asked by a browser.

    GitHub, GitLab, Gitea and Forgejo all have it there. A URL with a login in it is none to show.
    """
    parts = urlsplit(repository)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        return None
    return f"https://{parts.netloc}{parts.path.rstrip('/').removesuffix('.git')}/commit/{commit}"
