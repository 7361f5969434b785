"""Which container programs of this machine really answer, and whether image registries do."""

from __future__ import annotations

import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterable

from ..process import run

BUILDERS = ("docker", "podman", "buildah")
RUNNERS = ("docker", "podman")
DOCKER_HUB = "registry-1.docker.io"


def answers(program: str) -> bool:
    """Whether a container program is there and works; a docker without its daemon does not."""
    return bool(shutil.which(program)) and run(program, "info", timeout_s=30, check=False).code == 0


def first(programs: Iterable[str]) -> str | None:
    """Return the first of some container programs that answers."""
    return next((program for program in programs if answers(program)), None)


def registry_host(image: str) -> str:
    """Return the host that serves an image; names without one are Docker Hub's."""
    head = image.partition("/")[0]
    named = "/" in image and ("." in head or ":" in head or head == "localhost")
    return DOCKER_HUB if not named or head == "docker.io" else head


def registry_answers(host: str, timeout_s: float = 4) -> bool:
    """Whether an image registry can be reached over HTTPS; asking for a login is an answer too."""
    try:
        with urllib.request.urlopen(f"https://{host}/v2/", timeout=timeout_s):
            return True
    except urllib.error.HTTPError as err:
        return err.code in (401, 403, 404)
    except (OSError, http.client.HTTPException):
        return False
