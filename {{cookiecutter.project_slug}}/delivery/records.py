"""Records: what brought a release into an environment (FORMATS section 4)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from .app import Sha256
from .canonical import digest, sha256
from .files import dump_yaml, parse_model
from .settings import Minor, Strict, Version

Kind = Literal[
    "release", "promote", "configure", "rerender", "rollback", "resume", "hotfix", "retire"
]
ACCEPTING: frozenset[Kind] = frozenset({"release", "promote", "hotfix"})
"""Kinds that rest on a verdict of their own; the others rest on an earlier record's."""

ObjectId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
RecordName = Annotated[str, StringConstraints(pattern=r"^[a-z][-a-z0-9]*/\d{4}$")]
Sentence = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")
]
"""One line of text for people; control characters could paint over what a terminal shows."""
Image = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.:/_-]+@sha256:[0-9a-f]{64}$")]
FILE_NAME = re.compile(r"\d{4}\.yaml")


class Pin(Strict):
    """A source folder: our digest, Git's tree, and a commit on main that holds it."""

    sha256: Sha256
    tree: ObjectId
    commit: ObjectId


class Model(Strict):
    """A model version; only its digest is identity, the rest is where to find it in MLflow."""

    digest: Sha256
    name: str
    version: str
    run: str


class Question(Strict):
    """The known question that the release answers (FORMATS section 5)."""

    sha256: Sha256


class BuiltFrom(Strict):
    """What the image was made of."""

    commit: ObjectId
    code: Sha256
    lock: Sha256
    data: Sha256
    server: Sha256
    base: Sha256


class Release(Strict):
    """What moves: image, model, pinned sources and question, the same in every environment."""

    id: Sha256
    image: Image
    model: Model
    sources: Annotated[dict[str, Pin], Field(min_length=1)]
    question: Question
    built_from: BuiltFrom

    def computed_id(self) -> str:
        """Return the digest of what is identity: equal content has an equal id."""
        return release_id(
            self.image,
            self.model.digest,
            {path: pin.sha256 for path, pin in self.sources.items()},
            self.question.sha256,
        )


class Overlay(Strict):
    """The overlay that a record was rendered with."""

    tree: ObjectId
    sha256: Sha256


class Place(Strict):
    """The environment's settings that manifests depend on."""

    namespace: str
    kubernetes: Minor


class RendererPin(Strict):
    """Versions of what rendered; `deliver` is our own part's number."""

    kustomize: Version
    helm: Version
    deliver: int


class EvidenceRef(Strict):
    """The evidence that a record rests on: of which record, and its digest."""

    record: RecordName
    sha256: Sha256


class Record(Strict):
    """One line of an environment's history."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    kind: Kind
    release: Release
    overlay: Overlay
    settings: Place
    renderer: RendererPin
    manifests: Sha256
    evidence: EvidenceRef
    from_: RecordName | None = Field(default=None, alias="from")
    reason: Sentence
    change: Sentence | None = None
    expires: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    previous: Sha256 | None = None

    def dump(self) -> bytes:
        """Return the record's only spelling as YAML."""
        return dump_yaml(self.model_dump(mode="json", by_alias=True, exclude_none=True))


def parse_record(data: bytes, path: str) -> Record:
    """Return a record from its file; raises UsageError naming the file and the field."""
    return parse_model(Record, data, path)


def release_id(image: str, model: str, sources: dict[str, str], question: str) -> str:
    """Return a release's id: SHA-256 over the canonical JSON of its content (FORMATS section 4).

    `model` and `question` are digests; `sources` maps each pinned path to our digest of it.
    """
    content: dict[str, Any] = {
        "image": image.rsplit("@", 1)[1],
        "model": {"digest": model},
        "question": question,
        "sources": sources,
    }
    return digest(content)


def manifests_digest(files: dict[str, bytes]) -> str:
    """Return the digest of a manifests folder: over each file's name and SHA-256."""
    return digest({name: sha256(data) for name, data in files.items()})
