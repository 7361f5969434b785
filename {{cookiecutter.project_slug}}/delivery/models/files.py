"""Files of an image, read without starting it."""

from __future__ import annotations

import io
import os
import tarfile
import uuid
from collections.abc import Iterable

from ..process import run
from .engine import Engine

MOUNTED = 'root="$(buildah mount "$0")" && cat "$root$1"'


def read_files(engine: Engine, image: str, paths: Iterable[str]) -> dict[str, bytes]:
    """Return those files, by their paths, that an image has which is on this machine.

    Raises ProgramFailed where the container program does not do as asked.
    """
    made = _made(engine, image)
    try:
        read = _read_mounted if engine.program == "buildah" else _read_copied
        found = {path: read(engine, made, path) for path in paths}
    finally:
        run(engine.program, "rm", made)
    return {path: data for path, data in found.items() if data is not None}


def _made(engine: Engine, image: str) -> str:
    """Return the name of a container that is never started."""
    if engine.program == "buildah":
        return run("buildah", "from", image).text
    name = f"deliver-read-{uuid.uuid4().hex[:12]}"
    run(engine.program, "create", f"--name={name}", "--network=none", image, "none")
    return name


def _read_copied(engine: Engine, name: str, path: str) -> bytes | None:
    done = run(engine.program, "cp", f"{name}:{path}", "-", check=False)
    return _only_file(done.stdout) if done.code == 0 else None


def _read_mounted(engine: Engine, name: str, path: str) -> bytes | None:
    # Without root, what is mounted is seen in a namespace of buildah's own.
    own = [] if os.geteuid() == 0 else [engine.program, "unshare"]
    done = run(*own, "sh", "-c", MOUNTED, name, path, check=False)
    return done.stdout if done.code == 0 else None


def _only_file(archive: bytes) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        members = list(opened)
        found = opened.extractfile(members[0]) if len(members) == 1 else None
        return found.read() if found is not None else None
