"""`apps/<app>/`: what an app is everywhere, and the policy that its models are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from .canonical import digest, sha256
from .errors import Refused, UsageError
from .files import parse_model
from .git import Folder, Snapshot
from .policy import METRICS, Calibration, Gate, PartialPolicy, Policy, Task
from .settings import Owner, Settings, Strict, as_name, check_name

SERVER = "delivery/server"
CONVERSION = "delivery/conversion"
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
TypeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)+$")]
Style = Literal["kustomize", "helm"]
Format = Literal["skops", "pickle", "onnx"]

SUFFIXES: Mapping[str, Format] = {".skops": "skops", ".onnx": "onnx"}
"""A served model's format is read off its file's name, which is in the model's digest."""
KEPT = (".json", ".lock")
"""How the other files of a model's folder end, which no payload may replace."""


def format_of(file: str) -> Format:
    """Return the format of a payload by its file's name; a pickle may have any other."""
    return SUFFIXES.get(PurePosixPath(file).suffix, "pickle")


class Payload(Strict):
    """The file with the fitted model that training writes.

    `trusted` names types that skops makes on loading beside those which it trusts by itself.
    """

    file: FileName
    format: Format
    trusted: tuple[TypeName, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Payload:
        if (ending := PurePosixPath(self.file).suffix) in KEPT:
            raise ValueError(
                f"file {self.file}: names in {ending} are of the files beside a payload"
            )
        if format_of(self.file) != self.format:
            raise ValueError(f"file {self.file}: the name of {self.format} ends in {self._ending}")
        if self.trusted and self.format != "skops":
            raise ValueError("`trusted` names types for skops, and for no other format")
        return self

    @property
    def _ending(self) -> str:
        endings = {format_: suffix for suffix, format_ in SUFFIXES.items()}
        return endings.get(self.format, ".pkl")


class AppFile(Strict):
    """The whole of app.yaml."""

    schema_: Literal[1] = Field(alias="schema")
    module: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]
    task: Task
    style: Style
    chart: FileName | None = None
    components: tuple[FileName, ...] = ()
    accelerator: Literal["gpu"] | None = None
    payload: Payload
    serve: Literal["onnx", "native"] = "onnx"
    allow: tuple[Literal["pickle"], ...] = ()
    tolerance: float = Field(default=1e-6, gt=0, le=0.1)
    owners: Annotated[list[Owner], Field(min_length=1)]
    gate: Gate

    @model_validator(mode="after")
    def _consistent(self) -> AppFile:
        if (self.style == "helm") != (self.chart is not None):
            raise ValueError("`chart` names the chart of a helm-style app, and of no other")
        if self.style == "helm" and self.components:
            raise ValueError("`components` are Kustomize's; a chart has values in their place")
        if len(set(self.components)) < len(self.components):
            raise ValueError("`components` names one twice")
        if self.payload.format == "onnx" and self.serve == "native":
            raise ValueError("`serve: native` is of payloads in skops or pickle")
        policies: list[Policy | PartialPolicy] = [self.gate, *self.gate.environments.values()]
        asked = {metric for policy in policies for metric in policy.metrics}
        asked |= {one.metric for policy in policies for one in policy.fairness or ()}
        for limits in (one.calibration for one in policies if one.calibration is not None):
            if self.task == "regression" and limits.slope is not None:
                raise ValueError("calibration.slope is of a binary classification alone")
            if self.task == "multiclass-classification" and limits != Calibration():
                raise ValueError(f"calibration is not judged for {self.task}")
        unknown = sorted(asked - METRICS[self.task])
        if unknown:
            known = ", ".join(sorted(METRICS[self.task]))
            raise ValueError(f"no metric {unknown[0]} for {self.task}; there are {known}")
        return self


class HoldoutPart(Strict):
    """One file of the hold-out."""

    file: FileName
    sha256: Sha256


class HoldoutFile(Strict):
    """The whole of holdout.yaml; `location` is a folder of the repository."""

    schema_: Literal[1] = Field(alias="schema")
    rows: int = Field(gt=0)
    format: Literal["csv"]
    location: str
    features: HoldoutPart
    labels: HoldoutPart


@dataclass(frozen=True)
class Holdout:
    """The hold-out's bytes, each file checked against the SHA-256 that holdout.yaml states."""

    rows: int
    features: bytes
    labels: bytes
    features_sha256: str
    labels_sha256: str


@dataclass(frozen=True)
class Ingredients:
    """Digests of model code, of the app's locks, and of the server's source."""

    code: str
    lock: str
    server: str


