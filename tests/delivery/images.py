"""Tiny images, written straight into a registry over its HTTP API, and a world that has them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from delivery.canonical import canonical, sha256
from delivery.models.building import labels_for
from delivery.records import Release, release_id

from tests.delivery import containers
from tests.delivery.judged import identity, model
from tests.delivery.world import World, bake

OCI = "application/vnd.oci.image"
BASE = {"etc/os-release": b"NAME=none\n", "bin/sh": b"\x7fELF" + bytes(range(256)) * 4}


@dataclass(frozen=True)
class Stocked(World):
    """A world whose images are in a registry: a layer as of a base, and one with a model."""

    def make(self, number: int, app: str) -> Release:
        """Return a release of main's sources with a model and an image of its own."""
        made = super().make(number, app)
        files = model(f"model {app} {number}".encode())
        held = {f"model/{name}": data for name, data in files.files.items()}
        held["model/model.json"] = identity(files).dump()
        stated = made.model.model_copy(update={"digest": files.digest})
        labels = labels_for(app, stated, made.built_from)
        image = push(self.work.settings.image(app), [layer(BASE), layer(held)], labels)
        return of_image(made, image, files.digest)


@contextmanager
def stocked(folder: Path) -> Iterator[Stocked]:
    """Yield release 1 in all environments, 2 in dev and staging, while their registry runs.

    The registry's store is `images` in the folder.
    """
    with containers.registry(folder) as address:
        world = Stocked(bake(folder, registry=f"{address}/acme"))
        world.deliver_to("prod", 1)
        world.deliver_to("staging", 2)
        yield world


def of_image(made: Release, image: str, digest: str) -> Release:
    """Return a release with another image, and the model of a digest in it."""
    pins = {path: pin.sha256 for path, pin in made.sources.items()}
    changes = {
        "image": image,
        "model": made.model.model_copy(update={"digest": digest}),
        "id": release_id(image, digest, pins, made.question.sha256),
    }
    return made.model_copy(update=changes)


def layer(files: Mapping[str, bytes | str]) -> bytes:
    """Return a layer with files, or with links where a text is given in place of bytes."""
    with io.BytesIO() as raw:
        with tarfile.open(fileobj=raw, mode="w") as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                if isinstance(data, str):
                    member.type, member.linkname = tarfile.SYMTYPE, data
                    archive.addfile(member)
                    continue
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return gzip.compress(raw.getvalue(), mtime=0)


def push(
    repository: str,
    layers: Sequence[bytes],
    labels: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> str:
    """Return the name, by digest, of an image that is now in its registry."""
    address, _, name = repository.partition("/")
    base = f"http://{address}/v2/{name}"
    config = canonical({"architecture": "amd64", "os": "linux", "config": {"Labels": {**labels}}})
    with httpx.Client(headers=dict(headers or {})) as client:
        content: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": _blob(client, base, f"{OCI}.config.v1+json", config),
            "layers": [_blob(client, base, f"{OCI}.layer.v1.tar+gzip", one) for one in layers],
        }
        return f"{repository}@{put_manifest(client, base, content)}"


def put_manifest(client: httpx.Client, base: str, content: Mapping[str, Any]) -> str:
    """Return the digest of a manifest that is now in a repository, `http://host/v2/name`."""
    data = json.dumps(content).encode()
    kind = {"Content-Type": str(content["mediaType"])}
    put = client.put(f"{base}/manifests/{sha256(data)}", content=data, headers=kind)
    put.raise_for_status()
    return sha256(data)


def _blob(client: httpx.Client, base: str, kind: str, data: bytes) -> dict[str, Any]:
    digest = sha256(data)
    where = client.post(f"{base}/blobs/uploads/").raise_for_status().headers["Location"]
    url = httpx.URL(where, params={**httpx.URL(where).params, "digest": digest})
    client.put(url, content=data).raise_for_status()
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def stored_blob(folder: Path, digest: str) -> Path:
    """Return the file that holds a blob in the store of a registry that keeps it in a folder."""
    hexes = digest.removeprefix("sha256:")
    return folder / f"images/docker/registry/v2/blobs/sha256/{hexes[:2]}/{hexes}/data"
