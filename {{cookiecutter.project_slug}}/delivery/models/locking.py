"""The lock of a new app: that of an app which asks for the same, else resolved anew."""

from __future__ import annotations

from pathlib import Path

from ..errors import Unknown
from ..process import ProgramFailed, run
from .environment import uv

WANTED, LOCK = "requirements.in", "requirements.lock"
OLDEST_PYTHON = "3.11"  # pyproject.toml's requires-python
OPTIONS = ("--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate")


def known_lock(root: Path, wanted: bytes) -> bytes | None:
    """Return the lock of an app in the work tree whose requirements.in is the same, or None.

    So a new app takes versions that are in use, and shares the environment that is there.
    """
    for path in sorted((root / "apps").glob(f"*/{WANTED}")):
        lock = path.with_name(LOCK)
        if path.read_bytes() == wanted and lock.is_file():
            return lock.read_bytes()
    return None


def resolve(folder: Path) -> bytes:
    """Return the lock for the requirements.in in a folder, by the newest versions that it allows.

    Raises Unknown (`lock-failed`) where no package index answers, or versions exclude each other.
    """
    words = ["pip", "compile", *OPTIONS, "--python-version", OLDEST_PYTHON]
    try:
        run(uv(), *words, WANTED, "--output-file", LOCK, cwd=folder)
    except ProgramFailed as err:
        raise Unknown(
            "lock-failed",
            f"{WANTED} could not be resolved. {err.seen}",
            "What trains and serves a model is locked, hash by hash.",
            "read uv's message, see that a package index can be reached, and call again",
        ) from err
    return (folder / LOCK).read_bytes()
