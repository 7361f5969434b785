"""A file of an image, read without starting it."""

from __future__ import annotations

import io
import os
import tarfile
import uuid

from ..process import run
from .engine import Engine

MOUNTED = 'cat "$(buildah mount "$0")$1"'


def read_file(engine: Engine, image: str, path: str) -> bytes | None:
    """Return a file of an image that is on this machine; None where it has no plain one there.

    Raises ProgramFailed where the container program does not do as asked.
    """
    if engine.program == "buildah":
        return _read_mounted(image, path)
    name = f"deliver-read-{uuid.uuid4().hex[:12]}"
    run(engine.program, "create", f"--name={name}", "--network=none", image, "none")
    try:
        done = run(engine.program, "cp", f"{name}:{path}", "-", check=False)
    finally:
        run(engine.program, "rm", "--force", name, check=False)
    return _only_file(done.stdout) if done.code == 0 else None


def _read_mounted(image: str, path: str) -> bytes | None:
    name = run("buildah", "from", image).text
    # Without root, what is mounted is seen in a namespace of buildah's own.
    own = [] if os.geteuid() == 0 else ["buildah", "unshare"]
    try:
        done = run(*own, "sh", "-c", MOUNTED, name, path, check=False)
    finally:
        run("buildah", "rm", name, check=False)
    return done.stdout if done.code == 0 else None


def _only_file(archive: bytes) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        members = list(opened)
        found = opened.extractfile(members[0]) if len(members) == 1 else None
        return found.read() if found is not None else None
