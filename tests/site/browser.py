"""Chromium as people have it, driven by playwright, with axe's rules on what everyone can use."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from delivery.local import machine
from delivery.process import run

from tests.listening import listening

HERE = Path(__file__).parent
PROGRAMS = {"chromium": "chromium", "node": "nodejs", "npm": "npm"}
"""Programs with the Debian packages that bring them."""


def prepare(folder: Path) -> Path:
    """Return a folder with what package-lock.json names; as root on Debian programs are installed.

    Raises Refused where no package manager is known, ProgramMissing for what is still not there.
    """
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        machine.install(missing)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(HERE / file, folder)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return folder


def look(
    modules: Path, base: str, pages: Sequence[str], shots: Path | None
) -> list[dict[str, Any]]:
    """Return what a browser made of each page in each view; `base` is a URL with a slash last."""
    plan = {
        "modules": str(modules),
        "chromium": shutil.which("chromium"),
        "base": base,
        "pages": list(pages),
        "shots": None if shots is None else str(shots),
    }
    done = run("node", HERE / "browse.mjs", stdin=json.dumps(plan).encode())
    found: list[dict[str, Any]] = json.loads(done.text)
    return found


def wrong(seen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was wrong, by view, page and kind."""
    kinds = ("errors", "outside", "axe", "overflow")
    told = {f"{one['view']} {one['path']} {kind}": one[kind] for one in seen for kind in kinds}
    return {what: found for what, found in told.items() if found}


@contextmanager
def served(folder: Path, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the URL of a folder, which a server of this process hands out meanwhile."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    handler = partial(Handler, directory=str(folder))
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}/"
