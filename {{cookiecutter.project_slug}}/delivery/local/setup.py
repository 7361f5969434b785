"""`setup`: `.venv`, in which `deliver` and all that it needs are installed from the lock."""

from __future__ import annotations

from pathlib import Path

from ..process import run
from . import venv
from .venv import Say

LOCKS = ("delivery/requirements.lock", "delivery/requirements-dev.lock")


def main(root: Path, say: Say) -> None:
    """Make or update `.venv`; what is up to date is left as it is."""
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
