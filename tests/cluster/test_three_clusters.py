"""A release on its way through three clusters, with one Argo CD beside dev, as users have it.

Dev's node runs containers. Those of the other two are simulated: what Kubernetes and Argo CD do
there is real, but no container starts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from cluster import running
from tests.cluster.team import ENVIRONMENTS, KUSTOMIZE_APP, Team, deliver, give_token, prepare

pytestmark = pytest.mark.cluster

DEV, *OTHERS = ENVIRONMENTS


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Give a team whose environments are on three clusters, once its first release is in all."""
    with running(members=3) as three:
        team = prepare(three, tmp_path_factory.mktemp("spread") / "repository")
        settings = yaml.safe_load((team.root / "delivery.yaml").read_text())
        for environment in settings["environments"]:
            environment["cluster"] = three.servers[environment["name"]]
        (team.root / "delivery.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
        team.deliver("argocd")
        team.commit("Give each environment a cluster of its own")
        bootstrap(team)
        deliver(team, KUSTOMIZE_APP)
        yield team


def bootstrap(team: Team) -> None:
    """Bootstrap each cluster by its own context, Argo CD's first."""
    files = os.pathsep.join(str(path) for path in team.cluster.kubeconfigs.values())
    team.deliver("bootstrap", KUBECONFIG=files)
    for environment in OTHERS:
        config = str(team.cluster.kubeconfigs[environment])
        words = ("config", "current-context", "--kubeconfig", config)
        context = team.cluster.kubectl(*words, environment=environment).strip()
        team.deliver("bootstrap", "--env", environment, "--context", context, KUBECONFIG=files)
    for environment in ENVIRONMENTS:
        give_token(team, environment)


def get(team: Team, environment: str, *words: str) -> Any:
    """Return objects of an environment's namespace, from its own API server."""
    where = ("--namespace", team.namespace(environment), "--output", "json")
    return json.loads(team.cluster.kubectl("get", *words, *where, environment=environment))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_release_is_in_its_own_cluster_and_in_no_other(spread: Team, environment: str) -> None:
    status = spread.application(KUSTOMIZE_APP, environment)["status"]
    assert (status["sync"]["status"], status["health"]["status"]) == ("Synced", "Healthy")
    found = get(spread, environment, "deployment", KUSTOMIZE_APP)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(spread.digest(KUSTOMIZE_APP, environment))
    for other in set(ENVIRONMENTS) - {environment}:
        spaces = spread.cluster.kubectl("get", "namespaces", environment=other)
        assert spread.namespace(environment) not in spaces


@pytest.mark.parametrize("environment", OTHERS)
def test_pull_secret_is_in_the_cluster_that_pulls(spread: Team, environment: str) -> None:
    assert get(spread, environment, "secret", "registry")["type"].endswith("dockerconfigjson")


def test_confirmed_in_all_three_and_nothing_drifts(spread: Team) -> None:
    assert "agrees" in spread.deliver("drift")
    assert {spread.alias(KUSTOMIZE_APP, environment) for environment in ENVIRONMENTS} == {"1"}


def test_change_by_hand_in_another_cluster_is_undone(spread: Team) -> None:
    words = ("scale", f"deployment/{KUSTOMIZE_APP}", "--replicas=0")
    where = ("--namespace", spread.namespace("prod"))
    wanted = get(spread, "prod", "deployment", KUSTOMIZE_APP)["spec"]["replicas"]
    spread.cluster.kubectl(*words, *where, environment="prod")
    spread.until(
        lambda: get(spread, "prod", "deployment", KUSTOMIZE_APP)["spec"]["replicas"] == wanted
    )
