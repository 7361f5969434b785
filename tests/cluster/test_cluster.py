"""The cluster itself: it answers, it recovers, two do not meet."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from delivery.errors import Unknown
from delivery.process import ProgramFailed

from cluster import Cluster, running
from cluster.node import CORES, NAME
from tests.cluster.answering import answer, deploy, push

pytestmark = pytest.mark.cluster

PARTS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    *("containerd", "kubelet", "kube-proxy", "redis", "git", "registry"),
    *("argocd-server", "argocd-repo-server", "argocd-application-controller"),
    "argocd-applicationset-controller",
)
RECOVERED_S = 60


@pytest.fixture(scope="module")
def service(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the address of a Service whose pods run an image of the cluster's registry."""
    return deploy(cluster, "cluster-answer", push(cluster, tmp_path_factory.mktemp("image")))


def test_all_parts_run(cluster: Cluster) -> None:
    states = cluster.programs()
    assert {name for name, state in states.items() if state == "RUNNING"} >= set(PARTS)
    assert token(cluster)


def test_the_node_is_taken_for_one_with_more_cores(cluster: Cluster) -> None:
    cores = "jsonpath={.status.allocatable.cpu} {.status.capacity.cpu}"
    assert cluster.kubectl("get", "node", NAME, "--output", cores) == f"{CORES} {CORES}"


def test_a_restricted_pod_answers_through_its_service(cluster: Cluster, service: str) -> None:
    # kube-proxy takes up to a second to hear of a new Service.
    cluster.wait(lambda: answer(cluster, service, "hello") != "", RECOVERED_S, "an answer")
    assert answer(cluster, service, "hello") == "1000 /hello"


def test_a_pod_is_refused_that_asks_for_more(cluster: Cluster, service: str) -> None:
    words = ("--namespace", "cluster-answer", "run", "root", "--image", "any", "--privileged")
    with pytest.raises(ProgramFailed, match="violates PodSecurity"):
        cluster.kubectl(*words)
    assert service


@pytest.mark.parametrize("server", ["git", "registry"])
def test_servers_ask_for_a_login(cluster: Cluster, server: str) -> None:
    repository = cluster.create_repository(f"asks-{server}")
    urls = {
        "git": (f"{repository}/info/refs?service=git-upload-pack", cluster.git_login),
        "registry": (f"http://{cluster.registry}/v2/", cluster.registry_login),
    }
    url, login = urls[server]
    assert httpx.get(url, trust_env=False).status_code == 401
    assert httpx.get(url, auth=(login[0], "wrong"), trust_env=False).status_code == 401
    assert httpx.get(url, auth=login, trust_env=False).status_code == 200


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_back_and_works(cluster: Cluster, service: str, part: str) -> None:
    before = cluster.pid(part)
    cluster.kill(part)
    cluster.wait(lambda: restarted(cluster, part, before), RECOVERED_S, f"a new {part}")
    where = ("--namespace", "cluster-answer", "deployment/answer")
    cluster.wait(lambda: succeeds(cluster, "rollout", "restart", *where), RECOVERED_S, "the API")
    cluster.kubectl("rollout", "status", f"--timeout={RECOVERED_S}s", *where)
    cluster.wait(lambda: answer(cluster, service, "again") == "1000 /again", RECOVERED_S, "answers")
    cluster.wait(lambda: answers_all(cluster), RECOVERED_S, "the servers")


def test_two_clusters_do_not_meet(cluster: Cluster) -> None:
    with running(node=False) as other:
        assert other.address != cluster.address
        other.kubectl("create", "namespace", "only-here")
        other.create_repository("only-here")
        assert not succeeds(cluster, "get", "namespace", "only-here")
        url = f"{cluster.git_url('only-here')}/info/refs?service=git-upload-pack"
        assert httpx.get(url, auth=cluster.git_login, trust_env=False).status_code == 404
        assert answers_all(cluster)
        assert answers_all(other)


def test_members_have_control_planes_of_their_own(tmp_path: Path) -> None:
    with running(members=3, node=False) as cluster:
        image = push(cluster, tmp_path)
        for environment in ("dev", "staging", "prod"):
            cluster.kubectl("create", "namespace", environment, environment=environment)
            words = ("--namespace", environment, "create", "deployment", "simulated")
            cluster.kubectl(*words, "--image", image, environment=environment)
            words = ("--namespace", environment, "rollout", "status", "deployment/simulated")
            cluster.kubectl(*words, "--timeout=60s", environment=environment)
            names = cluster.kubectl(
                "get", "namespaces", "--output", "name", environment=environment
            )
            assert [one for one in ("dev", "staging", "prod") if f"/{one}" in names] == [
                environment
            ]
        known = httpx.get(
            f"{cluster.argocd}/api/v1/clusters",
            headers={"Authorization": f"Bearer {token(cluster)}"},
            trust_env=False,
        )
        assert {one["server"] for one in known.json()["items"]} == set(cluster.servers.values())


def token(cluster: Cluster) -> str:
    login = {"username": "admin", "password": cluster.admin_password}
    session = httpx.post(f"{cluster.argocd}/api/v1/session", json=login, trust_env=False)
    return str(session.raise_for_status().json()["token"])


def restarted(cluster: Cluster, part: str, before: int) -> bool:
    try:
        return cluster.programs()[part] == "RUNNING" and cluster.pid(part) != before
    except Unknown:  # it has no process at this moment
        return False


def succeeds(cluster: Cluster, *words: str) -> bool:
    try:
        cluster.kubectl(*words)
    except ProgramFailed:
        return False
    return True


def answers_all(cluster: Cluster) -> bool:
    """Return whether all that has an address answers there."""
    urls = {
        f"{cluster.argocd}/api/version": 200,
        f"http://{cluster.address}:7000/api/webhook": 400,
        f"http://{cluster.registry}/v2/": 401,
        cluster.git_url("any"): 401,
    }
    try:
        found = {url: httpx.get(url, trust_env=False).status_code for url in urls}
    except httpx.TransportError:
        return False
    return found == urls and succeeds(cluster, "get", "--raw", "/readyz")
