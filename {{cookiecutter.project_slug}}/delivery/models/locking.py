"""The locks of a new app: those of an app which asks for the same, else resolved anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import Unknown
from ..process import ProgramFailed, run
from .environment import uv

WANTED, LOCK = "requirements.in", "requirements.lock"
CONVERSION_WANTED, CONVERSION_LOCK = "conversion.in", "conversion.lock"
LOCKS = {WANTED: LOCK, CONVERSION_WANTED: CONVERSION_LOCK}
"""By what they are resolved from; the second is resolved within the versions of the first."""

OLDEST_PYTHON = "3.11"  # pyproject.toml's requires-python
OPTIONS = ("--quiet", "--universal", "--generate-hashes", "--no-header", "--no-annotate")


def known_locks(root: Path, wanted: Mapping[str, bytes]) -> dict[str, bytes] | None:
    """Return the locks of an app in the work tree that asks for the same, or None.

    `wanted` holds its `.in` files by name. So a new app takes versions that are in use, and shares
    the environments that are there.
    """
    for folder in sorted(path.parent for path in (root / "apps").glob(f"*/{WANTED}")):
        locks = {LOCKS[name]: folder / LOCKS[name] for name in wanted}
        same = (_read(folder / name) == data for name, data in wanted.items())
        if all(same) and all(path.is_file() for path in locks.values()):
            return {name: path.read_bytes() for name, path in locks.items()}
    return None


def resolve(folder: Path) -> dict[str, bytes]:
    """Return the locks for the `.in` files in a folder, by the newest versions that they allow.

    Raises Unknown (`lock-failed`) where no package index answers, or versions exclude each other.
    """
    locks = {name: lock for name, lock in LOCKS.items() if (folder / name).is_file()}
    for wanted, lock in locks.items():
        words = ["pip", "compile", *OPTIONS, "--python-version", OLDEST_PYTHON]
        try:
            run(uv(), *words, wanted, "--output-file", lock, cwd=folder)
        except ProgramFailed as err:
            raise Unknown(
                "lock-failed",
                f"{wanted} could not be resolved. {err.seen}",
                "What trains, converts and serves a model is locked, hash by hash.",
                "read uv's message, see that a package index can be reached, and call again",
            ) from err
    return {lock: (folder / lock).read_bytes() for lock in locks.values()}


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
