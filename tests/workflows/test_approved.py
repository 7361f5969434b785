"""approved.yml executed: the real `gh` asks a server that is GitHub as it describes itself.

It asks over a socket, as its own setting has it, so that the workflow is as it is on GitHub.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.programs import GH, build
from tests.delivery.described import REPO, REPOSITORY, TOKEN, Described, described, example
from tests.delivery.world import TEMPLATE, World
from tests.workflows.acting import Ran, Runner

pytestmark = pytest.mark.slow

WORKFLOWS = TEMPLATE / "{{cookiecutter.project_slug}}/.github/workflows"
ACTIONS = f"{REPO}/actions"
HEAD, NUMBER = "c" * 40, 1347
RUN = 30433642
"""The run of the description's example."""
ONE = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}"
Reviewed = Callable[[str], Ran]


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    with described(tmp_path_factory.mktemp("gh") / "socket") as found:
        yield found


@pytest.fixture
def reviewed(server: Described, tmp_path: Path) -> Reviewed:
    """Returns how the workflow ran after a review of a state."""
    world = World(tmp_path / "repository")
    shutil.copytree(WORKFLOWS, world.root / ".github/workflows")
    world.git("init", "--quiet", "--initial-branch=main")
    world.git("remote", "add", "origin", f"https://github.com/{REPOSITORY}.git")
    world.commit()
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.yml").write_text(f"version: 1\nhttp_unix_socket: {server.server_address!s}\n")
    environment = {
        "PATH": f"{build(GH)}{os.pathsep}{os.environ['PATH']}",
        "GH_CONFIG_DIR": str(config),
    }
    secrets = {"GITHUB_TOKEN": TOKEN}
    runner = Runner(world.root, tmp_path / "act", environment, secrets=secrets)

    def run(state: str) -> Ran:
        request = {"number": NUMBER, "head": {"sha": HEAD, "ref": "x"}, "base": {"ref": "main"}}
        payload = {"pull_request": request, "review": {"state": state}}
        return runner.run("pull_request_review", "approved.yml", payload)

    return run


def runs(server: Described, *conclusions: str | None) -> None:
    """Have check.yml's newest run of the commit end so, each time that somebody asks."""
    found = [listed(one) for one in conclusions] or [(200, {"total_count": 0, "workflow_runs": []})]
    server.answers["GET", f"{ACTIONS}/workflows/161335/runs"] = found


def listed(conclusion: str | None) -> tuple[int, Any]:
    answer = example("get", f"{ONE}/runs")
    status = "completed" if conclusion else "in_progress"
    answer["workflow_runs"][0].update(conclusion=conclusion, status=status)
    return 200, answer


def posted(server: Described) -> list[tuple[str, Any]]:
    """Return what GitHub was told to do."""
    return [(path.removeprefix(ACTIONS), body) for how, path, body in server.sent if how == "POST"]


@pytest.mark.parametrize(
    ("conclusions", "state", "wanted"),
    [
        (["failure"], "approved", [(f"/runs/{RUN}/rerun-failed-jobs", None)]),
        ([None, "failure"], "approved", [(f"/runs/{RUN}/rerun-failed-jobs", None)]),
        (["success"], "approved", []),
        (["success"], "dismissed", [(f"/runs/{RUN}/rerun", None)]),
        (["cancelled"], "approved", []),
    ],
    ids=["red", "runs still", "green", "green and taken back", "given way to a newer one"],
)
def test_review_has_the_check_run_again_where_its_verdict_may_change(
    conclusions: list[str | None],
    state: str,
    wanted: list[tuple[str, Any]],
    server: Described,
    reviewed: Reviewed,
) -> None:
    runs(server, *conclusions)
    ran = reviewed(state)
    assert dict(ran.jobs) == {"again": "succeeded"}, ran.log
    assert posted(server) == wanted
    assert TOKEN not in ran.log


def test_pull_request_that_a_button_opened_is_judged_by_hand(
    server: Described, reviewed: Reviewed
) -> None:
    runs(server)
    ran = reviewed("approved")
    assert dict(ran.jobs) == {"again": "succeeded"}, ran.log
    inputs = {"head": HEAD, "number": str(NUMBER)}
    assert posted(server) == [("/workflows/161335/dispatches", {"ref": "main", "inputs": inputs})]


def test_token_without_the_right_is_seen(server: Described, reviewed: Reviewed) -> None:
    """A fork's may only read."""
    runs(server, "failure")
    denied = (403, {"message": "Resource not accessible by integration"})
    server.answers["POST", f"{ACTIONS}/runs/{RUN}/rerun-failed-jobs"] = denied
    ran = reviewed("approved")
    assert dict(ran.jobs) == {"again": "failed"}, ran.log
    assert "Resource not accessible by integration" in ran.log
