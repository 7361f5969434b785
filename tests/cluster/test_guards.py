"""What Argo CD refuses: a project's limits, and a closed window but for the named role."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.cluster.team import HELM_APP, Team, post, token

CLUSTER_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: too-much
rules:
  - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: elsewhere
"""
ALWAYS = "[{kind: deny, schedule: '* * * * *', duration: 24h, timezone: Etc/UTC, manual: true}]"

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def branch(delivered: Team, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a branch of the repository that holds objects which nobody reviewed."""
    team, copy = delivered, tmp_path_factory.mktemp("sneaky") / "copy"
    team.git("worktree", "add", "--quiet", "-b", "sneaky", str(copy))
    for folder, text in (("role", CLUSTER_ROLE), ("map", CONFIG_MAP)):
        (copy / "sneaky" / folder).mkdir(parents=True)
        (copy / "sneaky" / folder / "object.yaml").write_text(text)
    for words in (("add", "--all"), ("commit", "-q", "-m", "x"), ("push", "-q", "origin", "HEAD")):
        subprocess.run(["git", *words], cwd=copy, check=True)
    team.git("worktree", "remove", "--force", str(copy))
    return "sneaky"


@pytest.fixture
def sneak(delivered: Team) -> Iterator[Any]:
    """Create Applications in prod's project; they are gone afterwards."""
    made: list[str] = []

    def create(name: str, **spec: Any) -> Any:
        team = delivered
        text = application(team, name, spec)
        team.cluster.kubectl("apply", "--filename", "-", stdin=text)
        made.append(name)
        team.until(lambda: said(team, name) != "")
        return said(team, name)

    yield create
    for name in made:
        delivered.cluster.kubectl("delete", "application", name, "--namespace", "argocd")


def test_cluster_role_is_refused(delivered: Team, branch: str, sneak: Any) -> None:
    seen = sneak("role", path="sneaky/role", revision=branch)
    assert "is not permitted in project" in seen
    assert "too-much" not in delivered.cluster.kubectl("get", "clusterroles", "--output", "name")


def test_other_namespace_is_refused(branch: str, sneak: Any) -> None:
    seen = sneak("elsewhere", path="sneaky/map", revision=branch, namespace="default")
    assert "do not match any of the allowed destinations" in seen


def test_other_repository_is_refused(delivered: Team, sneak: Any) -> None:
    seen = sneak("foreign", path=".", url=delivered.url.replace("demo-models", "other"))
    assert "is not permitted in project" in seen


def test_closed_window_waits_and_the_operator_gets_a_rollback_through(delivered: Team) -> None:
    team, app = delivered, HELM_APP
    good, pods = team.current(app, "prod")["record"], len(team.pods(app, "prod"))
    team.change({f"overlays/prod/{app}/values.yaml": "replicas: 1\n"}, "One replica in prod")
    team.configure(app, "prod")
    team.confirm(app, "prod")
    settings = (team.root / "delivery.yaml").read_text()
    head, row = settings.rsplit("    approvals: 2", 1)
    windows(team, f"{head}    approvals: 2\n    windows: {ALWAYS}{row}")
    try:
        why = ("--env", "prod", "--to", str(int(good)), "--reason", "a test of the window")
        team.merge(team.deliver("rollback", app, *why))
        assert "window" in team.confirm(app, "prod", expect=3)
        with pytest.raises(HTTPError):
            sync(team, app, token(team.cluster, f"{team.project}-prod", "reader"))
        sync(team, app, token(team.cluster, f"{team.project}-prod", "operator"))
        team.confirm(app, "prod")
        assert len(team.pods(app, "prod")) == pods > 1
    finally:
        windows(team, settings)
    team.merge(team.deliver("resume", app, "--env", "prod", "--reason", "the test is over"))
    team.confirm(app, "prod")


def windows(team: Team, settings: str) -> None:
    """Merge other settings, and wait until Argo CD's project of prod is as they say."""
    (team.root / "delivery.yaml").write_text(settings)
    team.deliver("argocd")
    team.commit("Set prod's windows")
    closed = "windows:" in settings
    team.until(lambda: closed == ("syncWindows" in project(team)["spec"]))


def project(team: Team) -> Any:
    """Return prod's AppProject."""
    return team.get("appproject", f"{team.project}-prod", "--namespace", "argocd")


def sync(team: Team, app: str, bearer: str) -> None:
    """Ask Argo CD for a sync as the role of a token."""
    url = f"{team.cluster.argocd}/api/v1/applications/{team.project}-prod-{app}/sync"
    post(url, {"prune": True}, bearer)


def application(team: Team, name: str, spec: dict[str, Any]) -> str:
    """Return an Application in prod's project."""
    source = {
        "repoURL": spec.get("url", team.url),
        "path": spec["path"],
        "targetRevision": spec.get("revision", "main"),
    }
    place = {
        "server": "https://kubernetes.default.svc",
        "namespace": spec.get("namespace", team.namespace("prod")),
    }
    return json.dumps(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd"},
            "spec": {
                "project": f"{team.project}-prod",
                "source": source,
                "destination": place,
                "syncPolicy": {"automated": {}},
            },
        }
    )


def said(team: Team, name: str) -> str:
    """Return what Argo CD says against an Application, nothing while it says nothing."""
    status = team.get("application", name, "--namespace", "argocd").get("status", {})
    conditions = [one["message"] for one in status.get("conditions", [])]
    results = status.get("operationState", {}).get("syncResult", {}).get("resources", [])
    return " ".join([*conditions, *(one.get("message", "") for one in results)])
