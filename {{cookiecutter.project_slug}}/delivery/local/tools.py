"""`tools`: the helm that delivery.yaml names, from PATH or built once into the cache."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from ..environment import cache_home
from ..errors import Refused
from ..process import run
from . import facts
from .venv import Say

MODULE = "helm.sh/helm/v3"


def main(root: Path, say: Say) -> None:
    """See to it that helm of the pinned version can be found by `find_helm`."""
    version = facts.read(root).helm
    found = find_helm(version)
    if found:
        say(f"helm {version}: {found}.")
        return
    if not shutil.which("go"):
        raise Refused(
            "helm-missing",
            f"there is neither helm {version} nor Go, which could build it, on this machine.",
            "Manifests are rendered by exactly the version that delivery.yaml names.",
            f"put helm {version} on PATH or at {cached(version)}, or install Go; then `make tools`",
        )
    say(f"Building helm {version} with Go, once for all repositories; this takes a few minutes.")
    build(version)
    say(f"helm {version}: {cached(version)}.")


def find_helm(version: str) -> Path | None:
    """Return a helm of exactly this version, on PATH or in the cache, or None."""
    on_path = shutil.which("helm")
    places = [cached(version), *([Path(on_path)] if on_path else [])]
    return next((place for place in places if place.exists() and says(place) == version), None)


def cached(version: str) -> Path:
    """Return where the cache keeps a helm."""
    return cache_home() / "bin" / f"helm-{version}"


def says(helm: Path) -> str:
    """Return the version that a helm reports, such as `3.22.0`; less if built without one."""
    text = run(helm, "version", "--short", timeout_s=30, check=False).text
    found = re.match(r"v(\d+(?:\.\d+)*)", text)
    return found.group(1) if found else ""


def build(version: str) -> None:
    """Build helm from its Go module, whose checksum Go verifies, and move it into the cache.

    A plain `go install` reports `v3.22` for 3.22.0, which no check by version can tell from
    3.22.1, so the version is linked in as helm's own Makefile does it.
    """
    target = cached(version)
    target.parent.mkdir(parents=True, exist_ok=True)
    flags = f"-s -w -X {MODULE}/internal/version.version=v{version}"
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        run(
            *("go", "install", "-trimpath", "-ldflags", flags, f"{MODULE}/cmd/helm@v{version}"),
            env={"GOBIN": folder, "CGO_ENABLED": "0"},
            cwd=Path(folder),
            timeout_s=1800,
        )
        Path(folder, "helm").replace(target)
