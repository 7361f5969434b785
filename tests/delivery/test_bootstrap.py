"""Bootstrap as far as it needs no cluster: Secrets, questions, what is refused at once."""

from __future__ import annotations

import base64
import json
import os
import pty
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from delivery.argocd.asking import Answers
from delivery.argocd.credentials import (
    Login,
    pull_secret,
    registry_host,
    repository_secret,
    same_repository,
)
from delivery.argocd.held import holds
from delivery.argocd.kubectl import Kubectl, same_server
from delivery.argocd.planning import plan_all, plan_one
from delivery.argocd.synced import REFRESH, read_state
from delivery.errors import Refused, Unknown, UsageError

from tests.delivery.world import World

KUBECTL = Path(sys.prefix, "bin/kubectl")
GIT = {"DELIVER_GIT_USER": "robot", "DELIVER_GIT_PASSWORD": "s3cret"}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----"


def held(secret: dict[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(data).decode() for key, data in secret["data"].items()}


def auths(registry: str, login: Login) -> Any:
    return json.loads(held(pull_secret(registry, "models", login))[".dockerconfigjson"])["auths"]


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": server}}
    context = {"name": "admin", "context": {"cluster": "c", "user": "u"}}
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [cluster],
                "contexts": [context],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "current-context": "admin",
            }
        )
    )
    return path


def closed_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture
def silent(tmp_path: Path) -> Kubectl:
    """A kubectl whose cluster does not answer."""
    return Kubectl(KUBECTL, None, kubeconfig(tmp_path, f"https://127.0.0.1:{closed_port()}"))


# What Secrets hold


def test_repository_secret_is_one_that_argo_cd_looks_for(baked: World) -> None:
    secret = repository_secret(baked.work.settings, Login("robot", "s3cret"))
    assert secret["metadata"]["namespace"] == "argocd"
    assert secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "repository"
    assert held(secret) == {
        "type": "git",
        "url": baked.work.settings.repository,
        "username": "robot",
        "password": "s3cret",
    }


def test_repository_secret_holds_a_key_alone(baked: World) -> None:
    secret = repository_secret(baked.work.settings, Login(key=KEY))
    assert set(held(secret)) == {"type", "url", "sshPrivateKey"}


def test_repository_secret_without_login_names_the_url_alone(baked: World) -> None:
    assert set(held(repository_secret(baked.work.settings, Login()))) == {"type", "url"}


def test_pull_secret_is_for_the_registrys_host() -> None:
    secret = pull_secret("ghcr.io/acme", "models", Login("robot", "pässword:1"))
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    (entry,) = auths("ghcr.io/acme", Login("robot", "pässword:1")).items()
    assert entry[0] == "ghcr.io"
    assert base64.b64decode(entry[1]["auth"]).decode() == "robot:pässword:1"


def test_pull_secret_for_docker_hub_has_the_key_that_kubelet_looks_for() -> None:
    assert list(auths("docker.io/acme", Login("robot", "x"))) == ["https://index.docker.io/v1/"]


def test_pull_secret_without_login_is_there_and_empty() -> None:
    assert auths("ghcr.io/acme", Login()) == {}


def test_login_does_not_show_itself() -> None:
    assert "s3cret" not in repr(Login("robot", "s3cret"))


@pytest.mark.parametrize(
    ("registry", "host"),
    [
        ("ghcr.io/acme", "ghcr.io"),
        ("localhost/acme", "localhost"),
        ("127.0.0.1:5000/models", "127.0.0.1:5000"),
        ("registry:5000/models", "registry:5000"),
        ("acme/models", "docker.io"),
        ("index.docker.io/acme", "docker.io"),
    ],
)
def test_registry_host_is_the_first_part_if_it_is_a_host(registry: str, host: str) -> None:
    assert registry_host(registry) == host


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://github.com/acme/models.git", "https://GitHub.com/acme/models", True),
        ("git@github.com:acme/models.git", "ssh://git@github.com/acme/models", True),
        ("https://github.com/acme/models.git", "git@github.com:acme/models.git", False),
        ("https://github.com/acme/models", "https://github.com/acme/model", False),
    ],
)
def test_same_repository_is_what_argo_cd_takes_for_the_same(
    one: str, other: str, same: bool
) -> None:
    assert same_repository(one, other) is same


def test_same_server_knows_the_usual_port() -> None:
    assert same_server("https://api.example.com", "https://API.example.com:443/")
    assert not same_server("https://api.example.com", "https://api.example.com:6443")


