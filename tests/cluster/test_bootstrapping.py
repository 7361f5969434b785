"""`deliver bootstrap` on a real cluster: what it leaves there, again and again, and what it keeps.

The tests are one story and run in order: each begins with what the one before it left.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery.argocd.asking import Answers
from delivery.argocd.bootstrap import carry_out
from delivery.argocd.credentials import Login
from delivery.argocd.kubectl import Kubectl
from delivery.argocd.planning import Plan, plan_all
from delivery.errors import Refused

from cluster import Cluster, running
from tests.bake.template import FOLDER, ROOT
from tests.cluster.team import take_away
from tests.delivery.world import World, bake
from tests.docs.pages import Page

pytestmark = pytest.mark.cluster

PROJECT = "first-steps"
ENVIRONMENTS = ("dev", "staging", "prod")
OURS = ("applications", "applicationsets", "appprojects")
CALL = "from delivery.cli import main; main()"
CALL_S = 240
NOWHERE = "https://192.0.2.1:6443"
"""An address for documentation: nothing answers there."""


@dataclass(frozen=True)
class Person:
    """Somebody at a clone, with a kubeconfig and the logins in their environment."""

    cluster: Cluster
    world: World

    def deliver(
        self, *words: str, expect: int = 0, variables: Mapping[str, str] | None = None
    ) -> str:
        """Return what `deliver` printed, both streams; fails unless it ends as expected."""
        done = subprocess.run(
            [sys.executable, "-P", "-c", CALL, *words],
            cwd=self.world.root,
            env=self.environment() | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=CALL_S,
            check=False,
        )
        assert done.returncode == expect, done.stdout
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the variables of a person who has given no login yet."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DELIVER_")}
        files = os.pathsep.join(str(path) for path in self.cluster.kubeconfigs.values())
        return kept | {"KUBECONFIG": files, "PYTHONPATH": str(ROOT / FOLDER)}

    @property
    def logins(self) -> dict[str, str]:
        """The logins, as variables."""
        git, registry = self.cluster.git_login, self.cluster.registry_login
        return {
            "DELIVER_GIT_USER": git[0],
            "DELIVER_GIT_PASSWORD": git[1],
            "DELIVER_REGISTRY_USER": registry[0],
            "DELIVER_REGISTRY_PASSWORD": registry[1],
        }

    def get(self, *words: str, environment: str = "dev") -> Any:
        """Return what the cluster holds."""
        return json.loads(
            self.cluster.kubectl("get", *words, "--output=json", environment=environment)
        )

    def names(self, kind: str) -> set[str]:
        """Return the names of the project's objects in Argo CD's namespace."""
        found = self.get(kind, "--namespace=argocd")["items"]
        names = (one["metadata"]["name"] for one in found)
        return {name for name in names if name.startswith(f"{PROJECT}-")}

    def secret(self, namespace: str, name: str, environment: str = "dev") -> Any:
        """Return a Secret."""
        return self.get("secret", name, f"--namespace={namespace}", environment=environment)

    def versions(self) -> dict[str, str]:
        """Return the version of each object that bootstrap may write, by its kind and name."""
        spaces = [self.get("namespace", f"{PROJECT}-{env}") for env in ENVIRONMENTS]
        secrets = [self.secret(f"{PROJECT}-{env}", "registry") for env in ENVIRONMENTS]
        found = [*spaces, *secrets, self.secret("argocd", f"{PROJECT}-repository")]
        return {
            f"{one['kind']} {one['metadata']['uid']}": one["metadata"]["resourceVersion"]
            for one in found
        }

    def take_away(self) -> None:
        """Delete all that is of the project."""
        take_away(self.cluster, PROJECT)


def clone(cluster: Cluster, folder: Path, **answers: str) -> Person:
    """Return somebody with a baked repository, pushed to the cluster's Git server."""
    url = cluster.create_repository(PROJECT)
    root = bake(
        folder,
        project_name="First Steps",
        project_slug=PROJECT,
        repo_url=url,
        registry=f"{cluster.registry}/models",
        **answers,
    )
    person = Person(cluster, World(root))
    push(person)
    return person


def push(person: Person) -> None:
    """Push main, with the Git server's login."""
    user, password = person.cluster.git_login
    url = person.cluster.git_url(PROJECT).replace("://", f"://{user}:{password}@")
    person.world.git("push", "--quiet", "--force", url, "main")


