"""Python environments from hashed lock files, with the bytecode kept for the next one."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from ..environment import cache_home
from ..errors import UsageError
from ..process import run

Say = Callable[[str], None]
STAMP = "made-from"


def uv(lock: Path) -> Path:
    """Return uv: the one on PATH, else the one that the lock pins, installed into the cache."""
    found = shutil.which("uv")
    if found:
        return Path(found)
    pinned = _pin(lock, "uv")
    folder = cache_home() / "uv" / hashlib.sha256(pinned.encode()).hexdigest()[:12]
    if not (folder / "bin" / "uv").exists():
        run(sys.executable, "-m", "venv", "--clear", folder)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
            wanted.write(pinned)
            wanted.flush()
            run(folder / "bin" / "pip", "install", "--require-hashes", "-r", wanted.name)
    return folder / "bin" / "uv"


def make(target: Path, locks: Iterable[Path], uv_program: Path) -> bool:
    """Make the environment `target` hold exactly what the locks name; return whether it changed.

    All modules but packages' own tests are compiled: many machines set PYTHONDONTWRITEBYTECODE,
    and without bytecode every start takes seconds longer. It takes uv 2 s to fill an environment
    and Python 10 s to compile it, so the bytecode is kept in the cache, and linked into the next
    environment made from the same locks.
    """
    files = list(locks)
    key = _key(files)
    stamp = target / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == key:
        return False
    python = target / "bin" / "python"
    if not python.exists():
        run(uv_program, "venv", "--no-project", "--python", _base_python(), target)
    run(uv_program, "pip", "sync", "--require-hashes", "--python", python, *files)
    _compile(target, key)
    stamp.write_text(key, encoding="utf-8")
    return True


def _base_python() -> str:
    """Return the Python behind this process, also when it runs in an environment itself."""
    return str(getattr(sys, "_base_executable", sys.executable))


def _key(locks: list[Path]) -> str:
    total = hashlib.sha256(sys.version.encode())
    for lock in locks:
        total.update(lock.read_bytes())
    return total.hexdigest()


def _pin(lock: Path, name: str) -> str:
    """Return a package's lines of a hashed lock file."""
    found = re.search(rf"^{name}==(?:.*\\\n)*.*", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise UsageError(
            "not-in-lock",
            f"{lock.name} does not pin {name}, and {name} is not on PATH.",
            "What runs here is pinned with its hashes.",
            f"add {name} to {lock.with_suffix('.in').name} and run `make lock`",
        )
    return found.group(0) + "\n"


def _compile(target: Path, key: str) -> None:
    [site] = target.glob("lib/python3*/site-packages")
    kept = cache_home() / "bytecode" / key
    if kept.is_dir():
        shutil.copytree(kept, site, dirs_exist_ok=True, copy_function=_link)
        return
    quiet = ("-q", "-q", "-j", str(os.cpu_count() or 1), "-x", "/tests?/")
    # Some packages carry templates that are no Python: those are left, as at installation.
    run(target / "bin" / "python", "-m", "compileall", *quiet, site, check=False)
    kept.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=kept.parent))
    shutil.copytree(
        site, temporary, dirs_exist_ok=True, copy_function=_link, ignore=_all_but_bytecode
    )
    try:
        temporary.rename(kept)
    except OSError:  # another repository kept the same bytecode meanwhile
        shutil.rmtree(temporary)


def _all_but_bytecode(folder: str, names: list[str]) -> set[str]:
    if folder.endswith("__pycache__"):
        return {name for name in names if not name.endswith(".pyc")}
    return {name for name in names if not Path(folder, name).is_dir()}


def _link(source: str, target: str) -> str:
    """Link a file into place where that is possible, else copy it."""
    try:
        os.link(source, target)
    except FileExistsError:
        pass
    except OSError:
        shutil.copy2(source, target)
    return target
