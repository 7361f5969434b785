"""Time what people wait for, in a repository that `make demo` left: `make bench DEMO=FOLDER`.

Medians of five runs each, wall seconds. Prints the figures as JSON on its last line.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from demo.shell import Shell

TEMPLATE = Path(__file__).resolve().parent.parent
RUNS = 5
HEAVY = ("mlflow", "sklearn")
READING: dict[str, Sequence[str]] = {
    "help_s": ("deliver", "--help"),
    "status_s": ("deliver", "status"),
    "apps_s": ("deliver", "apps"),
    "diff_s": ("deliver", "diff", "--base", "HEAD~1"),
    "check_s": ("deliver", "check", "--base", "{base}", "--head", "{head}"),
    "check_whole_s": ("deliver", "check"),
}


def main(folder: Path) -> None:
    """Print every figure."""
    head = promotion(folder)
    names = {"base": f"{head}~1", "head": head}
    figures: dict[str, float | bool] = {"bake_s": median(bake)}
    for key, words in READING.items():
        command = [word.format(**names) for word in words]
        figures[key] = median(partial(call, folder, command))
        print(f"{key:14} {figures[key]:.3f}  {' '.join(command)}")
    commands = [[word.format(**names) for word in words] for words in READING.values()]
    figures["heavy_imports"] = any(imports(folder, command) for command in commands)
    print(json.dumps(figures))


def median(measured: Callable[[], None]) -> float:
    """Return the median wall seconds of some runs, after one to warm up."""
    measured()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        measured()
        times.append(time.perf_counter() - began)
    return round(statistics.median(times), 3)


def call(folder: Path, command: Sequence[str]) -> None:
    """Run a command as a user of the folder does."""
    environment = Shell(folder).environment()
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)


def bake() -> None:
    """Bake a repository with the default answers."""
    with tempfile.TemporaryDirectory() as out:
        words = [sys.executable, "-m", "cookiecutter", str(TEMPLATE), "--no-input", "-o", out]
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)


def promotion(folder: Path) -> str:
    """Return the newest commit on main that promoted one app."""
    words = ["git", "log", "-1", "--format=%H", "--grep=^promote("]
    return subprocess.run(
        words, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def imports(folder: Path, words: Sequence[str]) -> bool:
    """Return whether a reading verb imports what takes seconds to import."""
    code = (
        f"import sys; sys.argv = {list(words)!r}\n"
        "from delivery.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.stderr.write(str([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    done = subprocess.run(
        ["python", "-c", code],
        cwd=folder,
        env=Shell(folder).environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return any(name in done.stderr for name in HEAVY)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo").resolve())
