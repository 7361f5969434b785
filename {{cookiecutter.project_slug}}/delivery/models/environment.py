"""An app's own environment: exactly what its lock names, made once; equal locks share one."""

from __future__ import annotations

import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..canonical import sha256, short
from ..errors import Unknown
from ..process import ProgramFailed, run

FOLDER = ".local/envs"
MARKER = "complete"

CHILD_ENV = {
    # One thread: sums are then added up in one order, and busy cores cost no time.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    # Empty switches it off: what the first start compiles, the next one reads. Compiling all of
    # scikit-learn and scipy ahead costs 30 s of processor, a first start without it 3.
    "PYTHONDONTWRITEBYTECODE": "",
}
"""What every program of an app gets on top of this process's environment."""


def app_python(root: Path, app: str, lock: bytes) -> Path:
    """Return the Python of the environment that a lock describes, made if it is not there.

    Raises Unknown (`environment-failed`) where a package cannot be had or has another hash.
    """
    folder = root / FOLDER / short(sha256(lock))
    python = folder / "bin" / "python"
    with _alone(folder):
        # The marker is written last: without it the folder is what an interrupted call left.
        if not ((folder / MARKER).is_file() and python.exists()):
            _make(folder, app, lock)
    return python


def uv() -> str:
    """Return the uv beside this Python, else the one on PATH."""
    beside = Path(sys.prefix, "bin", "uv")
    return str(beside) if beside.is_file() else "uv"


def _make(folder: Path, app: str, lock: bytes) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "bin" / "python"
    try:
        run(uv(), "venv", "--quiet", "--no-project", "--python", sys.executable, folder)
        listed = folder / "requirements.lock"
        listed.write_bytes(lock)
        words = ["pip", "sync", "--quiet", "--require-hashes", "--python", str(python)]
        run(uv(), *words, listed, env={"UV_COMPILE_BYTECODE": "0"})
    except ProgramFailed as err:
        raise Unknown(
            "environment-failed",
            f"the environment of {app} could not be made. {err.seen}",
            "What runs here has exactly the packages that its lock names, hash by hash.",
            "read uv's message; where a hash differs or a version is gone, run `make lock`",
        ) from err
    (folder / MARKER).touch()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold off other calls that want the same environment until this one has made it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