# Who is asked


def asked(answers: list[str], questions: list[tuple[str, bool]], said: dict[str, str]) -> Answers:
    def answer(question: str, hidden: bool) -> str:
        questions.append((question, hidden))
        return answers.pop(0)

    return Answers(said, answer)


def test_login_is_asked_for_and_the_password_hidden() -> None:
    questions: list[tuple[str, bool]] = []
    login = asked(["robot", "s3cret"], questions, {}).git("https://git.example.com/acme.git")
    assert (login.user, login.password) == ("robot", "s3cret")
    assert [hidden for _, hidden in questions] == [False, True]
    assert "https://git.example.com/acme.git" in questions[0][0]


def test_empty_user_means_that_none_is_needed() -> None:
    assert asked([""], [], {}).registry("ghcr.io") == Login()
    assert Answers({"DELIVER_REGISTRY_USER": ""}).registry("ghcr.io") == Login()


def test_environment_answers_for_scripts() -> None:
    assert Answers(GIT).git("https://git.example.com/acme.git") == Login("robot", "s3cret")


@pytest.mark.parametrize("said", [{}, {"DELIVER_GIT_USER": "robot"}])
def test_nobody_to_ask_is_an_error_that_names_the_variable(said: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="no-credentials") as refusal:
        Answers(said).git("https://git.example.com/acme.git")
    assert "DELIVER_GIT_" in refusal.value.seen


def test_ssh_url_takes_a_private_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    login = Answers({"DELIVER_GIT_KEY": str(tmp_path / "key")}).git("git@github.com:acme/m.git")
    assert login == Login(key=f"{KEY}\n")


def test_file_without_a_private_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA")
    for name in ("key.pub", "missing"):
        with pytest.raises(UsageError, match="no-credentials"):
            Answers({"DELIVER_GIT_KEY": str(tmp_path / name)}).git("git@github.com:acme/m.git")


def test_folder_as_repository_takes_no_login() -> None:
    assert Answers().git("file:///srv/models.git") == Login()


def test_hidden_answer_is_not_shown(tmp_path: Path) -> None:
    """On a real terminal, whose other end sees all that is shown on it."""
    terminal, theirs = pty.openpty()
    code = "from delivery.console import ask; open('got', 'w').write(ask('Password: ', True))"
    typing = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    shown = b""
    while b"Password: " not in shown:
        shown += os.read(terminal, 100)
    os.write(terminal, b"s3cret\n")
    assert typing.wait(30) == 0
    shown += os.read(terminal, 100)  # the line break, at least
    os.close(terminal)
    os.close(theirs)
    assert (tmp_path / "got").read_text() == "s3cret"
    assert b"s3cret" not in shown


# What is refused before anything is written


def test_argocd_folder_that_differs_from_main_is_refused(fresh: World, silent: Kubectl) -> None:
    fresh.write({"argocd/root.yaml": "{}"})
    with pytest.raises(Refused, match="uncommitted-sources") as refused:
        plan_all(fresh.work, silent, Answers(), renew=False)
    assert "merge it into main, then call again" in refused.value.next_step
    assert "release" not in refused.value.rule


def test_environment_that_is_not_on_main_yet_is_to_be_merged(fresh: World, silent: Kubectl) -> None:
    fresh.git("remote", "add", "origin", "https://git.example.com/models.git")
    settings = (fresh.root / "delivery.yaml").read_text().replace("name: dev", "name: test")
    fresh.write({"delivery.yaml": settings})
    with pytest.raises(Refused, match="uncommitted-sources") as refused:
        plan_one(fresh.work, silent, Answers(), renew=False, name="test")
    assert "merge it into main and push, then call again" in refused.value.next_step


def test_folder_that_is_not_written_from_delivery_yaml_is_refused(
    fresh: World, silent: Kubectl
) -> None:
    fresh.change({"argocd/root.yaml": None})
    with pytest.raises(Refused, match="argocd-not-current") as refused:
        plan_all(fresh.work, silent, Answers(), renew=False)
    assert "merge it into main and push, then call again" in refused.value.next_step


def test_argo_cd_that_no_environment_belongs_to_is_refused(baked: World, silent: Kubectl) -> None:
    with pytest.raises(UsageError, match="which-argocd"):
        plan_all(baked.work, silent, Answers(), renew=False, argocd="east")


def test_cluster_that_does_not_answer_is_unknown(baked: World, silent: Kubectl) -> None:
    with pytest.raises(Unknown, match="cluster-unreachable"):
        plan_all(baked.work, silent, Answers(GIT), renew=False)


