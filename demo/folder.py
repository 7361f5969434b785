"""Where the demo happens: a freshly baked repository, its bare origin, and its services."""

from __future__ import annotations

import hashlib
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .shell import Shell, StepError, chapter

TEMPLATE = Path(__file__).resolve().parent.parent
MARK = ".local/demo"
SLUG, PACKAGE = "demo-models", "demo_models"
PEOPLE = {"user.name": "Sam Student", "user.email": "sam@example.com"}


@dataclass(frozen=True)
class Place:
    """The repository of the demo."""

    root: Path
    shell: Shell

    def mark(self) -> None:
        """Note how the demo left the repository, so that a later one knows whether it may go."""
        (self.root / MARK).write_text(_state(self.root))

    def stop(self) -> None:
        """Stop what the demo started; data stay."""
        self.shell("make", "services-stop", show=False)


def prepare(folder: Path) -> Place:
    """Return a baked, committed and pushed repository with its environment and registry."""
    make_room(folder)
    shell = Shell(folder)
    chapter(
        "A new repository",
        "Seven answers make it. It has two apps on real data: tumour-classifier (is a tumour",
        "malignant?) and progression-forecast (how far will diabetes go in a year?).",
    )
    port = free_port()
    origin = folder / ".local/origin.git"
    with tempfile.TemporaryDirectory(prefix=".demo-", dir=folder.parent) as baked:
        Shell(TEMPLATE)(
            sys.executable, "-m", "cookiecutter", ".", "--no-input", "--output-dir", baked,
            "project_name=Demo Models", f"project_slug={SLUG}", f"package_name={PACKAGE}",
            f"repo_url=file://{origin}", f"registry=127.0.0.1:{port}/demo",
        )  # fmt: skip
        Path(baked, SLUG).rename(folder)
    (folder / MARK).parent.mkdir(exist_ok=True)
    (folder / MARK).touch()
    _commit(shell, origin)
    chapter(
        "What this machine needs",
        "System packages, the locked Python environment, helm, a base image, and an image registry",
        "on 127.0.0.1. Whatever is there already is used.",
    )
    place = Place(folder, shell)
    shell("make", "--no-print-directory", "machine", "setup")
    shell("make", "--no-print-directory", "--jobs=2", "--output-sync", "tools", "base")
    shell(sys.executable, "-m", "delivery.local", "services", "--only", "registry")
    return place


def _commit(shell: Shell, origin: Path) -> None:
    shell("git", "init", "--quiet", "--bare", "--initial-branch=main", origin, show=False)
    shell("git", "init", "--quiet", "--initial-branch=main", show=False)
    for key, value in PEOPLE.items():
        shell("git", "config", key, value, show=False)
    shell("git", "add", "--all", show=False)
    shell("git", "commit", "--quiet", "--message", "Bake the repository", show=False)
    shell("git", "remote", "add", "origin", origin, show=False)
    shell("git", "push", "--quiet", "--set-upstream", "origin", "main", show=False)


def make_room(folder: Path) -> None:
    """Take away what an earlier demo left; raises StepError for anything else that is there.

    And where no folder can be made.
    """
    try:
        _make_room(folder)
        tempfile.TemporaryDirectory(prefix=".demo-", dir=folder.parent).cleanup()
    except OSError as err:
        what = f"{err.strerror or err}: {err.filename or folder}"
        raise StepError(f"no folder can be made there ({what}): name another one, DEMO=…") from err


def _make_room(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise StepError(f"{folder} exists and is no earlier demo: name another folder, DEMO=…")
        if _worked_in(folder):
            raise StepError(
                f"{folder} holds work of your own since the demo ended there: name another folder, "
                "DEMO=…, or remove it yourself"
            )
        Shell(folder)("make", "services-stop", show=False)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)


def _worked_in(folder: Path) -> bool:
    """Return whether a demo ended here and its repository is not as that demo left it."""
    ended = (folder / MARK).read_text().strip()
    return bool(ended) and ended != _state(folder)


def _state(folder: Path) -> str:
    """Return a text that changes with every branch, commit, and file that Git would track."""
    shell = Shell(folder)
    refs = shell("git", "for-each-ref", "refs/heads", show=False)
    files = shell("git", "status", "--porcelain", show=False)
    return hashlib.sha256((refs + files).encode()).hexdigest()


def free_port() -> int:
    """Return a port on 127.0.0.1 that nothing listens on now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
