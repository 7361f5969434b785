"""The build context of an image, the same bytes and times for the same model and commit."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from pathlib import Path

from ..app import SERVER
from ..canonical import digest, sha256
from ..environment import home as own_home
from ..errors import UsageError
from ..git import Snapshot
from .contract import LOCK, Identity, ModelFiles

DOCKERFILE = "Dockerfile"
BASE_VARIABLE = "DELIVER_BASE_IMAGE"
SBOM = "sbom.cdx.json"
DEFAULT_BASE = re.compile(rb"^ARG BASE=(\S+)", re.MULTILINE)
CA = "/run/secrets/ca.crt"
"""Where the Dockerfile mounts the secret `ca`."""


def write_context(
    folder: Path, snapshot: Snapshot, sbom: bytes, model: ModelFiles, identity: Identity
) -> None:
    """Put Dockerfile, server/, requirements.lock, sbom.cdx.json and model/ into a folder.

    The image's packages are those of the lock that belongs to the model.
    """
    (folder / DOCKERFILE).write_bytes(dockerfile(snapshot))
    (folder / LOCK).write_bytes(model.files[LOCK])
    (folder / SBOM).write_bytes(sbom)
    for path, data in snapshot.folder(SERVER).files.items():
        target = folder / "server" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    model.write(folder / "model", identity)
    _fix(folder)


def dockerfile(snapshot: Snapshot) -> bytes:
    """Return the Dockerfile of a commit; raises UsageError (`no-dockerfile`)."""
    data = snapshot.find(DOCKERFILE)
    if data is None:
        raise UsageError(
            "no-dockerfile",
            f"{DOCKERFILE} is not in commit {snapshot.commit[:12]}.",
            "One Dockerfile at the top of the repository serves every app.",
            "restore it from the template and commit it",
        )
    return data


def image_sources(snapshot: Snapshot) -> str:
    """Return the digest of all in a commit that every image is made of: Dockerfile and server."""
    server = snapshot.folder(SERVER).sha256
    return digest({DOCKERFILE: sha256(dockerfile(snapshot)), SERVER: server})


def base_image(snapshot: Snapshot) -> str:
    """Return the image to start from: DELIVER_BASE_IMAGE, else the Dockerfile's own default."""
    chosen = os.environ.get(BASE_VARIABLE)
    if chosen:
        return chosen
    found = DEFAULT_BASE.search(dockerfile(snapshot))
    if found is None:
        raise UsageError(
            "no-base-image",
            f"{DOCKERFILE} has no line `ARG BASE=<image>`.",
            "The base of every image is named there once, by digest.",
            f"write the line, or set {BASE_VARIABLE}",
        )
    return found.group(1).decode().strip("\"'")


def build_secrets(folder: Path) -> dict[str, Path]:
    """Return this machine's settings for pip as files of build secrets, those that it has.

    They may hold passwords: they lie in a folder that goes away, and in no layer of the image.
    """
    secrets = {}
    authority = certificate_authority()
    settings = pip_settings()
    if authority is not None:
        secrets["ca"] = authority
        settings["cert"] = CA
    if settings:
        secrets["pipconf"] = folder / "pip.conf"
        with os.fdopen(os.open(secrets["pipconf"], os.O_CREAT | os.O_WRONLY, 0o600), "w") as out:
            out.write("[global]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()))
    return secrets


def certificate_authority() -> Path | None:
    """Return the file of authorities that this machine's own pip trusts; None for the usual."""
    for variable in ("PIP_CERT", "SSL_CERT_FILE"):
        path = Path(os.environ.get(variable, "/nowhere"))
        if path.is_file():
            return path
    return None


def pip_settings(
    environ: Mapping[str, str] = os.environ, home: Path | None = None
) -> dict[str, str]:
    """Return where pip finds packages on this machine, in pip's order of precedence.

    See: pip's documentation, "Configuration"; only settings that make sense in a container.
    """
    user = own_home() if home is None else home
    places = [Path("/etc/pip.conf"), user / ".pip/pip.conf", user / ".config/pip/pip.conf"]
    if environ.get("PIP_CONFIG_FILE"):
        places.append(Path(environ["PIP_CONFIG_FILE"]))
    parser = configparser.RawConfigParser(strict=False)
    parser.read([place for place in places if place.is_file()], encoding="utf-8")
    found = {}
    for key in ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout"):
        value = environ.get("PIP_" + key.upper().replace("-", "_"))
        value = value or parser.get("global", key, fallback=None)
        if value:
            found[key] = " ".join(value.split())
    return found


def _fix(folder: Path) -> None:
    """Give every file one mode and one time: whoever builds, it is the same context."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (0, 0))
