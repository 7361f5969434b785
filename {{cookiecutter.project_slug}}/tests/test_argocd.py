"""argocd/ says what delivery.yaml says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from delivery.settings import Environment
from tests.repository import ROOT, SETTINGS


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / "argocd" / path).read_bytes())


@pytest.mark.parametrize("environment", SETTINGS.environments, ids=SETTINGS.names)
def test_project_allows_one_repository_and_one_namespace(environment: Environment) -> None:
    spec = load(f"{environment.name}/project.yaml")["spec"]
    assert spec["sourceRepos"] == [SETTINGS.repository]
    assert spec["destinations"] == [
        {"server": environment.cluster, "namespace": environment.namespace}
    ]
    assert spec["clusterResourceWhitelist"] == []


@pytest.mark.parametrize("environment", SETTINGS.environments, ids=SETTINGS.names)
def test_applications_come_from_the_environments_releases(environment: Environment) -> None:
    spec = load(f"{environment.name}/applicationset.yaml")["spec"]
    source = spec["generators"][0]["git"]
    assert (source["repoURL"], source["revision"]) == (SETTINGS.repository, SETTINGS.main)
    assert source["directories"] == [{"path": f"releases/{environment.name}/*"}]
    destination = {"server": environment.cluster, "namespace": environment.namespace}
    assert spec["template"]["spec"]["destination"] == destination


def test_prod_outlives_a_folder_that_vanishes() -> None:
    policy = load(f"{SETTINGS.names[-1]}/applicationset.yaml")["spec"]["syncPolicy"]
    assert policy["preserveResourcesOnDeletion"] is True
    assert policy["applicationsSync"] == "create-update"
