"""Evidence of one case over and over: threads, hash seeds, shuffled files, another Python.

The other Python is Debian trixie's, in a folder of its own, with the packages that the same hashed
lock names for it: other releases of numpy and scipy than this one's.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from delivery.environment import cache_home
from delivery.local.debian import mirror

from .cases import TASKS, rows

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "{{cookiecutter.project_slug}}"
LOCK = PACKAGE / "delivery/requirements.lock"
SUITE, VERSION = "trixie", "3.13"
RUNS = 20
NEEDED = frozenset(
    [
        *("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl", "cloudpickle", "narwhals"),
        *("pydantic", "pydantic-core", "annotated-types", "typing-extensions"),
        *("typing-inspection", "pyyaml", "rfc8785", "packaging"),
    ]
)
"""What the judge imports, with all that these need."""
CODE = ("bench", "tests", "{{cookiecutter.project_slug}}/delivery")
DEADLINE_S = 300


@dataclass(frozen=True)
class Python:
    """A Python to run: the words before its arguments, and where it finds the code."""

    words: tuple[str, ...]
    path: str


def evidence_values(runs: int = RUNS, other: bool = True) -> dict[str, float]:
    """Return how many different evidences one case has over so many runs."""
    pythons = [Python((sys.executable,), f"{PACKAGE}:{ROOT}")]
    if other:
        pythons.append(other_python())
    drawn = json.dumps({task: rows(task) for task in TASKS})
    found = [_digests(pythons[run % len(pythons)], run, drawn) for run in range(runs)]
    for run, digests in enumerate(found):
        print(f"evidence, run {run}: {digests}", flush=True)
    return {"evidence_runs": runs, "evidence_values": len(set(found))}


def _digests(python: Python, run: int, drawn: str) -> str:
    """Return the digests of the cases' evidence, of a process with its own seed and threads."""
    threads = str(1 + run // 2 % 2)
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": python.path,
        "PYTHONHASHSEED": str(run),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
    }
    words = [*python.words, "-m", "bench.gate.cases", str(run)]
    done = subprocess.run(
        words,
        env=env,
        cwd=ROOT,
        input=drawn,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_S,
    )
    return done.stdout.strip()


def other_python() -> Python:
    """Return trixie's Python with the lock's packages, each made once and kept in the cache."""
    folder = cache_home() / "python" / f"{SUITE}-{mirror().architecture}"
    if not folder.exists():
        _once(folder, _bootstrap)
    entries = "\n".join(_locked())
    packages = f"packages-{hashlib.sha256(entries.encode()).hexdigest()[:12]}"
    if not (folder / packages).exists():
        _once(folder / packages, lambda partial: _install(partial, entries))
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    for name in CODE:  # as it is now
        target = work / Path(name).name
        shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
    return Python(("chroot", str(folder), "/usr/bin/python3"), f"/{packages}:/work")


def _once(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a folder beside its place and move it there when it is whole."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        make(partial)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _bootstrap(folder: Path) -> None:
    words = ["debootstrap", "--variant=minbase", "--include=python3", SUITE, str(folder)]
    subprocess.run([*words, mirror().url], check=True, stdout=sys.stderr)


def _install(folder: Path, entries: str) -> None:
    folder.mkdir()
    wanted = folder / "locked.txt"
    wanted.write_text(entries)
    words = [
        str(Path(sys.executable).with_name("uv")),
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
    ]
    words += ["--only-binary=:all:", "--python-version", VERSION]
    words += ["--target", str(folder), "--requirement", str(wanted)]
    subprocess.run(words, check=True, stdout=sys.stderr)


def _locked() -> Iterator[str]:
    """Yield the lock's entries for the packages that the judge needs, with their hashes."""
    for entry in LOCK.read_text().replace("\\\n", " ").splitlines():
        if entry.partition("==")[0].strip() in NEEDED:
            yield entry
