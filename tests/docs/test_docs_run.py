"""The pages' commands, run in order as a user would, in a baked folder with an empty bare origin.

Blocks marked `sh` run; those marked `text` are pictures, or need a server that is not here.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bake.template import bake, copy_template, git
from tests.docs.pages import blocks

IN_ORDER = (
    *("getting-started", "promote-and-roll-back", "board"),
    *("change-a-base-or-chart", "add-a-model"),
)
ANSWERS = {"project_name": "Docs", "project_slug": "docs-run", "package_name": "docs_run"}
PERSON = "[user]\nname = Sam Student\nemail = sam@example.com\n"
PAGE_S = 1200


def environment(repository: Path) -> dict[str, str]:
    """Return a user's environment: nothing of pytest's or of the template's own."""
    ours = ("PYTEST", "PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS", "DELIVER_", "MLFLOW_", "GIT_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    path = f"{repository / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "GIT_CONFIG_GLOBAL": str(repository.parent / "gitconfig")}


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Path]:
    """A baked folder and its empty bare origin; its services are stopped at the end."""
    origin = tmp_path / "origin.git"
    where = {"repo_url": f"file://{origin}", "registry": f"127.0.0.1:{free_port()}/models"}
    folder = bake(copy_template(tmp_path / "template"), tmp_path / "out", **ANSWERS, **where)
    git("init", "--quiet", "--bare", "--initial-branch=main", origin)
    (folder.parent / "gitconfig").write_text(PERSON)
    yield folder
    subprocess.run(["make", "services-stop"], cwd=folder, env=environment(folder), check=True)


def script(repository: Path, page: str) -> str:
    """Return a page's blocks, as the bake wrote them, as one shell script."""
    text = (repository / f"docs/{page}.md").read_text(encoding="utf-8")
    return "\n".join(["set -euxo pipefail", *blocks(text, "sh")])


@pytest.mark.slow
def test_commands_on_the_pages_work_in_order(repository: Path) -> None:
    for page in IN_ORDER:
        done = subprocess.run(
            ["bash", "-c", script(repository, page)],
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
