"""The pages' commands, run in order as a user would, in a baked repository with a bare origin.

Blocks marked `sh` run; those marked `text` are pictures, or need a server that is not here.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bake.template import FOLDER, bake, copy_template, git
from tests.docs.pages import ANSWER, Page

IN_ORDER = ("getting-started", "promote-and-roll-back", "change-a-base-or-chart", "add-a-model")
ANSWERS = {"project_name": "Docs", "project_slug": "docs-run", "package_name": "docs_run"}
PAGE_S = 1200


def environment(repository: Path) -> dict[str, str]:
    """Return a user's environment: nothing of pytest's or of the template's own."""
    ours = ("PYTEST", "PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS", "DELIVER_", "MLFLOW_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return kept | {"PATH": f"{repository / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"}


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Path]:
    """A baked repository, pushed to a bare origin; its services are stopped at the end."""
    origin = tmp_path / "origin.git"
    where = {"repo_url": f"file://{origin}", "registry": f"127.0.0.1:{free_port()}/models"}
    folder = bake(copy_template(tmp_path / "template"), tmp_path / "out", **ANSWERS, **where)
    git("init", "--quiet", "--bare", "--initial-branch=main", origin)
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    git("config", "user.name", "Sam Student", cwd=folder)
    git("config", "user.email", "sam@example.com", cwd=folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "Start", cwd=folder)
    git("remote", "add", "origin", str(origin), cwd=folder)
    git("push", "--quiet", "--set-upstream", "origin", "main", cwd=folder)
    yield folder
    subprocess.run(["make", "services-stop"], cwd=folder, env=environment(folder), check=True)


def script(page: str) -> str:
    """Return a page's blocks as one shell script with the answers in them."""
    blocks = Page(f"{FOLDER}/docs/{page}.md").blocks("sh")
    text = ANSWER.sub(lambda found: ANSWERS[found[1]], "\n".join(blocks))
    return f"set -euxo pipefail\n{text}"


@pytest.mark.slow
def test_commands_on_the_pages_work_in_order(repository: Path) -> None:
    for page in IN_ORDER:
        done = subprocess.run(
            ["bash", "-c", script(page)],
            cwd=repository,
            env=environment(repository),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PAGE_S,
            check=False,
        )
        assert done.returncode == 0, f"{page}.md\n{done.stdout[-6000:]}"