@pytest.fixture(scope="module")
def person(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    made = clone(cluster, tmp_path_factory.mktemp("bootstrap"))
    yield made
    made.take_away()


@pytest.fixture
def watched(person: Person, tmp_path: Path) -> Kubectl:
    """The real kubectl, behind a program that notes with which arguments it was called."""
    program = tmp_path / "kubectl"
    real = Path(sys.prefix, "bin/kubectl")
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\nexec {real} "$@"\n')
    program.chmod(0o755)
    return Kubectl(program, None, person.cluster.kubeconfig)


def silent(text: str) -> None:
    """Take a progress line."""


def plan(person: Person, kubectl: Kubectl) -> Plan:
    return plan_all(person.world.work, kubectl, Answers(person.logins), renew=False)


def test_dry_run_says_what_would_be_done_and_does_nothing(person: Person) -> None:
    said = person.deliver("bootstrap", "--dry-run")
    assert f"would be written: Namespace {PROJECT}-prod" in said
    assert "would be applied: argocd/root.yaml" in said
    assert person.names("applications") == set()
    assert f"{PROJECT}-dev" not in person.cluster.kubectl("get", "namespaces")


def test_no_login_and_nobody_to_ask_is_refused_before_anything_is_written(person: Person) -> None:
    assert "no-credentials" in person.deliver("bootstrap", expect=2)
    assert person.names("appprojects") == set()


@pytest.mark.parametrize("what", ["GIT", "REGISTRY"])
def test_wrong_login_is_named_before_anything_is_written(person: Person, what: str) -> None:
    wrong = person.logins | {f"DELIVER_{what}_PASSWORD": "n0t-the-one"}
    said = person.deliver("bootstrap", expect=1, variables=wrong)
    assert "wrong-credentials" in said
    assert f"DELIVER_{what}_PASSWORD" in said
    assert "n0t-the-one" not in said
    assert person.names("appprojects") == set()


def test_login_that_argo_cd_alone_can_try_is_named_too(person: Person, watched: Kubectl) -> None:
    good = plan(person, watched)
    bad = Plan(**{**vars(good), "git": Login("git", "n0t-the-one")})
    with pytest.raises(Refused, match="repository-unreadable") as refusal:
        list(carry_out(bad, person.world.work, watched, silent, 120))
    assert "authentication required" in refusal.value.seen


def test_lines_on_the_page_bring_it_to_a_cluster(person: Person, tmp_path: Path) -> None:
    program = tmp_path / "deliver"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -P -c '{CALL}' \"$@\"\n")
    program.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(Path(sys.prefix, "bin")), os.environ["PATH"]])
    lines = Page(f"{FOLDER}/docs/argo-cd.md").blocks("sh")
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -euxo pipefail", *lines])],
        cwd=person.world.root,
        env=person.environment() | person.logins | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=CALL_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"synced:  {PROJECT}-root at {person.world.work.main.commit[:12]}" in done.stdout


def test_bootstrap_without_a_release_is_synced_and_has_nothing_to_run(person: Person) -> None:
    expected = {f"{PROJECT}-root", *(f"{PROJECT}-{env}-namespace" for env in ENVIRONMENTS)}
    assert person.names("applications") == expected
    for name in expected:
        status = person.get("application", name, "--namespace=argocd")["status"]
        assert (status["sync"]["status"], status["health"]["status"]) == ("Synced", "Healthy")


