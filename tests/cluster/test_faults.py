"""What dies in the middle of a sync comes back, and nothing is lost."""

from __future__ import annotations

import json
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.team import HELM_APP, KUSTOMIZE_APP, SYNC_S, Team

MERGES = 20
PARTS = ("argocd-application-controller", "argocd-repo-server", "redis", "git", "kubelet")
LOAD = Path(__file__).with_name("load.py")

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("part", PARTS)
def test_sync_survives_the_loss_of_a_part(delivered: Team, part: str) -> None:
    team, app = delivered, HELM_APP
    replicas = 1 if "2" in values(team).read_text() else 2
    team.change({f"overlays/dev/{app}/values.yaml": f"replicas: {replicas}\n"}, "Another number")
    team.configure(app, "dev")
    team.cluster.kill(part, signal.SIGKILL)
    team.confirm(app, "dev")
    team.until(lambda: len(team.pods(app, "dev")) == replicas)
    assert team.healthy(app, "dev")


def test_restart_under_load_loses_no_request(delivered: Team, tmp_path: Path) -> None:
    team, app = delivered, KUSTOMIZE_APP
    where = ("--namespace", team.namespace("prod"))
    before = {pod["metadata"]["name"] for pod in team.pods(app, "prod")}
    with ThreadPoolExecutor(1) as pool:
        load = start_load(pool, team, app, tmp_path)
        try:
            team.cluster.kubectl("rollout", "restart", f"deployment/{app}", *where)
            words = ("rollout", "status", f"deployment/{app}", *where)
            team.cluster.kubectl(*words, f"--timeout={SYNC_S}s")
            gone = "\n".join(before)
            team.until(lambda: not any(name in gone for name in names(team, app)))
        finally:
            (tmp_path / "stop").touch()
        found = load.result()
    assert found["asked"] > 100
    assert found["lost"] == []


def test_twenty_merges_in_a_minute_end_at_the_newest(delivered: Team) -> None:
    team = delivered
    commits = prepared(team)
    began = time.monotonic()
    for before, after in pairwise(commits):
        team.git("push", "--quiet", "origin", f"{after}:refs/heads/main")
        team.cluster.refresh_webhook(team.url, "main", before, after)
    assert time.monotonic() - began < 60
    for app in (KUSTOMIZE_APP, HELM_APP):
        team.confirm(app, "dev")
        assert team.healthy(app, "dev")


def prepared(team: Team) -> list[str]:
    """Return main's commits of so many records, made with an origin that Argo CD does not see."""
    mirror = team.root / ".local/mirror.git"
    team.git("clone", "--quiet", "--bare", str(team.root), str(mirror))
    url = team.git("remote", "get-url", "origin")
    commits = [team.git("rev-parse", "main")]
    team.git("remote", "set-url", "origin", str(mirror))
    try:
        for number in range(MERGES):
            reconfigure(team, HELM_APP if number % 2 else KUSTOMIZE_APP)
            commits.append(team.git("rev-parse", "main"))
    finally:
        team.git("remote", "set-url", "origin", url)
    return commits


def reconfigure(team: Team, app: str) -> None:
    """Merge a record with another number of replicas in dev: 2, or 3 where it is 2."""
    path = values(team) if app == HELM_APP else values(team, app, "kustomization.yaml")
    before, _, rest = path.read_text().partition("replicas:")
    replicas = 3 if "2" in rest else 2
    number = str(replicas) if app == HELM_APP else f"[{{name: {app}, count: {replicas}}}]"
    path.write_text(f"{before}replicas: {number}\n")
    team.git("commit", "--quiet", "--all", "--message", f"{replicas} replicas of {app}")
    team.git("push", "--quiet", "origin", "main")
    out = team.deliver("render", app, "--env", "dev", "--reason", "another number")
    branch = out.split("on branch ")[1].split()[0]
    team.git("merge", "--quiet", "--ff-only", branch)
    team.git("push", "--quiet", "origin", "main")
    team.git("branch", "--quiet", "-D", branch)


def values(team: Team, app: str = HELM_APP, file: str = "values.yaml") -> Path:
    """Return the file that says what is different of an app in dev."""
    return team.root / f"overlays/dev/{app}/{file}"


def names(team: Team, app: str) -> set[str]:
    """Return the names of an app's pods in prod."""
    return {pod["metadata"]["name"] for pod in team.pods(app, "prod")}


def start_load(pool: ThreadPoolExecutor, team: Team, app: str, folder: Path) -> Future[Any]:
    """Ask prod's Service one request after the other until the file `stop` is in the folder."""
    body = folder / "request.json"
    body.write_text(json.dumps(team.question(app)["request"]))
    service = team.get("service", app, "--namespace", team.namespace("prod"))
    url = f"http://{service['spec']['clusterIP']}/v2/models/{app}/infer"
    words = (sys.executable, str(LOAD), url, str(body), str(folder / "stop"))
    asking = pool.submit(lambda: json.loads(team.cluster.inside(*words).stdout))
    team.until((folder / "began").exists, 30)
    return asking
