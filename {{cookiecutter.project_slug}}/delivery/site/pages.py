"""The pages as bytes: templates filled with what the board holds.

All text is escaped, since whoever writes to the repository wrote it; and no page may run a script.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ..canonical import short
from ..records import ACCEPTING
from ..report.verdict import measured_on, metric_rows
from .board import AppPage, Board, Place
from .chronicle import Told
from .words import KINDS, commit_url, day_tag, judged, seen, sentence, span, time_tag, with_code

TEMPLATES = Path(__file__).parent / "templates"
STYLE = "style.css"
FIRST_VIEW = "index.html", STYLE
"""All that a browser loads for the first page."""


@dataclass(frozen=True)
class Pages:
    """The pages of a board, by path from its root."""

    board: Board

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield every file: its path, and its bytes."""
        yield STYLE, (TEMPLATES / STYLE).read_bytes()
        yield "index.html", self._filled("index", "")
        yield "about.html", self._filled("about", "")
        for app in self.board.apps:
            yield app_path(app.name), self._filled("app", "../", app=app)
            for place in app.places:
                for told in place.told:
                    yield record_page(told), self._record(app, place, told)

    def _record(self, app: AppPage, place: Place, told: Told) -> bytes:
        rests_on = self._rests_on(told)
        at = place.told.index(told)
        around = {
            "earlier": place.told[at - 1] if at else None,
            "later": place.told[at + 1] if at + 1 < len(place.told) else None,
        }
        evidence = rests_on.evidence if rests_on else None
        words = {"evidence": evidence, "rests_on": rests_on, **around}
        return self._filled("record", "../../", app=app, place=place, told=told, **words)

    def _rests_on(self, told: Told) -> Told | None:
        """Return the record whose evidence a record rests on: mostly itself."""
        if told.kind in ACCEPTING:
            return told
        environment, number = told.entry.record.evidence.record.split("/")
        line = self.board.chronicle.line(environment, told.entry.app)
        return next((one for one in line if one.entry.number == int(number)), None)

    def _filled(self, name: str, root: str, **words: object) -> bytes:
        template = self._templates[name]
        return template.render(board=self.board, root=root, **words).encode()

    @cached_property
    def _templates(self) -> dict[str, Template]:
        names = "index", "app", "record", "about"
        return {name: self._environment.get_template(f"{name}.html") for name in names}

    @cached_property
    def _environment(self) -> Environment:
        made = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters |= {"time": time_tag, "day": day_tag, "span": span, "short": short}
        made.filters |= {"sentence": sentence, "judged": judged, "seen": seen, "code": with_code}
        made.filters |= {"metric_rows": metric_rows, "measured_on": measured_on}
        made.globals |= {"kinds": KINDS, "page": record_page, "app_page": app_path}
        made.globals |= {"commit_url": self._commit_url, "zip": zip}
        return made

    def _commit_url(self, commit: str) -> str | None:
        return commit_url(self.board.workplace.settings.repository, commit)


def app_path(name: str) -> str:
    """Return the path of an app's page."""
    return f"apps/{name}.html"


def record_page(told: Told) -> str:
    """Return the path of a record's page."""
    entry = told.entry
    return f"records/{entry.app}/{entry.environment}-{entry.number:04}.html"
