"""Where the clusters, the model registry and the image registry differ from Git, by name.

Git is the truth: each difference is one from the newest records on main.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ..console import Say
from ..errors import DeliveryError, Refused, Unknown, UsageError
from ..ledger import Entry
from ..models.aliases import Aliases
from ..models.stored import Stored
from ..workplace import Workplace
from .advice import CONFIRM, advice, describe
from .api import ArgoCD
from .applications import Application, belongs_to_releases
from .looking import Look, look
from .mainline import Mainline
from .names import application_name, project_name
from .notes import read_notes

Connect = Callable[[str], AbstractContextManager[ArgoCD]]
"""Gives the Argo CD of an environment."""
MOVING = ("no-application", "other-source", "behind", "syncing", "superseded")
"""At these, what pods run cannot be compared with the record yet."""


@dataclass(frozen=True)
class Finding:
    """A difference, or a question without an answer; `app` is empty where it is about all apps."""

    environment: str
    app: str
    problem: DeliveryError

    def as_json(self) -> dict[str, str]:
        """Return the finding as `--json` prints it."""
        return {"environment": self.environment, "app": self.app, **self.problem.as_json()}


@dataclass(frozen=True)
class Drift:
    """All findings, and how many records were compared."""

    findings: list[Finding]
    compared: int

    @property
    def exit_code(self) -> int:
        """0 no difference · 1 differences · 3 none was seen, but not all could be asked."""
        differs = any(isinstance(finding.problem, Refused) for finding in self.findings)
        return Refused.exit_code if differs else Unknown.exit_code if self.findings else 0


@dataclass(frozen=True)
class Comparison:
    """What is compared: main as it is now, in some environments, with what each source says."""

    mainline: Mainline
    environments: list[str]

    @property
    def place(self) -> Workplace:
        """Main, as far as it was fetched."""
        return self.mainline.place

    @property
    def current(self) -> list[Entry]:
        """The records in force, in the order of the environments."""
        return [
            line.current
            for name in self.environments
            for line in sorted(self.place.ledger, key=lambda one: one.app)
            if line.environment == name and line.current is not None
        ]

    def clusters(self, environment: str, connect: Connect) -> Iterator[Finding]:
        """Yield what Argo CD of one environment says otherwise."""
        settings = self.place.settings
        project = project_name(settings, environment)
        with connect(environment) as server:
            found = server.applications(project)
            expected = set()
            for entry in (one for one in self.current if one.environment == environment):
                name = application_name(settings, environment, entry.app)
                expected.add(name)
                yield from self._cluster(entry, found.get(name), server)
        for name, application in found.items():
            if name not in expected and belongs_to_releases(application):
                yield Finding(environment, name, _orphan(application, environment))

    def _cluster(
        self, entry: Entry, application: Application | None, server: ArgoCD
    ) -> Iterator[Finding]:
        seen = self._look(entry, application)
        if application is not None and seen.verdict != "runs":
            # A list leaves out what single objects say of their health.
            name = application.metadata.name
            application = server.application(application.spec.project, name)
            seen = self._look(entry, application)
        if seen.verdict != "runs":
            yield self._finding(entry, seen)
        if application is not None and seen.code not in MOVING:
            name = application.metadata.name
            shown = application.status.summary.images
            asked = seen.verdict != "runs" and not shown  # what is synced has the record's image
            running = server.images(application.spec.project, name) if asked else shown
            yield from self._images(entry, running)

    def _look(self, entry: Entry, application: Application | None) -> Look:
        settings = self.place.settings
        return look(application, entry, settings, lambda r: self.mainline.where(entry, r))

    def _finding(self, entry: Entry, seen: Look) -> Finding:
        rule, step = advice(seen.code, entry.environment, entry.app, self.place.settings)
        problem = Refused(seen.code, describe(seen, entry), rule, step)
        return Finding(entry.environment, entry.app, problem)

    def _images(self, entry: Entry, running: Sequence[str]) -> Iterator[Finding]:
        """Yield images that run beside, or in place of, the record's."""
        image = entry.record.release.image
        repository = image.rsplit("@", 1)[0]
        others = [one for one in running if one != image]
        if image in running:  # what else runs beside it may be a mesh's proxy
            others = [one for one in others if _of(one) == repository]
        for other in others:
            yield Finding(entry.environment, entry.app, _other_image(entry, other))

    def notes(self) -> Iterator[Finding]:
        """Yield the records that nobody has confirmed."""
        noted = read_notes(self.place.repository) or {}
        for entry in self.current:
            if entry.sha256 not in noted:
                yield Finding(entry.environment, entry.app, _unconfirmed(entry))

    def aliases(self, aliases: Aliases) -> Iterator[Finding]:
        """Yield the aliases of the model registry that name another version than the record."""
        known: dict[str, Mapping[str, str]] = {}
        for entry in self.current:
            model = entry.record.release.model
            if model.name not in known:
                known[model.name] = aliases.of(model.name)
            version = known[model.name].get(entry.environment)
            if version != model.version:
                yield Finding(entry.environment, entry.app, _alias(entry, version))
                continue
            try:
                aliases.require(model)
            except Refused as err:
                yield Finding(entry.environment, entry.app, err)

    def images(self, stored: Stored) -> Iterator[Finding]:
        """Yield the images that records pin and the registry has no more."""
        gone: dict[str, bool] = {}
        for entry in self.current:
            image = entry.record.release.image
            if image not in gone:
                gone[image] = not stored.has(image)
            if gone[image]:
                yield Finding(entry.environment, entry.app, _image_missing(entry))


