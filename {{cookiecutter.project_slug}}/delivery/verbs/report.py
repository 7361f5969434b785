"""`deliver report`: the one comment on a pull request, from Git objects alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ..argocd.notes import read_notes
from ..check import check_on
from ..check.change import Change
from ..files import write
from ..git import Repository
from ..report.bringing import brought
from ..report.page import MARKER, Page
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


def write_files(page: Page, folder: Path) -> None:
    """Write a report into a folder: its Markdown, the same as a page with its style, JUnit XML."""
    from ..report.html import STYLE, html
    from ..report.junit import junit

    style = Path(__file__).parents[1] / "site/templates" / STYLE
    text = page.markdown()
    shown = html(text.removeprefix(MARKER), f"{page.change.settings.project}: a change judged")
    files = {"report.md": text.encode(), "report.html": shown.encode(), "junit.xml": junit(page)}
    for name, data in {**files, STYLE: style.read_bytes()}.items():
        write(folder / name, data)
