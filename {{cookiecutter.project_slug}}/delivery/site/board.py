"""What the pages show, put together: apps and environments, what waits, each with its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ..app import App
from ..errors import Refused
from ..moving import require_moving
from ..verbs.status import shown
from ..verbs.waits import Wait, promotable, waits
from ..workplace import Workplace
from .chronicle import Chronicle, Told
from .measures import Measures, measures, restorations
from .trends import Trend, trends


@dataclass(frozen=True)
class Place:
    """An app in an environment: what is in force, all that came before, and what waits."""

    environment: str
    app: str
    current: Told | None
    told: tuple[Told, ...]
    """Oldest first."""
    waits: tuple[Wait, ...]

    @cached_property
    def withdrawn(self) -> list[Told]:
        """The records whose deployments a rollback took back."""
        return [
            told
            for one in restorations(self.told)
            if one.by.kind == "rollback"
            for told in one.failed
        ]


@dataclass(frozen=True)
class AppPage:
    """All that is told of an app; `file` is None where main has no app.yaml of it any more."""

    name: str
    file: App | None
    places: tuple[Place, ...]
    """In the order that releases pass them."""
    trends: tuple[Trend, ...]
    last: Measures | None
    """The figures of the last environment; None where nothing ever came there."""


@dataclass(frozen=True)
class Board:
    """The whole of what is shown, as main is, reckoned at a moment."""

    workplace: Workplace
    chronicle: Chronicle
    now: datetime
    is_newest_commit: bool
    """Whether the moment is that of main's newest commit."""

    @property
    def environments(self) -> list[str]:
        """The environments' names, in the order that releases pass them."""
        return self.workplace.settings.names

    @cached_property
    def measures(self) -> dict[str, Measures]:
        """The figures of each environment, of all apps together."""
        return {
            env: measures(self.chronicle, self.chronicle.in_environment(env), self.now)
            for env in self.environments
        }

    @cached_property
    def closed(self) -> list[str]:
        """Why environments may not be changed at the moment: stopped, or outside of windows."""
        found = []
        for environment in self.workplace.settings.environments:
            try:
                require_moving(environment, self.now)
            except Refused as err:
                found.append(err.seen)
        return found

    @cached_property
    def apps(self) -> list[AppPage]:
        """Every app that has an overlay or a record, by name."""
        self.workplace.main.load(self.workplace.main.paths("overlays"))  # one process
        pairs = {(line.app, line.environment) for line in shown(self.workplace)}
        pairs |= {(app, env) for env, app in self.chronicle.lines if env in self.environments}
        known = {app.name: app for app in self.workplace.apps}
        return [
            self._app(name, known.get(name), [e for e in self.environments if (name, e) in pairs])
            for name in sorted({app for app, _ in pairs})
        ]

    @cached_property
    def waits(self) -> list[Wait]:
        """All that waits, what waits longest first; where that is not known, by app and last."""
        found = [wait for app in self.apps for place in app.places for wait in place.waits]
        return sorted(found, key=self._waits_since)

    def _waits_since(self, wait: Wait) -> datetime:
        return self.chronicle.of(wait.since).merged if wait.since else self.now

    @cached_property
    def unconfirmed(self) -> list[Told]:
        """What is in force and was not seen to run; nothing where no confirmation is known."""
        if not self.chronicle.has_notes:
            return []
        current = (place.current for app in self.apps for place in app.places)
        return [told for told in current if told is not None and told.ran is None]

    def _app(self, name: str, file: App | None, environments: Sequence[str]) -> AppPage:
        places = tuple(self._place(environment, name) for environment in environments)
        last = self.chronicle.line(self.environments[-1], name)
        live = next(iter(_live(places, self.environments[-1])), None)
        return AppPage(
            name,
            file,
            places,
            tuple(trends([place.told for place in places], live)),
            measures(self.chronicle, [last], self.now) if last else None,
        )

    def _place(self, environment: str, name: str) -> Place:
        line = self.workplace.ledger.line(environment, name)
        ahead = promotable(self.workplace, line)
        told = self.chronicle.line(environment, name)
        found = (*waits(self.workplace, line), *([ahead] if ahead else ()))
        return Place(environment, name, told[-1] if line.current else None, told, found)


def _live(places: Sequence[Place], environment: str) -> Iterator[str]:
    """Yield the id of the release that an environment is to run."""
    for place in places:
        if place.environment == environment and place.current:
            yield place.current.entry.record.release.id
