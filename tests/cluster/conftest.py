"""The cluster that tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cluster import Cluster, find, running
from tests.cluster.team import HELM_APP, KUSTOMIZE_APP, Team, bootstrap, deliver, prepare


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give a cluster with Argo CD and a node: the one that CLUSTER names, or one of its own."""
    name = os.environ.get("CLUSTER")
    if name:
        yield find(name)
        return
    with running() as own:
        yield own


@pytest.fixture(scope="session")
def team(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Give a team whose repository is baked and pushed; nothing of it is in the cluster yet."""
    return prepare(cluster, tmp_path_factory.mktemp("team") / "repository")


@pytest.fixture(scope="session")
def bootstrapped(team: Team) -> Team:
    """Give the team once its `argocd/` and logins are in the cluster, and it has tokens."""
    bootstrap(team)
    return team


@pytest.fixture(scope="session")
def delivered(bootstrapped: Team) -> Team:
    """Give the team once the first release of both apps runs in every environment."""
    for app in (KUSTOMIZE_APP, HELM_APP):
        deliver(bootstrapped, app)
    return bootstrapped
