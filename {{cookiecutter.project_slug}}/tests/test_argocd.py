"""argocd/ says what delivery.yaml says, and a release in Git cannot undo what it protects."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from delivery.argocd.files import differences
from delivery.settings import Environment
from tests.repository import ROOT, SETTINGS

every = pytest.mark.parametrize("environment", SETTINGS.environments, ids=SETTINGS.names)


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / "argocd" / path).read_bytes())


def test_folder_is_what_deliver_writes() -> None:
    paths = [path for path in (ROOT / "argocd").rglob("*") if path.is_file()]
    found = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
    assert differences(SETTINGS, found) == [], "run `deliver argocd`"


@every
def test_project_allows_one_repository_and_one_namespace(environment: Environment) -> None:
    spec = load(f"{environment.name}/project.yaml")["spec"]
    assert spec["sourceRepos"] == [SETTINGS.repository]
    assert spec["destinations"] == [
        {"server": environment.cluster, "namespace": environment.namespace}
    ]
    assert "clusterResourceWhitelist" not in spec


@every
def test_namespace_keeps_to_restricted(environment: Environment) -> None:
    labels = load(f"{environment.name}/namespace/namespace.yaml")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_last_environment_outlives_a_folder_that_vanishes() -> None:
    policy = load(f"{SETTINGS.names[-1]}/applicationset.yaml")["spec"]["syncPolicy"]
    assert policy["preserveResourcesOnDeletion"] is True
    assert policy["applicationsSync"] == "create-update"