def test_namespaces_are_restricted_and_belong_to_argo_cd(person: Person) -> None:
    for environment in ENVIRONMENTS:
        name = f"{PROJECT}-{environment}"
        found = person.get("namespace", name, "--show-managed-fields")["metadata"]
        assert found["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        assert f"{name}-namespace" in found["annotations"]["argocd.argoproj.io/tracking-id"]
        assert {owner["manager"] for owner in found["managedFields"]} == {"argocd-controller"}


def test_pull_secret_is_of_kubernetes_kind_for_the_registry(person: Person) -> None:
    found = person.secret(f"{PROJECT}-prod", "registry")
    assert found["type"] == "kubernetes.io/dockerconfigjson"
    held = json.loads(base64.b64decode(found["data"][".dockerconfigjson"]))
    entry = held["auths"][person.cluster.registry]
    assert (entry["username"], entry["password"]) == person.cluster.registry_login


def test_second_call_asks_nothing_and_changes_nothing(person: Person) -> None:
    before = person.versions()
    said = person.deliver("bootstrap")
    assert f"kept:    Secret argocd/{PROJECT}-repository" in said
    assert "written:" not in said
    assert "applied:" not in said
    assert person.versions() == before


def test_root_that_was_changed_by_hand_is_put_right(person: Person) -> None:
    away = '[{"op": "replace", "path": "/spec/source/repoURL", "value": "https://192.0.2.1/x.git"}]'
    root = ("application", f"{PROJECT}-root", "--namespace=argocd")
    person.cluster.kubectl("patch", *root, "--type=json", f"--patch={away}")
    assert "applied: argocd/root.yaml" in person.deliver("bootstrap")
    found = person.get(*root)["spec"]["source"]["repoURL"]
    assert found == person.cluster.git_url(PROJECT)


def test_namespace_that_was_deleted_is_built_up_again(person: Person) -> None:
    person.cluster.kubectl("delete", "namespace", f"{PROJECT}-prod", "--wait=false")
    said = person.deliver("bootstrap", variables=person.logins)
    assert f"written: Secret {PROJECT}-prod/registry" in said
    assert person.secret(f"{PROJECT}-prod", "registry")["type"] == "kubernetes.io/dockerconfigjson"
    labels = person.get("namespace", f"{PROJECT}-prod")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_all_that_was_lost_is_built_up_again(person: Person) -> None:
    before = {kind: person.names(kind) for kind in OURS}
    person.take_away()
    person.deliver("bootstrap", variables=person.logins)
    assert {kind: person.names(kind) for kind in OURS} == before
    assert person.secret(f"{PROJECT}-dev", "registry")


def test_new_login_replaces_the_old_one(person: Person) -> None:
    more = '{"stringData": {"webhookManifestCacheWarmDisabled": "true"}}'
    secret = ("secret", f"{PROJECT}-repository", "--namespace=argocd")
    person.cluster.kubectl("patch", *secret, "--type=merge", f"--patch={more}")
    before = person.versions()
    said = person.deliver("bootstrap", "--renew", variables=person.logins)
    assert f"written: Secret argocd/{PROJECT}-repository" in said
    assert person.versions() == before  # the same login again, and what others added: no change
    assert "no-credentials" in person.deliver("bootstrap", "--renew", expect=2)


def test_no_password_is_in_git_output_or_arguments(
    person: Person, watched: Kubectl, capfd: pytest.CaptureFixture[str]
) -> None:
    steps = list(carry_out(plan(person, watched), person.world.work, watched, silent, 120))
    called = (watched.program.parent / "called").read_text()
    everything = person.world.git("log", "--all", "--patch")
    printed = person.deliver("bootstrap", "--json", variables=person.logins)
    told = f"{steps} {capfd.readouterr()} {printed}"
    assert "apply --server-side" in called
    assert called.count("-f -") == 1 + len(ENVIRONMENTS)
    for password in (person.cluster.git_login[1], person.cluster.registry_login[1]):
        assert password not in called
        assert password not in told
        assert password not in everything


def test_repository_that_argo_cd_has_by_other_means_is_left_alone(person: Person) -> None:
    ours = person.secret("argocd", f"{PROJECT}-repository")
    theirs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "repo-1234567",
            "namespace": "argocd",
            "labels": {"argocd.argoproj.io/secret-type": "repository"},
        },
        "data": ours["data"],
    }
    person.cluster.kubectl("delete", "secret", f"{PROJECT}-repository", "--namespace=argocd")
    person.cluster.kubectl("apply", "--filename=-", stdin=json.dumps(theirs))
    try:
        said = person.deliver("bootstrap", variables=person.logins)
    finally:
        person.cluster.kubectl("delete", "secret", "repo-1234567", "--namespace=argocd")
    assert "kept:    Secret argocd/repo-1234567, which Argo CD has by other means" in said
    assert f"written: Secret argocd/{PROJECT}-repository" not in said


def test_folder_that_delivery_yaml_does_not_give_is_refused(person: Person) -> None:
    settings = (person.world.root / "delivery.yaml").read_text()
    person.world.change({"delivery.yaml": settings.replace(f"{PROJECT}-prod", f"{PROJECT}-live")})
    assert "argocd-not-current" in person.deliver("bootstrap", expect=1)
    person.world.git("reset", "--quiet", "--hard", "HEAD~1")


@pytest.fixture
def blind(person: Person) -> Iterator[None]:
    """An Argo CD that looks at nothing: its controller is stopped, not ended."""
    controller = person.cluster.pid("argocd-application-controller")
    os.kill(controller, signal.SIGSTOP)
    yield
    os.kill(controller, signal.SIGCONT)


@pytest.mark.usefixtures("blind")
def test_waiting_ends_in_time_and_says_for_what(person: Person) -> None:
    said = person.deliver("bootstrap", "--timeout", "2s", expect=3, variables=person.logins)
    assert "not-synced" in said
    assert "its application controller has not looked" in said
    assert f"kubectl describe application {PROJECT}-root" in said


