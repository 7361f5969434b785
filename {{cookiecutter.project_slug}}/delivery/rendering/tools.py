"""kubectl and helm of exactly the versions that are pinned: another one may write other bytes."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from ..environment import cache_home
from ..errors import Unknown
from ..process import Result, run
from ..records import RendererPin
from ..settings import Renderer

TIMEOUT_S = 120
# Rendering needs no network: whoever tries it all the same meets a closed door.
NO_PROXY_ANSWERS = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Tools:
    """The renderer's programs, each looked for when it is first needed."""

    pin: Renderer | RendererPin

    @cached_property
    def kubectl(self) -> Path:
        """A kubectl with the pinned kustomize in it; raises Unknown (`wrong-renderer`)."""
        found = [Path(sys.prefix, "bin/kubectl"), *_on_path("kubectl")]
        return _choose("kustomize", self.pin.kustomize, found, _kustomize_version)

    @cached_property
    def helm(self) -> Path:
        """The pinned helm; raises Unknown (`wrong-renderer`)."""
        found = [*_on_path("helm"), cache_home() / f"bin/helm-{self.pin.helm}"]
        return _choose("helm", self.pin.helm, found, _helm_version)


def find_tools(renderer: Renderer | RendererPin) -> Tools:
    """Return the programs of the pinned versions; none is looked for until it is used."""
    return Tools(renderer)


def call(program: Path, *words: str | Path, cwd: Path) -> Result:
    """Return what a program answered in an environment of its own, whatever the user's holds.

    `cwd` is its home and temporary folder too. It finds no other program, and no proxy.
    """
    clean = {
        "HOME": str(cwd),
        "TMPDIR": str(cwd),
        "PATH": str(cwd / "no-programs"),
        "LC_ALL": "C",
        "TZ": "UTC",
        "HTTP_PROXY": NO_PROXY_ANSWERS,
        "HTTPS_PROXY": NO_PROXY_ANSWERS,
        # Measured: a fifth of the CPU of such a short process is garbage collection.
        "GOGC": "off",
        "GOMEMLIMIT": "1GiB",
    }
    settings = [f"{name}={value}" for name, value in clean.items()]
    words = ("env", "-i", *settings, program, *words)
    return run(*words, cwd=cwd, timeout_s=TIMEOUT_S, check=False)


def _choose(
    what: str, version: str, candidates: Iterable[Path], read: Callable[[Path, Path], str]
) -> Path:
    seen: dict[Path, str] = {}
    for path in candidates:
        if path not in seen and path.is_file():
            state = path.stat()
            seen[path] = _version(read, path, state.st_mtime_ns, state.st_size)
            if seen[path] == version:
                return path
    found = "; ".join(f"{path} has {got or 'no version'}" for path, got in seen.items())
    raise Unknown(
        "wrong-renderer",
        f"{what} {version} is not on this machine ({found or 'none was found'}).",
        "Manifests are rendered by exactly the versions that are pinned.",
        "run `make tools`, which fetches or builds them",
    )


@cache
def _version(read: Callable[[Path, Path], str], path: Path, *_state: int) -> str:
    """Return a program's version, asked once for each state of its file: it costs 0.06 s."""
    with tempfile.TemporaryDirectory() as home:
        return read(path, Path(home))


def _on_path(program: str) -> list[Path]:
    found = shutil.which(program)
    return [Path(found)] if found else []


def _kustomize_version(kubectl: Path, home: Path) -> str:
    answer = call(kubectl, "version", "--client", "-o", "json", cwd=home).stdout
    try:
        return str(json.loads(answer)["kustomizeVersion"]).removeprefix("v")
    except (ValueError, KeyError, TypeError):
        return ""


def _helm_version(helm: Path, home: Path) -> str:
    return call(helm, "version", "--template", "{{.Version}}", cwd=home).text.removeprefix("v")
