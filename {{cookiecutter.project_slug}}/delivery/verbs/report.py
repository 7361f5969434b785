"""`deliver report`: the one comment on a pull request, from Git objects alone."""

from __future__ import annotations

from datetime import datetime

from ..argocd.notes import read_notes
from ..check import check_on
from ..check.change import Change
from ..git import Repository
from ..report.bringing import brought
from ..report.page import Page


def report(repository: Repository, base: str, head: str, now: datetime) -> Page:
    """Return the report on what `head` brings to `base`; `now` is for waivers and windows.

    The same commits, notes and day give the same bytes, wherever it is called.
    """
    change = Change.between(repository, base, head, now)
    return Page(change, check_on(change), brought(change), read_notes(repository))
