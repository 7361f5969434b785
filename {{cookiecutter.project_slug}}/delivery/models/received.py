"""Images as their registry has them now, each part hashed as it comes.

An image's digest is of its manifest, which names configuration and layers by theirs, so whatever
was altered has another digest than it is asked for by. No container program takes part: what one
keeps on this machine would hide an altered registry.
See: the OCI image specification, https://github.com/opencontainers/image-spec, manifest.md,
config.md and layer.md.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Annotated, TypeVar

from pydantic import BaseModel, Field, ValidationError

from ..app import Sha256
from ..errors import DeliveryError, Refused, Unknown
from .layers import Layer, read_layer
from .stored import Kind, Stored

SMALL = 1 << 22
"""Bytes up to which a part is kept in memory; manifests are at most that long, by the specification
of registries."""
Model = TypeVar("Model", bound=BaseModel)


class _Named(BaseModel):
    digest: Sha256


class _Manifest(BaseModel):
    """A manifest: that of one image, or a list of one for each platform."""

    config: _Named | None = None
    layers: list[_Named] = []
    manifests: list[_Named] = []


class _Settings(BaseModel):
    labels: Annotated[dict[str, str] | None, Field(alias="Labels")] = None


class _Config(BaseModel):
    config: _Settings = _Settings()


@dataclass(frozen=True)
class Received:
    """An image of one platform: its labels, and what its layers do to the model folder."""

    labels: Mapping[str, str]
    layers: tuple[Layer, ...]


@dataclass
class Receiving:
    """Reads images; a part that several of them have is read once."""

    stored: Stored
    _seen: dict[tuple[str, str], Layer | DeliveryError] = field(default_factory=dict, repr=False)

    def receive(self, image: str) -> tuple[list[Received], list[DeliveryError]]:
        """Return an image for each of its platforms, and what is wrong with its parts.

        The errors: Refused (`image-altered`) for a part with another digest; Unknown (`image-gone`,
        `image-unreadable`, `registry-unreachable`). Without any, the image is whole.
        """
        repository, digest = image.rsplit("@", 1)
        found: list[Received] = []
        errors: list[DeliveryError] = []
        try:
            for one in self._manifests(repository, digest):
                labels, layers = self._parts(repository, one, errors)
                found.append(Received(labels, layers))
        except DeliveryError as err:
            errors.append(err)
        return found, errors

    def _manifests(self, repository: str, digest: str) -> Iterator[_Manifest]:
        """Yield the manifest of each platform."""
        with self._fetch(repository, "manifests", "manifest", digest) as data:
            found = _parse(_Manifest, data.read(), f"manifest {digest}", repository)
        for one in found.manifests:
            yield from self._manifests(repository, one.digest)
        if not found.manifests:
            yield found

    def _parts(
        self, repository: str, manifest: _Manifest, errors: list[DeliveryError]
    ) -> tuple[dict[str, str], tuple[Layer, ...]]:
        """Return labels and layers, having added an error for each that cannot be had."""
        labels: dict[str, str] = {}
        layers = []
        try:
            if manifest.config is not None:
                labels = self._labels(repository, manifest.config.digest)
        except DeliveryError as err:
            errors.append(err)
        for named in manifest.layers:
            layer = self._layer(repository, named.digest)
            if isinstance(layer, Layer):
                layers.append(layer)
            else:
                errors.append(layer)
        return labels, tuple(layers)

    def _labels(self, repository: str, digest: str) -> dict[str, str]:
        with self._fetch(repository, "blobs", "configuration", digest) as data:
            found = _parse(_Config, data.read(), f"configuration {digest}", repository)
        return found.config.labels or {}

    def _layer(self, repository: str, digest: str) -> Layer | DeliveryError:
        key = repository, digest
        if key not in self._seen:
            try:
                with self._fetch(repository, "blobs", "layer", digest) as data:
                    self._seen[key] = read_layer(data)
            except DeliveryError as err:
                self._seen[key] = err
            except ValueError as err:
                self._seen[key] = unreadable(f"layer {digest}", repository, str(err))
        return self._seen[key]

    def _fetch(self, repository: str, kind: Kind, part: str, digest: str) -> IO[bytes]:
        """Return a file with a part of an image, at its start; raises DeliveryError."""
        # Closed by the caller: it is what `with` is given.
        data = tempfile.SpooledTemporaryFile(SMALL)  # noqa: SIM115
        try:
            there = self.stored.copy(repository, kind, digest, data)
            size = data.tell()
            data.seek(0)
            if not there:
                raise _gone(part, digest, repository)
            received = f"sha256:{_hash(data)}"
            if received != digest:
                raise _altered(part, digest, repository, f"{size} bytes with SHA-256 {received}")
        except BaseException:
            data.close()
            raise
        return data


def _hash(data: IO[bytes]) -> str:
    summed = hashlib.sha256()
    while chunk := data.read(SMALL):
        summed.update(chunk)
    data.seek(0)
    return summed.hexdigest()


def _parse(model: type[Model], data: bytes, part: str, repository: str) -> Model:
    try:
        return model.model_validate(json.loads(data))
    except (ValidationError, ValueError) as err:
        raise unreadable(part, repository, str(err).splitlines()[0]) from err


def _altered(part: str, digest: str, repository: str, found: str) -> Refused:
    return Refused(
        "image-altered",
        f"{part} {digest} of {repository} is {found}.",
        "A registry keeps what was pushed, byte for byte, under the SHA-256 of it.",
        "restore the registry from a backup; see who can write to its store",
    )


def _gone(part: str, digest: str, repository: str) -> Unknown:
    return Unknown(
        "image-gone",
        f"{part} {digest} of {repository} is not in its registry.",
        "What a release pins has to be there for as long as it may run.",
        "restore the image from a backup, or build and release the model again",
    )


def unreadable(part: str, repository: str, why: str) -> Unknown:
    """Return the error for what has the right digest and is of a form that is not known."""
    return Unknown(
        "image-unreadable",
        f"{part} of {repository} cannot be read: {why}.",
        "What an image holds is compared with what its release states.",
        "build images by docker, podman or buildah in their usual form, layers packed by gzip",
    )
