"""confirm.yml and drift.yml executed, by answers that a real Argo CD gave once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.delivery.hosted import ROBOT, Hosted
from tests.delivery.models import register_digests
from tests.delivery.recorded import at
from tests.delivery.replaying import TOKEN, Server, replaying
from tests.delivery.world import KUSTOMIZE_APP
from tests.jenkins.piping import Jenkins
from tests.workflows.acting import Runner
from tests.workflows.conftest import SECRETS
from tests.workflows.test_workflows import pressed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("containers")]

NAME = f"acme-models-dev-{KUSTOMIZE_APP}"
TOKENS = {f"ARGOCD_AUTH_TOKEN_{name}": TOKEN for name in ("DEV", "STAGING", "PROD")}


@pytest.fixture
def argocd() -> Iterator[Server]:
    with replaying() as found:
        yield found


@pytest.fixture
def asking(argocd: Server, hosted: Hosted, runner: Runner) -> Runner:
    """Asks Argo CD and MLflow, which has the model of dev's record; and may push notes."""
    world = hosted.world
    [entry] = world.line("dev").entries
    register_digests(world, entry.record.release.model.digest)
    database = f"sqlite:///{world.root}/.local/mlflow/mlflow.db"
    asked = {"ARGOCD_SERVER": argocd.url, "MLFLOW_TRACKING_URI": database}
    origin = hosted.githost.address(ROBOT, hosted.repository)
    return replace(
        runner,
        environment={**runner.environment, "ORIGIN": origin},
        variables={**runner.variables, **asked},
        secrets={**SECRETS, **TOKENS},
    )


def says(argocd: Server, hosted: Hosted, recorded: str) -> None:
    """Have Argo CD say that of the record in dev, and of the other environments nothing."""
    answer: dict[str, Any] = at(recorded, hosted.world.git("rev-parse", "main"))
    answer["spec"]["source"]["repoURL"] = hosted.place.settings.repository
    argocd.gives(f"applications/{NAME}", answer)
    argocd.gives(f"applications/{NAME}/managed-resources", {})
    argocd.gives("applications", {"items": [answer]}, {"items": []})


@pytest.mark.parametrize("workflow", ["confirm.yml", "drift.yml"])
def test_workflow_that_asks_argocd_names_what_does_not_answer(
    workflow: str, hosted: Hosted, runner: Runner
) -> None:
    assert hosted.name
    assert pressed(runner, workflow, {}).jobs == {}  # no Argo CD is named
    asked = {**runner.variables, "ARGOCD_SERVER": "http://127.0.0.1:9"}
    ran = pressed(replace(runner, variables=asked, secrets={**SECRETS, **TOKENS}), workflow, {})
    assert set(ran.jobs.values()) == {"failed"}
    assert "argocd-unreachable" in ran.log
    assert TOKEN not in ran.log


# MLflow 3 asks SQLAlchemy 2.1 for what that will take out.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
def test_record_that_runs_is_confirmed_and_what_differs_later_is_red(
    hosted: Hosted, argocd: Server, asking: Runner
) -> None:
    says(argocd, hosted, "runs")
    confirmed = asking.run("push", "confirm.yml", {"ref": "refs/heads/main"})
    assert dict(confirmed.jobs) == {"confirm": "succeeded"}, confirmed.log
    origin = asking.environment["ORIGIN"]
    assert "refs/notes/deliver" in hosted.world.git("ls-remote", origin)
    same = asking.run("schedule", "drift.yml", {})
    assert dict(same.jobs) == {"drift": "succeeded"}, same.log
    says(argocd, hosted, "degraded")
    differs = asking.run("schedule", "drift.yml", {})
    assert dict(differs.jobs) == {"drift": "failed"}, differs.log
    assert "degraded: " in differs.log
    assert all(TOKEN not in ran.log for ran in (confirmed, same, differs))


# The same of MLflow.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")
@pytest.mark.skipif(shutil.which("mvn") is None, reason="needs Java and Maven")
def test_record_that_runs_is_confirmed_by_jenkins_and_on_its_board(
    hosted: Hosted, argocd: Server, asking: Runner, jenkins: Jenkins
) -> None:
    says(argocd, hosted, "runs")
    more = {"git": [ROBOT, hosted.githost.tokens[ROBOT]], "argocd": TOKEN}
    built = replace(
        jenkins,
        environment={**jenkins.environment, **asking.variables},
        credentials={**jenkins.credentials, **more},
        quiet=["Train and build"],
    ).build({"BRANCH_NAME": "main"}, {"ACTION": "release"})
    stages = dict.fromkeys(("Release", "Confirm"), "succeeded")
    # There is no key to sign by: what fails keeps nothing else from its turn.
    assert built.stages() == {"Train and build": "failed", **stages}, built.log
    assert built.status == 1
    assert "no app differs from its newest release" in built.said("Release")
    assert "refs/notes/deliver" in hosted.world.git("ls-remote", jenkins.origin)
    assert "build/site/index.html" in built.told("Confirm", "archived")
    assert TOKEN not in built.log
    assert hosted.githost.tokens[ROBOT] not in built.log