@dataclass(frozen=True)
class App:
    """An app as it is in one commit: its name and its app.yaml."""

    name: str
    file: AppFile
    snapshot: Snapshot

    @property
    def folder(self) -> str:
        """The app's folder in the repository."""
        return f"apps/{self.name}"

    @property
    def source_paths(self) -> list[str]:
        """The folders that a release of this app pins: its own, then those that apps share."""
        shared = [f"components/{name}" for name in self.file.components]
        shared += [] if self.file.chart is None else [f"charts/{self.file.chart}"]
        return [f"{self.folder}/deploy", *shared]

    def policy(self, environment: str) -> Policy:
        """Return the limits that hold in an environment: the common ones, then its overrides."""
        return self.file.gate.policy(environment)

    def in_environment(self, environment: str) -> bool:
        """Return whether the app has an overlay for an environment."""
        return bool(self.snapshot.paths(f"overlays/{environment}/{self.name}"))

    def lock(self) -> bytes:
        """Return the app's lock; raises UsageError (`no-lock`)."""
        return self._lock(f"{self.folder}/requirements.lock")

    def conversion_lock(self) -> bytes:
        """Return the lock of what converts the app's models; raises UsageError (`no-lock`)."""
        return self._lock(self._conversion)

    def onnx_lock(self) -> bytes:
        """Return the lock of what runs ONNX on a CPU; raises UsageError (`no-lock`)."""
        return self._lock(f"{SERVER}/onnx.lock")

    def engine_lock(self) -> bytes:
        """Return the lock of an image with the app in ONNX; raises UsageError (`no-lock`)."""
        return self._lock(self._engine)

    @property
    def converts(self) -> bool:
        """Whether what training writes is to be turned into ONNX."""
        return self.file.payload.format != "onnx" and self.file.serve == "onnx"

    @property
    def on_gpus(self) -> bool:
        """Whether the image of the app in ONNX carries CUDA."""
        return self.file.accelerator == "gpu" or "gpu" in self.file.components

    @property
    def locks_sha256(self) -> str:
        """The digest of all locks that a model of this app may depend on.

        Of the app's own alone where no other matters, and where conversion.lock is not there: the
        app is then of a time that converted nothing.
        """
        more: list[str] = []
        if self.file.payload.format == "onnx":
            more = [self._engine]
        elif self.converts and self._conversion in self.snapshot.entries:
            more = [self._conversion, self._engine]
        if not more:
            return sha256(self.lock())
        locks = {"requirements.lock": self.lock(), **{path: self._lock(path) for path in more}}
        return digest({PurePosixPath(path).name: sha256(data) for path, data in locks.items()})

    @property
    def _conversion(self) -> str:
        return f"{self.folder}/conversion.lock"

    @property
    def _engine(self) -> str:
        return f"{SERVER}/{'gpu' if self.on_gpus else 'onnx'}.lock"

    def _lock(self, path: str) -> bytes:
        data = self.snapshot.find(path)
        if data is None:
            raise UsageError(
                "no-lock",
                f"{path} is not committed.",
                "What trains, converts and serves a model is locked, hash by hash.",
                "run `make lock` and commit the file (docs/conversion.md)",
            )
        return data

    def code(self, settings: Settings) -> Folder:
        """Return the model code: the package without the modules of other apps."""
        others = {a.file.module for a in read_apps(self.snapshot, settings)} - {self.file.module}
        start = f"{settings.package}/"
        kept = {
            path[len(start) :]: self.snapshot.entries[path]
            for path in self.snapshot.paths(settings.package)
            if path[len(start) :].split("/", 1)[0] not in others
        }
        blobs = self.snapshot.repository.read(entry.blob for entry in kept.values())
        return Folder.of(settings.package, kept, blobs)

    def made_of(self, settings: Settings) -> Ingredients:
        """Return digests of all in this commit that the app's image is made of, model aside."""
        return Ingredients(
            code=self.code(settings).sha256,
            lock=self.locks_sha256,
            server=self.snapshot.folder(SERVER).sha256,
        )

    def holdout(self) -> Holdout:
        """Return the hold-out; raises UsageError if it is missing, Refused if it was altered."""
        path = f"{self.folder}/holdout.yaml"
        data = self.snapshot.find(path)
        if data is None:
            raise _no_holdout(path)
        stated = parse_model(HoldoutFile, data, path)
        features = self._part(stated.location, stated.features)
        labels = self._part(stated.location, stated.labels)
        return Holdout(stated.rows, features, labels, stated.features.sha256, stated.labels.sha256)

    def _part(self, location: str, part: HoldoutPart) -> bytes:
        path = f"{location}/{part.file}"
        data = self.snapshot.find(path)
        if data is None:
            raise _no_holdout(path)
        if sha256(data) != part.sha256:
            raise Refused(
                "holdout-altered",
                f"{path} has {sha256(data)[:19]}…, {self.folder}/holdout.yaml says "
                f"{part.sha256[:19]}….",
                "A hold-out is drawn once; every model is judged on the same rows.",
                "restore the file with `git checkout`, or draw a new hold-out by its owners",
            )
        return data


def read_app(snapshot: Snapshot, settings: Settings, name: str) -> App:
    """Return an app of a commit; raises UsageError where app.yaml lacks or breaks its schema."""
    path = f"apps/{name}/app.yaml"
    data = snapshot.find(path)
    if data is None:
        known = ", ".join(
            n for n in snapshot.folders("apps") if snapshot.find(f"apps/{n}/app.yaml")
        )
        raise UsageError(
            "no-such-app",
            f"{path} is not in commit {snapshot.commit[:12]}.",
            f"An app is a folder with an app.yaml; there are: {known or 'none yet'}.",
            f"use one of these names, commit the file, or run `deliver app add {as_name(name)}`",
        )
    check_name("an app", name)
    file = parse_model(AppFile, data, path)
    for env in file.gate.environments:
        if env not in settings.names:
            raise UsageError(
                "broken-file",
                f"{path}: gate.environments.{env}: delivery.yaml has no such environment.",
                "A limit that no environment uses would silently never be judged.",
                f"use one of {', '.join(settings.names)}",
            )
    return App(name, file, snapshot)


def read_apps(snapshot: Snapshot, settings: Settings) -> list[App]:
    """Return every app of a commit, by name."""
    names = [n for n in snapshot.folders("apps") if f"apps/{n}/app.yaml" in snapshot.entries]
    snapshot.load(f"apps/{name}/app.yaml" for name in names)
    return [read_app(snapshot, settings, name) for name in names]


def _no_holdout(path: str) -> UsageError:
    return UsageError(
        "no-holdout",
        f"{path} is not committed.",
        "Without labelled rows that training never saw, no model can be judged.",
        "draw it with `deliver app holdout APP` and commit it",
    )