def test_unknown_context_is_named(tmp_path: Path) -> None:
    found = Kubectl(KUBECTL, "nobody", kubeconfig(tmp_path, "https://127.0.0.1:1"))
    with pytest.raises(UsageError, match="no-such-context"):
        found.kinds("argoproj.io")
    with pytest.raises(UsageError, match="no-such-context"):
        assert found.server


def test_no_kubeconfig_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match="no-such-context"):
        assert Kubectl(KUBECTL, None, tmp_path / "empty").server


@pytest.mark.parametrize("named", ["", "gone"])
def test_kubeconfig_that_is_not_there_is_named(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / named) if named else "")
    for kubectl in (Kubectl(KUBECTL), Kubectl(KUBECTL, kubeconfig=tmp_path / "gone")):
        with pytest.raises(UsageError, match="no-such-context") as refused:
            assert kubectl.server
        assert str(tmp_path) in refused.value.seen
        assert "KUBECONFIG" in refused.value.next_step


def test_contexts_are_found_by_their_server(silent: Kubectl) -> None:
    assert silent.contexts(f"{silent.server.upper()}/") == ["admin"]
    assert silent.contexts("https://other.example.com") == []


@pytest.mark.parametrize(
    ("found", "whether"),
    [
        ({"a": {"b": [1, 2]}, "more": 1}, True),
        ({"a": {"b": [1, 2], "more": 1}}, True),
        ({"a": {"b": [1, 2, 3]}}, False),
        ({"a": {}}, False),
        ({"a": None}, False),
    ],
)
def test_object_holds_what_is_wanted_and_may_have_more(found: Any, whether: bool) -> None:
    assert holds(found, {"a": {"b": [1, 2]}}) is whether


# What Argo CD says


def application(**status: Any) -> dict[str, Any]:
    source = {"path": "argocd", "targetRevision": "main"}
    spec = {"project": "root", "source": source, "destination": {"namespace": "argocd"}}
    return {"metadata": {"name": "root", "annotations": None}, "spec": spec, "status": status}


SYNCED = {"status": "Synced", "revision": "abc"}


def test_application_that_is_synced_and_healthy_is_there() -> None:
    state = read_state(application(sync=SYNCED, health={"status": "Healthy"}))
    assert (state.there, state.revision) == (True, "abc")


def test_what_git_has_no_more_is_left_over_and_not_waited_for() -> None:
    gone = {"kind": "AppProject", "name": "p", "status": "OutOfSync", "requiresPruning": True}
    other = {"kind": "AppProject", "name": "q", "status": "OutOfSync"}
    sync = {"status": "OutOfSync", "revision": "abc"}
    healthy = {"status": "Healthy"}
    state = read_state(application(sync=sync, health=healthy, resources=[gone]))
    assert (state.there, state.left) == (True, ("AppProject p",))
    assert not read_state(application(sync=sync, health=healthy, resources=[gone, other])).there


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "no such Application"),
        (application(), "it is Unknown"),
        (application(sync=SYNCED, health={"status": "Degraded"}), "Synced, and Degraded"),
        (
            application(
                sync={"status": "OutOfSync"},
                operationState={"phase": "Failed", "message": "it is forbidden"},
            ),
            "it is OutOfSync: it is forbidden",
        ),
        (
            application(
                sync={"status": "OutOfSync"},
                operationState={
                    "phase": "Running",
                    "message": "no matches for kind. Retrying attempt #3",
                    "retryCount": 3,
                },
            ),
            "it is OutOfSync: no matches for kind",
        ),
        ({"metadata": {"name": "root", "annotations": {REFRESH: "hard"}}}, "not looked yet"),
    ],
)
def test_application_that_is_not_there_yet_says_why(found: Any, why: str) -> None:
    state = read_state(found)
    assert not state.there
    assert why in state.waits_for


@pytest.mark.parametrize(
    ("said", "closed"),
    [
        ("failed to list refs: authentication required: Unauthorized", True),
        (f"authentication required: <?xml version='1.0'?>\n<html>{'401' * 200}</html>", True),
        ("unknown: remote: Repository not found.", True),
        ("rpc error: code = Unavailable: connection refused", False),
    ],
)
def test_closed_door_is_told_from_what_passes(said: str, closed: bool) -> None:
    condition = {"type": "ComparisonError", "message": said}
    assert read_state(application(sync=SYNCED, conditions=[condition])).closed is closed
