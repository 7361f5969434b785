"""Confirming: waiting until Argo CD runs exactly one record, noting it, moving the alias.

In this order: a note is what others can rely on, the alias a projection of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..console import Say
from ..errors import Refused, Unknown
from ..git import shallow
from ..ledger import Entry
from ..models.aliases import Aliases
from ..verbs.history import merges
from ..workplace import Workplace
from .advice import error
from .api import ArgoCD
from .applications import Application
from .looking import Look, look
from .mainline import Mainline
from .names import application_name, project_name
from .notes import Confirmation, write_note

POLL_S = 2
REFRESH_S = 20
LOOK_AGAIN = ("no-application", "behind", "not-synced")
"""At these Argo CD is asked to look again this often; by itself it does so every few minutes."""
SETTLE_S = 30
STANDING = ("degraded", "not-asked")
"""What stays so for SETTLE_S will not pass. For a moment it may be: an autoscaler is Degraded until
it has its first figures."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, and by which clock."""

    timeout_s: float
    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Confirmed:
    """A record that runs, the commit that its note is on, and whether note and alias are new."""

    entry: Entry
    look: Look
    commit: str
    noted: bool
    moved: bool

    def lines(self) -> tuple[str, str, str]:
        """Return what a person reads: what runs, where it is noted, where the alias is."""
        entry, model = self.entry, self.entry.record.release.model
        return (
            f"{self.look.outcome}: {entry.app} {entry.name}: {self.look.sentence}",
            f"noted:  on commit {self.commit[:12]}{'' if self.noted else ', before'}",
            f"alias:  {entry.environment} of {model.name} is version {model.version}"
            f"{'' if self.moved else ', as before'}",
        )

    def as_json(self) -> dict[str, object]:
        """Return the same as `--json` prints it."""
        entry, model = self.entry, self.entry.record.release.model
        return {
            "app": entry.app,
            "record": entry.name,
            "outcome": self.look.outcome,
            "revision": self.look.revision,
            "commit": self.commit,
            "noted": self.noted,
            "model": model.name,
            "version": model.version,
            "alias": entry.environment,
            "moved": self.moved,
        }


def confirm(
    place: Workplace,
    app: str,
    environment: str,
    *,
    server: ArgoCD,
    aliases: Aliases,
    patience: Patience,
    clock: Callable[[], str],
    say: Say,
) -> Confirmed:
    """Return that Argo CD runs the newest record of an app, once it does.

    Raises Refused where it cannot come to that, Unknown where it was not seen in time, or where
    note or alias could not be written: what was done stays, and another call does the rest.
    """
    entry = newest(place, app, environment)
    place.repository.require_identity()
    commit = added_by(place, entry)
    seen = Wait(server, Mainline(place), entry, patience, say).until_it_runs()
    note = Confirmation(
        record=entry.sha256, revision=seen.revision, outcome=seen.outcome, time=clock()
    )
    say(f"{seen.sentence}; noting it on {commit[:12]}")
    noted = write_note(place.repository, commit, note)
    say(f"moving the alias {environment} of the model in the registry")
    moved = aliases.move(environment, entry.record.release.model)
    return Confirmed(entry, seen, commit, noted, moved)


def newest(place: Workplace, app: str, environment: str) -> Entry:
    """Return the record to confirm; raises Refused (`nothing-to-confirm`)."""
    place.settings.environment(environment)
    place.require_known(app)
    line = place.ledger.line(environment, app)
    if line.current is None:
        raise Refused(
            "nothing-to-confirm",
            f"{app} has no release in {environment} on {place.main_name}.",
            "What is confirmed is the newest record of an app in an environment.",
            f"see `deliver history {app} --env {environment}`; merge a record first",
        )
    return line.current


def added_by(place: Workplace, entry: Entry) -> str:
    """Return the first-parent commit of main that added a record; raises Unknown if not here."""
    merge = merges(place.repository, place.main.commit).get(entry.path)
    if merge is None:
        raise shallow(f"the commit that brought {entry.app} {entry.name} is not in this clone.")
    return merge.commit


@dataclass
class Wait:
    """One wait for one record: looks every few seconds until it runs, failed, or time is up."""

    server: ArgoCD
    mainline: Mainline
    entry: Entry
    patience: Patience
    say: Say
    _answered: bool = False
    _known: bool = False
    _refreshed: float = field(default=float("-inf"))
    _standing: str = ""
    _since: float = 0.0
    _said: str = ""
    _away: Unknown | None = None

    def until_it_runs(self) -> Look:
        """Return the look at which it runs; raises Refused or Unknown, named by the last one."""
        until = self.patience.now() + self.patience.timeout_s
        while True:
            seen = self._look()
            if seen.verdict == "runs":
                return seen
            self._tell(seen)
            if seen.verdict == "failed" or self._stands(seen) or self.patience.now() >= until:
                raise self._away or error(seen, self.entry, self.mainline.place.settings)
            self._require_open_window(seen)
            self.patience.pause(POLL_S)

    def _look(self) -> Look:
        """Return what Argo CD says; that it is away for a while is waited for, once it answered."""
        try:
            application = self._ask()
        except Unknown as err:
            if not self._answered:
                raise
            self._away = err
            return Look("waiting", err.code, err.seen)
        self._answered, self._away = True, None
        entry, settings = self.entry, self.mainline.place.settings
        seen = look(application, entry, settings, lambda r: self.mainline.where(entry, r))
        self._known = seen.code not in LOOK_AGAIN
        newest = self.mainline.place.ledger.line(entry.environment, entry.app).newest
        if newest is not None and newest.number > entry.number:
            return Look("failed", "superseded", f"main has a later record, {newest.name}")
        return seen

    def _ask(self) -> Application | None:
        """Return the Application, where that may help after Argo CD has looked again."""
        entry, settings = self.entry, self.mainline.place.settings
        name = application_name(settings, entry.environment, entry.app)
        now = self.patience.now()
        # The first question is a plain one, so that a token that is no good is told at once.
        due = self._answered and not self._known and now - self._refreshed >= REFRESH_S
        if due:
            self._refreshed = now
        project = project_name(settings, entry.environment)
        return self.server.application(project, name, refresh=due)

    def _stands(self, seen: Look) -> bool:
        """Return whether waiting is of no use any more."""
        now = self.patience.now()
        if seen.code != self._standing:
            self._standing, self._since = seen.code, now
        return seen.code in STANDING and now - self._since >= SETTLE_S

    def _require_open_window(self, seen: Look) -> None:
        """Raise Unknown (`window-closed`) where Argo CD may not sync by itself now."""
        if seen.code != "not-synced":
            return
        entry, settings = self.entry, self.mainline.place.settings
        project = project_name(settings, entry.environment)
        name = application_name(settings, entry.environment, entry.app)
        closed = self.server.windows(project, name).closed
        if closed:
            shut = replace(seen, code="window-closed", sentence=f"{seen.sentence} ({closed})")
            raise error(shut, entry, settings)

    def _tell(self, seen: Look) -> None:
        if seen.sentence != self._said:
            self.say(f"{seen.code}: {seen.sentence}")
            self._said = seen.sentence
