"""`deliver report`: the one comment on a pull request, from Git objects alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ..argocd.notes import read_notes
from ..check import check_on
from ..check.change import Change
from ..git import Repository
from ..report.bringing import brought
from ..report.page import Page
from ..report.scored import scored


def report(
    repository: Repository, base: str, head: str, now: datetime, again: Path | None = None
) -> Page:
    """Return the report on what `head` brings to `base`; `now` is for waivers and windows.

    `again` is what `gate --verify --json` printed of the same change; where all is as stated it
    changes nothing. The same commits, notes and time give the same bytes, wherever it is called.
    """
    change = Change.between(repository, base, head, now)
    found = check_on(change)
    wrong = scored(again) if again is not None and not found.findings else None
    if wrong is not None:
        found = replace(found, findings=[wrong])
    return Page(change, found, brought(change), read_notes(repository))
