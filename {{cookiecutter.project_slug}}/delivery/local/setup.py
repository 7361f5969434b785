"""`setup`: `.venv`, in which `deliver` and all that it needs are installed from the lock."""

from __future__ import annotations

from pathlib import Path

from ..argocd.refs import REFSPEC
from ..process import run
from . import venv
from .venv import Say

LOCKS = ("delivery/requirements.lock", "delivery/requirements-dev.lock")


def main(root: Path, say: Say) -> None:
    """Make or update `.venv`; what is up to date is left as it is."""
    track_notes(root)
    locks = [root / name for name in LOCKS]
    uv = venv.uv(locks[0])
    target = root / ".venv"
    say("Installing the packages that delivery/requirements*.lock pin into .venv.")
    changed = venv.make(target, locks, uv)
    deliver = target / "bin" / "deliver"
    if not changed and deliver.exists():
        say("The environment .venv is as the lock says: nothing to do.")
        return
    # The build backend comes from the lock as well: nothing is fetched that it does not name.
    install = ("pip", "install", "--no-deps", "--no-build-isolation", "--python", target)
    run(uv, *install, "--editable", root)
    say("`deliver` is installed: try `uv run deliver --help`, or .venv/bin/deliver.")


def track_notes(root: Path) -> None:
    """Have `git fetch` bring along what was confirmed, where there is an origin."""
    known = run("git", "config", "--get-all", "remote.origin.fetch", cwd=root, check=False)
    if known.code == 0 and REFSPEC not in known.text.splitlines():
        run("git", "config", "--add", "remote.origin.fetch", REFSPEC, cwd=root)
