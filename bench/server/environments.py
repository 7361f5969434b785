"""Python environments of the servers and clients, made once from hashed locks, in the cache."""

from __future__ import annotations

import fcntl
import hashlib
import sys
from pathlib import Path

from delivery.environment import cache_home
from delivery.local.venv import make, uv

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
LOCKS = HERE / "locks"
OURS = TEMPLATE / "delivery/server/onnx.lock"
CONVERSION = TEMPLATE / "apps/tumour-classifier/conversion.lock"
NATIVE = TEMPLATE / "apps/tumour-classifier/requirements.lock"


def python_of(lock: Path) -> Path:
    """Return the Python of an environment that holds exactly what a lock names, all of it compiled.

    Environments of equal locks are one, made where they are not there.
    """
    key = hashlib.sha256(sys.version.encode() + lock.read_bytes()).hexdigest()[:16]
    folder = cache_home() / "bench" / f"{lock.parent.name}-{lock.stem}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        make(folder, [lock], uv(ROOT / "requirements.lock"))
    return folder / "bin" / "python"


def site_mb(python: Path) -> float:
    """Return the MB (10^6 bytes) of what a lock installs, without the bytecode made of it."""
    [site] = python.parents[1].glob("lib/python3*/site-packages")
    files = (one for one in site.rglob("*") if one.is_file() and one.suffix != ".pyc")
    return sum(one.stat().st_size for one in files) / 1e6