@pytest.mark.usefixtures("blind")
def test_interrupted_waiting_says_that_what_was_done_stays(person: Person) -> None:
    began = subprocess.Popen(
        [sys.executable, "-P", "-c", CALL, "bootstrap"],
        cwd=person.world.root,
        env=person.environment() | person.logins,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert began.stderr is not None
    for line in began.stderr:
        if "waiting for Argo CD" in line:
            break
    began.send_signal(signal.SIGINT)
    out, errors = began.communicate(timeout=CALL_S)
    assert began.returncode == 3
    assert f"written: Secret argocd/{PROJECT}-repository" in out
    assert "stopped: it was interrupted." in errors


def test_person_without_the_rights_is_told(person: Person, tmp_path: Path) -> None:
    config = yaml.safe_load(person.cluster.kubeconfig.read_text())
    config["users"][0]["user"]["as"] = "nobody"
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    words = ("bootstrap", "--kubeconfig", str(tmp_path / "kubeconfig"))
    said = person.deliver(*words, expect=1, variables=person.logins)
    assert "cluster-forbids" in said
    assert 'User "nobody" cannot get resource "namespaces"' in said


def test_argo_cd_of_other_environments_is_not_taken_over(person: Person) -> None:
    settings = (person.world.root / "delivery.yaml").read_text()
    for environment, name in zip(ENVIRONMENTS, ("west", "west", "east"), strict=True):
        entry = f"- name: {environment}\n"
        settings = settings.replace(entry, f"{entry}    argocd: {name}\n")
    person.world.write({"delivery.yaml": settings})
    person.deliver("argocd")
    person.world.commit("Give prod an Argo CD of its own")
    push(person)
    assert "which-argocd" in person.deliver("bootstrap", expect=2)
    said = person.deliver("bootstrap", "--argocd", "west", variables=person.logins)
    assert f"left:    AppProject {PROJECT}-prod, which Git has no more" in said
    for words in (("--argocd", "east"), ("--env", "prod")):
        said = person.deliver("bootstrap", *words, expect=1, variables=person.logins)
        assert "other-cluster" in said
        assert "keeps argocd/root-west.yaml, not argocd/root-east.yaml" in said
    person.deliver("bootstrap", "--env", "staging", variables=person.logins)


# Several clusters


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody whose staging is on a cluster of its own, which Argo CD knows."""
    with running(members=2, node=False) as two:
        person = clone(two, tmp_path_factory.mktemp("several"))
        place(person, "staging", two.servers["staging"])
        yield person


def place(person: Person, environment: str, server: str) -> None:
    """Merge that an environment is on another cluster."""
    path = person.world.root / "delivery.yaml"
    before, name, after = path.read_text().partition(f"- name: {environment}\n")
    here, _, rest = after.partition("cluster: ")[2].partition("\n")
    changed = after.replace(f"cluster: {here}\n", f"cluster: {server}\n", 1)
    assert rest
    path.write_text(f"{before}{name}{changed}")
    person.deliver("argocd")
    person.world.commit(f"Put {environment} on a cluster of its own")
    push(person)


def context(person: Person, environment: str) -> str:
    config = str(person.cluster.kubeconfigs[environment])
    words = ("config", "current-context", "--kubeconfig", config)
    return person.cluster.kubectl(*words, environment=environment).strip()


def test_environment_on_another_cluster_is_left_and_named(several: Person) -> None:
    said = several.deliver("bootstrap", variables=several.logins)
    other = context(several, "staging")
    assert f"deliver bootstrap --env staging --context {other}" in said
    assert f"Secret {PROJECT}-dev/registry" in said
    assert f"Secret {PROJECT}-staging/registry" not in said
    assert f"synced:  {PROJECT}-staging-namespace" in said
    space = several.get("namespace", f"{PROJECT}-staging", environment="staging")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_context_of_another_cluster_is_refused(several: Person) -> None:
    said = several.deliver("bootstrap", "--env", "staging", expect=1, variables=several.logins)
    assert "other-cluster" in said


def test_cluster_without_argo_cd_is_refused(several: Person) -> None:
    words = ("bootstrap", "--context", context(several, "staging"))
    assert "argocd-missing" in several.deliver(*words, expect=1, variables=several.logins)


def test_other_cluster_gets_its_login_by_its_own_context(several: Person) -> None:
    words = ("bootstrap", "--env", "staging", "--context", context(several, "staging"))
    several.deliver(*words, variables=several.logins)
    found = several.secret(f"{PROJECT}-staging", "registry", environment="staging")
    assert found["type"] == "kubernetes.io/dockerconfigjson"
    assert "kept:" in several.deliver(*words)


def test_environment_may_come_before_argo_cd_knows_its_namespace(several: Person) -> None:
    several.cluster.kubectl(
        "delete", "namespace", f"{PROJECT}-staging", "--wait=false", environment="staging"
    )
    words = ("bootstrap", "--env", "staging", "--context", context(several, "staging"))
    several.deliver(*words, variables=several.logins)
    assert several.secret(f"{PROJECT}-staging", "registry", environment="staging")


def test_cluster_that_argo_cd_does_not_know_is_named(several: Person) -> None:
    place(several, "prod", NOWHERE)
    said = several.deliver("bootstrap", expect=1, variables=several.logins)
    assert "cluster-not-registered" in said
    assert "argocd cluster add" in said
