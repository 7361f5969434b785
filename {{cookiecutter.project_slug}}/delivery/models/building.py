"""From a registered model to an image in the registry."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ..app import SERVER, App
from ..canonical import sha256, short
from ..console import Say
from ..errors import DeliveryError, Refused, Unknown
from ..git import Repository
from ..records import BuiltFrom, Model
from ..settings import Settings
from .context import (
    BASE_VARIABLE,
    DOCKERFILE,
    base_image,
    build_secrets,
    image_sources,
    write_context,
)
from .contract import LOCK, SIGNATURE, Identity, ModelFiles, Signature, parse, served_payload
from .converting import require_allowed
from .engine import Engine
from .registry import ModelVersion, Registry
from .scanning import scan
from .signing import Cosign
from .system import read_system

PREFIX = "io.deliver."
STANDARD = "org.opencontainers.image."
REVISION = f"{STANDARD}revision"


@dataclass(frozen=True)
class Built:
    """An image in the registry, by digest, with its model and what it is made of."""

    image: str
    model: ModelVersion
    built_from: BuiltFrom


def build(
    repository: Repository,
    settings: Settings,
    app: App,
    registry: Registry,
    engine: Engine,
    version: str | None,
    say: Say,
) -> Built:
    """Return the image made of a model version and of what main holds, built and pushed.

    `app` is read from a commit on main, which is what the image is built from; `version` is the
    newest where it is None. Raises Refused: `not-on-main`, `model-not-of-main`, `model-altered`,
    `payload-runs-code`, `build-failed`, `image-vulnerable`; Unknown: `no-base-image`.
    """
    _require_main(repository, settings, app)
    model = registry.find(app.name, version)
    require_same(model, app, settings)
    stored = registry.download(model)
    files = ModelFiles(stored, parse(Signature, stored[SIGNATURE], SIGNATURE))
    require_allowed(app, files.payload_file)
    signer = Cosign.of(settings, app.snapshot)
    if signer is not None:
        signer.require_ready()
    base = base_image(app.snapshot)
    _require_base(engine, base)
    made_of = BuiltFrom(
        commit=app.snapshot.commit,
        code=model.code,
        lock=model.lock,
        data=model.data,
        server=app.snapshot.folder(SERVER).sha256,
        base=engine.image_digest(base),
    )
    say(f"{app.name}: building model {model.version} ({short(model.digest)}) by {engine.program}")
    labels = labels_for(app.name, model, made_of)
    sbom = _list(app, model, labels, files, engine, base)
    labels |= _standard_labels(settings, base, made_of) | {PREFIX + "sbom": sha256(sbom)}
    made = _build(app, files, model, sbom, labels, engine, base)
    if settings.scan is not None:
        say(f"{app.name}: scanning by {settings.scan[0]}")
        scan(settings.scan, made, sbom)
    image = _push(made, sbom, settings.image(app.name), engine, signer, say)
    registry.note_image(model, image, image_sources(app.snapshot))
    return Built(image, model, made_of)


def _push(
    made: str, sbom: bytes, repository: str, engine: Engine, signer: Cosign | None, say: Say
) -> str:
    """Return the name, by digest, of what is now in the registry and signed, where that is asked.

    One that was pushed and not signed is built again, to the same digest, and then signed.
    """
    say(f"pushing to {repository}")
    image = engine.push(made, repository)
    if signer is not None:
        say(f"signing {image.rsplit('/', 1)[1]}")
        signer.sign(image, sbom)
    return image


def built_from(engine: Engine, image: str) -> BuiltFrom:
    """Return what an image says it was made of; raises Refused (`image-not-ours`)."""
    engine.pull(image)
    labels = engine.labels(image)
    names = ("code", "lock", "data", "server", "base")
    stated = {name: labels.get(PREFIX + name, "") for name in names}
    try:
        return BuiltFrom(commit=labels.get(REVISION, ""), **stated)
    except ValidationError as err:
        label = err.errors()[0]["loc"][0]
        raise Refused(
            "image-not-ours",
            f"{image} has no usable label for `{label}`.",
            "An image says which commit, code, lock, data, server and base it was made of.",
            "build it with `deliver build`",
        ) from err


def labels_for(app: str, model: ModelVersion | Model, made_of: BuiltFrom) -> dict[str, str]:
    """Return the labels by which an image says what it is and what it was made of."""
    ours = {
        "scoring": "1",
        "model": model.digest,
        "run": model.run,
        "code": made_of.code,
        "lock": made_of.lock,
        "data": made_of.data,
        "server": made_of.server,
        "base": made_of.base,
    }
    standard = {
        f"{STANDARD}title": app,
        f"{STANDARD}version": model.version,
        REVISION: made_of.commit,
    }
    return {**{PREFIX + key: value for key, value in ours.items()}, **standard}


def _standard_labels(settings: Settings, base: str, made_of: BuiltFrom) -> dict[str, str]:
    """Return what tools of others look for; a release does not rest on it.

    See: the OCI image specification, annotations.md.
    """
    return {
        f"{STANDARD}source": settings.repository,
        f"{STANDARD}base.name": base.partition("@")[0],
        f"{STANDARD}base.digest": made_of.base,
    }


def _list(
    app: App,
    model: ModelVersion,
    labels: Mapping[str, str],
    files: ModelFiles,
    engine: Engine,
    base: str,
) -> bytes:
    """Return the list of what the image will hold."""
    from .sbom import compose  # heavy, and nobody who only reads needs it

    system = read_system(engine, base)
    return compose(app.name, model.version, labels, files, files.files[LOCK], system)


def _build(
    app: App,
    files: ModelFiles,
    model: ModelVersion,
    sbom: bytes,
    labels: Mapping[str, str],
    engine: Engine,
    base: str,
) -> str:
    identity = Identity(
        name=app.name,
        version=model.version,
        run=model.run,
        commit=app.snapshot.commit,
        digest=model.digest,
        payload=served_payload(app.file, files.payload_file),
    )
    with tempfile.TemporaryDirectory(prefix="deliver-build-") as folder:
        context, private = Path(folder, "context"), Path(folder, "private")
        context.mkdir()
        private.mkdir(mode=0o700)
        write_context(context, app.snapshot, sbom, files, identity)
        return engine.build(context, base, labels, build_secrets(private))


def _require_base(engine: Engine, base: str) -> None:
    try:
        engine.pull(base)
    except DeliveryError as err:
        who = BASE_VARIABLE if base == os.environ.get(BASE_VARIABLE) else DOCKERFILE
        raise Unknown(
            "no-base-image",
            f"{base}, the base image that {who} names, is not here. {err.seen}",
            f"An image starts from one with Python: {BASE_VARIABLE}, else what {DOCKERFILE} names.",
            f"run `make base`, which finds or makes one and writes it to .env; or set "
            f"{BASE_VARIABLE} to one that can be had",
        ) from err


def _require_main(repository: Repository, settings: Settings, app: App) -> None:
    remote = f"refs/remotes/origin/{settings.main}"
    main = remote if repository.exists(remote) else f"refs/heads/{settings.main}"
    if not repository.is_ancestor(app.snapshot.commit, main):
        raise Refused(
            "not-on-main",
            f"commit {app.snapshot.commit[:12]} is not on {settings.main}.",
            "Images are built from what was merged, so that others can build them again.",
            f"merge it into {settings.main}, take that in, call again",
        )


def require_same(
    model: ModelVersion, app: App, settings: Settings, *, other_code: bool = False
) -> None:
    """Raise Refused (`model-not-of-main`) unless what trained the model is what main holds.

    `other_code` lets older code pass, but no other locks: they are what the image carries. The
    server may be newer: it is built in from main, and the gate scores what it answers.
    """
    apart = [] if other_code or model.code == app.code(settings).sha256 else ["model code"]
    apart += [] if model.lock == app.locks_sha256 else ["locks"]
    if apart:
        raise Refused(
            "model-not-of-main",
            f"model {model.version} of {app.name} was trained with other {' and '.join(apart)} "
            f"than {settings.main} holds.",
            "Model and image come from one state of the sources, which others reviewed.",
            f"merge and push the code that trained it; or run `deliver train {app.name}` with "
            f"{settings.main} checked out, which trains what {settings.main} holds now",
        )