def drift(
    place: Workplace,
    environments: list[str],
    *,
    connect: Connect,
    aliases: Aliases,
    stored: Stored,
    say: Say,
) -> Drift:
    """Return every difference, and every source that could not be asked, of some environments."""
    say("fetching main and its notes")
    mainline = Mainline(place)
    findings = _guarded("", _fetched(mainline))
    of = Comparison(mainline, environments)
    for name in environments:
        say(f"asking Argo CD about {name}")
        findings += _guarded(name, of.clusters(name, connect))
    findings += _guarded("", of.notes())
    say("asking the model registry")
    findings += _guarded("", of.aliases(aliases))
    say("asking the image registry")
    findings += _guarded("", of.images(stored))
    return Drift(findings, len(of.current))


def _fetched(mainline: Mainline) -> Iterator[Finding]:
    mainline.fetch()
    yield from ()


def _guarded(environment: str, findings: Iterator[Finding]) -> list[Finding]:
    """Return a source's findings; that it could not be asked is a finding itself."""
    found: list[Finding] = []
    try:
        found.extend(findings)
    except (Unknown, UsageError) as err:
        found.append(Finding(environment, "", err))
    return found


def _of(image: str) -> str:
    """Return an image's repository, without tag or digest."""
    name = image.split("@", 1)[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.split(':')[0]}"


def _confirm(entry: Entry) -> str:
    return CONFIRM.format(app=entry.app, environment=entry.environment)


def _orphan(application: Application, environment: str) -> Refused:
    name = application.metadata.name
    return Refused(
        "orphan-application",
        f"Argo CD runs {name}, and main has no record for it in {environment}.",
        "What runs in an environment has a record in force.",
        f"delete Application {name} in Argo CD, with its resources, once nobody needs them",
    )


def _other_image(entry: Entry, other: str) -> Refused:
    ours = entry.record.release.image.rsplit("@", 1)[1]
    return Refused(
        "other-image",
        f"{entry.app} {entry.name}: the cluster runs {other}, the record says {ours}.",
        "What runs is the very image that was judged.",
        f"look at the pods in Argo CD; then {_confirm(entry)}",
    )


def _unconfirmed(entry: Entry) -> Refused:
    return Refused(
        "unconfirmed",
        f"{entry.app} {entry.name}: no note says that it ever ran.",
        "Merged is approved; confirmed is that it ran and answered the known question.",
        _confirm(entry),
    )


def _alias(entry: Entry, version: str | None) -> Refused:
    model, alias = entry.record.release.model, entry.environment
    rule = "An alias follows what was confirmed; it decides nothing."
    if version is None:
        seen = f"{model.name} has no alias {alias}, the record has version {model.version}."
        return Refused("alias-missing", seen, rule, _confirm(entry))
    seen = f"alias {alias} of {model.name} is version {version}, the record has {model.version}."
    return Refused("alias-differs", seen, rule, _confirm(entry))


def _image_missing(entry: Entry) -> Refused:
    release = entry.record.release
    return Refused(
        "image-missing",
        f"{entry.app} {entry.name}: {release.image} is not in its registry.",
        "What a record pins has to be there: a node that starts anew pulls it.",
        "restore the image from a backup, or release and promote a newly built one",
    )
