"""Logins to image registries that this user has, as podman, buildah and docker keep them.

See: containers-auth.json(5), and "Credential stores" in the reference of `docker login`.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..environment import home
from ..errors import DeliveryError
from ..process import run

HUB = "docker.io"
HUB_KEY = "index.docker.io/v1"
"""What logins to Docker's own registry are kept under, after `https://`."""


def find_login(repository: str) -> str:
    """Return user and password for an image's name, as `Basic` wants them; empty for none."""
    for path in _files():
        kept = _read(path)
        found = _kept(kept, repository) or _helped(kept, repository.partition("/")[0])
        if found:
            return found
    return ""


def _files() -> Iterator[Path]:
    """Yield the files that logins are kept in, in podman's order."""
    given = os.environ.get("REGISTRY_AUTH_FILE")
    if given:
        yield Path(given)
        return
    running = os.environ.get("XDG_RUNTIME_DIR")
    yield Path(running or f"/run/containers/{os.getuid()}", "containers/auth.json")
    yield Path(f"/run/containers/{os.getuid()}/auth.json")
    yield home() / ".config/containers/auth.json"
    yield Path(os.environ.get("DOCKER_CONFIG") or home() / ".docker") / "config.json"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _kept(kept: Mapping[str, Any], repository: str) -> str:
    """Return the login in a file for the longest part of an image's name that has one."""
    held = {_plain(key): one for key, one in (kept.get("auths") or {}).items()}
    parts = repository.split("/")
    keys = ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
    keys += [HUB_KEY] if parts[0] == HUB else []
    return next((str(held[key]["auth"]) for key in keys if (held.get(key) or {}).get("auth")), "")


def _plain(key: str) -> str:
    return key.split("://")[-1].rstrip("/")


def _helped(kept: Mapping[str, Any], host: str) -> str:
    """Return a login that a program keeps, such as docker-credential-pass."""
    helper = (kept.get("credHelpers") or {}).get(host) or kept.get("credsStore")
    if not helper:
        return ""
    asked = f"https://{HUB_KEY}/" if host == HUB else host
    try:
        done = run(f"docker-credential-{helper}", "get", stdin=asked.encode(), timeout_s=20)
        found = json.loads(done.stdout)
        pair = f"{found['Username']}:{found['Secret']}"
    except (DeliveryError, ValueError, KeyError):
        return ""
    return base64.b64encode(pair.encode()).decode()
