"""What `deliver argocd` writes, on a real Argo CD: what it brings, keeps, and lets nobody take.

Apps are ConfigMaps here, so that no image and no model is needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from delivery.argocd.names import application_name, namespace_application, root_name
from delivery.argocd.writing import write_argocd
from delivery.settings import Settings
from delivery.verbs.app_add import work_tree_settings

from cluster import Cluster
from tests.cluster.team import post, token
from tests.delivery.world import World, bake

pytestmark = pytest.mark.cluster

SLUG = "tried"
SYNC_S = 120
CURRENT = """\
app: {app}
environment: {environment}
record: "{record}"
kind: release
release: sha256:{zeros}
model: models:/{app}/7
run: "12345678e9"
image: registry.example.com/{app}@sha256:{zeros}
"""
MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: {namespace}
  annotations: {notes}
data: {{value: "{value}"}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: pods, namespace: tried-dev}
spec:
  selector: {matchLabels: {app: pods}}
  template:
    metadata: {labels: {app: pods}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 1, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: none
          image: registry.invalid/none
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""
HOOK = "argocd.argoproj.io/hook"
ASKED = {HOOK: "PostSync", f"{HOOK}-delete-policy": "BeforeHookCreation"}
WAVES = 8
"""Argo CD rests for two seconds after each wave, so a slow app's sync takes fifteen."""
SLOW = ("quick", "ended")
ENFORCE = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True)
class Tried:
    """A baked repository on the cluster's Git server, which Argo CD follows."""

    cluster: Cluster
    world: World

    @property
    def settings(self) -> Settings:
        return self.world.work.settings

    def name(self, environment: str, app: str) -> str:
        return application_name(self.settings, environment, app)

    def put(self, environment: str, app: str, value: str = "one", record: str = "0001") -> None:
        """Write a record of an app that says a value, and that asks its question afterwards."""
        words = {"app": app, "environment": environment, "record": record, "zeros": "0" * 64}
        files: dict[str, str | bytes | None] = {"current.yaml": CURRENT.format(**words)}
        waves = range(1, WAVES if app in SLOW else 1)
        later = {f"{app}-{wave}": {"argocd.argoproj.io/sync-wave": str(wave)} for wave in waves}
        for name, notes in {app: {}, f"{app}-asked": ASKED, **later}.items():
            stated = {"namespace": f"{SLUG}-{environment}", "notes": json.dumps(notes)}
            text = MAP.format(name=name, value=value, **stated)
            files[f"manifests/configmap-{name}.yaml"] = text
        self.world.write({f"releases/{environment}/{app}/{p}": d for p, d in files.items()})

    def push(self) -> None:
        """Commit all that changed, push it, and tell Argo CD as a Git host would."""
        before = self.world.git("rev-parse", "HEAD")
        after = self.world.commit()
        self.world.git("push", "--quiet", "origin", "main")
        self.cluster.refresh_webhook(self.cluster.git_url(SLUG), "main", before, after)

    def change(self, old: str, new: str) -> None:
        """Change delivery.yaml and what is written from it, and push both."""
        text = (self.world.root / "delivery.yaml").read_text()
        assert old in text
        self.world.write({"delivery.yaml": new.join(text.rsplit(old, 1))})
        write_argocd(self.world.repository, work_tree_settings(self.world.root))
        self.push()

    def kubectl(self, *words: str) -> str:
        return self.cluster.kubectl(*words, "--namespace", "argocd")

    def get(self, kind: str, name: str, namespace: str = "argocd") -> Any:
        """Return an object as it is in the cluster; None where there is none."""
        words = (kind, name, "--namespace", namespace, "--ignore-not-found", "--output", "json")
        text = self.cluster.kubectl("get", *words)
        return json.loads(text) if text else None

    def value(self, environment: str, name: str) -> str | None:
        """Return what a ConfigMap of an environment says."""
        found = self.get("configmap", name, f"{SLUG}-{environment}")
        return str(found["data"]["value"]) if found else None

    def status(self, name: str) -> Any:
        """Return the status of an Application, empty where there is none."""
        return (self.get("application", name) or {}).get("status", {})

    def synced(self, name: str) -> bool:
        return bool(self.status(name).get("sync", {}).get("status") == "Synced")

    def running(self, name: str) -> bool:
        return bool(self.status(name).get("operationState", {}).get("phase") == "Running")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is seen; fails at the deadline."""
        self.cluster.wait(condition, SYNC_S, what)


@pytest.fixture(scope="module")
def tried(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """Give the repository once its root Application brought all of it, with some releases."""
    url = cluster.create_repository(SLUG)
    user, password = cluster.git_login
    answers = {"project_slug": SLUG, "repo_url": url, "registry": f"{cluster.registry}/tried"}
    one = Tried(cluster, World(bake(tmp_path_factory.mktemp("tried"), **answers)))
    releases = [("dev", "gone"), ("prod", "gone"), ("prod", "kept"), *(("dev", s) for s in SLOW)]
    for environment, app in releases:
        one.put(environment, app)
    one.world.commit()
    login = url.replace("http://", f"http://{user}:{password}@")
    one.world.git("remote", "add", "origin", login)
    one.world.git("push", "--quiet", "--force", "origin", "main")
    cluster.kubectl("apply", "--filename", "-", stdin=repository_secret(url, user, password))
    cluster.kubectl("apply", "--server-side", "--filename", one.world.root / "argocd/root.yaml")
    try:
        one.until(lambda: all(one.value(e, f"{a}-asked") for e, a in releases), "the first syncs")
        yield one
    finally:
        clear_away(one)


def repository_secret(url: str, user: str, password: str) -> str:
    labels = {"argocd.argoproj.io/secret-type": "repository"}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": SLUG, "namespace": "argocd", "labels": labels},
            "stringData": {"type": "git", "url": url, "username": user, "password": password},
        }
    )


def clear_away(tried: Tried) -> None:
    """Leave a cluster that others use as it was."""
    tried.kubectl("delete", "application", root_name(tried.settings))
    for kind in ("applicationset", "application", "appproject"):
        names = tried.kubectl("get", kind, "--output", "name").split()
        mine = [name for name in names if name.split("/")[1].startswith(f"{SLUG}-")]
        for name in mine:  # no sync that goes on is to keep one
            nothing = json.dumps({"metadata": {"finalizers": []}})
            tried.kubectl("patch", name, "--type", "merge", "--patch", nothing)
        if mine:
            tried.kubectl("delete", "--ignore-not-found", *mine)
    tried.kubectl("delete", "secret", SLUG)
    spaces = [env.namespace for env in tried.settings.environments]
    tried.cluster.kubectl("delete", "namespace", "--wait=false", "--ignore-not-found", *spaces)


def test_root_keeps_itself_and_brings_all_but_what_namespaces_hold(tried: Tried) -> None:
    rows = tried.status(root_name(tried.settings))["resources"]
    kinds = {(row["kind"], row["name"]) for row in rows}
    assert ("Application", root_name(tried.settings)) in kinds
    assert ("ApplicationSet", f"{SLUG}-prod") in kinds
    assert not {kind for kind, _ in kinds} & {"Namespace", "NetworkPolicy", "ResourceQuota"}


def test_page_shows_what_runs(tried: Tried) -> None:
    spec = tried.get("application", tried.name("prod", "kept"))["spec"]
    shown = {row["name"]: row["value"] for row in spec["info"]}
    assert shown["record"] == "prod/0001 (release)"
    assert (shown["model"], shown["run"]) == ("models:/kept/7", "12345678e9")


def test_page_shows_pods_and_why_they_wait(tried: Tried) -> None:
    tried.put("dev", "pods")
    tried.world.write({"releases/dev/pods/manifests/deployment-pods.yaml": DEPLOYMENT})
    tried.push()
    name = tried.name("dev", "pods")
    url = f"{tried.cluster.argocd}/api/v1/applications/{name}/resource-tree"
    bearer = token(tried.cluster, f"{SLUG}-dev", "reader")

    def kinds() -> set[str]:
        tree = httpx.get(url, headers={"Authorization": f"Bearer {bearer}"}, timeout=60).json()
        return {node["kind"] for node in tree.get("nodes") or ()}

    tried.until(lambda: {"ReplicaSet", "Pod"} <= kinds(), "the pods")


def test_record_merged_during_a_sync_is_asked_its_question(tried: Tried) -> None:
    # Argo CD alone takes the third for healing, and after an end by hand for tried before.
    for app in SLOW:
        tried.put("dev", app, "two", "0002")
    tried.push()
    names = [tried.name("dev", app) for app in SLOW]
    tried.until(lambda: all(map(tried.running, names)), "the syncs")
    for app in SLOW:
        tried.put("dev", app, "three", "0003")
    tried.push()
    end = {"status": {"operationState": {"phase": "Terminating"}}}
    name = tried.name("dev", "ended")
    tried.kubectl("patch", "application", name, "--type", "merge", "--patch", json.dumps(end))
    asked = [f"{app}-asked" for app in SLOW]
    tried.until(lambda: {tried.value("dev", one) for one in asked} == {"three"}, "the questions")
    assert {tried.value("dev", app) for app in SLOW} == {"three"}


def test_folder_that_vanishes_goes_from_dev_and_stays_in_prod(tried: Tried) -> None:
    tried.world.git("rm", "-r", "--quiet", "releases/dev/gone", "releases/prod/gone")
    tried.push()
    tried.until(lambda: tried.value("dev", "gone") is None, "its end in dev")
    assert tried.get("application", tried.name("prod", "gone"))
    assert tried.value("prod", "gone") == "one"


def test_application_set_of_prod_leaves_its_apps_and_comes_back(tried: Tried) -> None:
    name, kind = tried.name("prod", "kept"), "applicationset"
    born = tried.get("application", name)["metadata"]["uid"]
    old = tried.get(kind, f"{SLUG}-prod")["metadata"]["uid"]
    tried.kubectl("delete", kind, f"{SLUG}-prod")
    tried.until(lambda: (tried.get(kind, f"{SLUG}-prod") or {}) != {}, "the set")
    assert tried.get(kind, f"{SLUG}-prod")["metadata"]["uid"] != old
    assert tried.get("application", name)["metadata"]["uid"] == born
    assert tried.value("prod", "kept") == "one"


def test_namespace_is_put_right_and_outlives_its_application(tried: Tried) -> None:
    space, owner = f"{SLUG}-prod", namespace_application(tried.settings, "prod")
    tried.cluster.kubectl("label", "namespace", space, f"{ENFORCE}=privileged", "--overwrite")
    tried.cluster.kubectl("delete", "networkpolicy", "default-deny", "--namespace", space)
    tried.until(
        lambda: tried.get("namespace", space)["metadata"]["labels"][ENFORCE] == "restricted",
        "the label",
    )
    tried.until(lambda: tried.get("networkpolicy", "default-deny", space) is not None, "the policy")
    tried.kubectl("delete", "application", owner)
    assert tried.get("namespace", space)["status"]["phase"] == "Active"
    tried.until(lambda: tried.synced(owner), "the Application")


def test_app_cannot_take_over_what_the_namespace_holds(tried: Tried) -> None:
    tried.put("dev", "taker")
    policy = (tried.world.root / "argocd/dev/namespace/default-deny.yaml").read_text()
    mine = policy.replace("name: default-deny", f"name: default-deny\n  namespace: {SLUG}-dev")
    open_to_all = mine.replace("[Ingress, Egress]", "[Ingress]")
    path = "releases/dev/taker/manifests/networkpolicy-default-deny.yaml"
    tried.world.write({path: open_to_all})
    tried.push()
    name = tried.name("dev", "taker")
    tried.until(lambda: "Shared resource found" in str(tried.status(name)), "the refusal")
    found = tried.get("networkpolicy", "default-deny", f"{SLUG}-dev")
    assert found["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_token_outlives_a_change_of_its_project(tried: Tried) -> None:
    bearer = token(tried.cluster, f"{SLUG}-prod", "operator")
    tried.change("    approvals: 2\n", "    approvals: 2\n    operators: [sre]\n")
    tried.until(
        lambda: "groups" in tried.get("appproject", f"{SLUG}-prod")["spec"]["roles"][1],
        "the group",
    )
    name = tried.name("prod", "kept")
    post(f"{tried.cluster.argocd}/api/v1/applications/{name}/sync", {}, bearer)


def test_new_environment_comes_by_git_alone(tried: Tried) -> None:
    row = f'environments:\n  - {{name: qa, namespace: {SLUG}-qa, kubernetes: "1.36", CLUSTER}}\n'
    cluster = "cluster: https://kubernetes.default.svc"
    tried.change("environments:", row.replace("CLUSTER", cluster) + " ")
    owner = namespace_application(tried.settings, "qa")
    tried.until(lambda: tried.synced(owner), "the namespace")
    assert tried.get("namespace", f"{SLUG}-qa")["status"]["phase"] == "Active"
