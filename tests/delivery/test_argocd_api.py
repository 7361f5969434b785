"""How Argo CD is asked, and what its answers, and those of others, are taken for."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from delivery.argocd.api import ArgoCD, Windows, connect, variable
from delivery.errors import Unknown, UsageError

from tests.delivery.recorded import document
from tests.delivery.replaying import DENIED, TOKEN, Answer, Server, replaying

PROJECT, NAME = "acme-models-dev", "acme-models-dev-tumour-classifier"
WINDOW = {"schedule": "0 8 * * *", "duration": "1h", "manualSync": False}


@pytest.fixture
def server() -> Iterator[Server]:
    with replaying() as found:
        yield found


@pytest.fixture
def argocd(server: Server) -> Iterator[ArgoCD]:
    environ = {"ARGOCD_SERVER": server.url, "ARGOCD_AUTH_TOKEN": TOKEN}
    with connect("dev", environ) as found:
        yield found


def test_application_is_read_with_its_project(server: Server, argocd: ArgoCD) -> None:
    server.gives(f"applications/{NAME}", document("runs"))
    found = argocd.application(PROJECT, NAME, refresh=True)
    assert found is not None
    assert found.status.sync.status == "Synced"
    assert server.asked == [f"/api/v1/applications/{NAME}?project={PROJECT}&refresh=normal"]


def test_application_that_is_not_there_is_none(argocd: ArgoCD) -> None:
    assert argocd.application(PROJECT, NAME) is None


def test_applications_are_read_by_name(server: Server, argocd: ArgoCD) -> None:
    server.gives("applications", {"items": [document("runs")]})
    assert list(argocd.applications(PROJECT)) == [NAME]


def test_project_without_applications_is_empty(server: Server, argocd: ArgoCD) -> None:
    server.gives("applications", {"items": None})
    assert argocd.applications(PROJECT) == {}


def test_empty_list_of_a_project_that_may_not_be_looked_at_is_denied(
    server: Server, argocd: ArgoCD
) -> None:
    server.gives("applications", {"items": None})
    server.gives(f"applications/{PROJECT}", DENIED)
    with pytest.raises(Unknown, match="argocd-denied"):
        argocd.applications(PROJECT)


def test_token_that_is_no_good_is_named_and_not_shown(server: Server) -> None:
    environ = {"ARGOCD_SERVER": server.url, "ARGOCD_AUTH_TOKEN": "s3cret"}
    with connect("dev", environ) as argocd, pytest.raises(Unknown) as refusal:
        argocd.application(PROJECT, NAME)
    assert refusal.value.code == "argocd-denied"
    assert "ARGOCD_AUTH_TOKEN_DEV" in refusal.value.next_step
    assert "s3cret" not in f"{refusal.value.as_json()}{argocd!r}"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer("<html>Sign in</html>"), "no JSON"),
        (Answer("", 307, Location="https://argocd.example.com/"), "set ARGOCD_SERVER"),
        (Answer("<html>404</html>", 404), "no JSON"),
        (Answer({"message": "upstream connect error"}, 503), "upstream connect error"),
        (Answer({"status": {}}), "something else: metadata"),
        (Answer([]), "something else"),
    ],
    ids=["page", "redirect", "page not found", "unavailable", "another object", "list"],
)
def test_server_that_is_no_argo_cd_is_named(
    answer: Answer, says: str, server: Server, argocd: ArgoCD
) -> None:
    server.gives(f"applications/{NAME}", answer)
    with pytest.raises(Unknown) as refusal:
        argocd.application(PROJECT, NAME)
    assert refusal.value.code == "argocd-unreachable"
    assert says in " ".join(refusal.value.lines())


def test_server_that_is_not_there_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    environ = {"ARGOCD_SERVER": address, "ARGOCD_AUTH_TOKEN": TOKEN}
    with connect("dev", environ) as argocd, pytest.raises(Unknown, match="argocd-unreachable"):
        argocd.application(PROJECT, NAME)


@pytest.mark.parametrize("lacks", ["ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN"])
def test_setting_that_lacks_is_named_with_the_line_to_set(lacks: str) -> None:
    environ = {"ARGOCD_SERVER": "argocd.example.com", "ARGOCD_AUTH_TOKEN": TOKEN}
    del environ[lacks]
    with pytest.raises(UsageError) as refusal, connect("dev", environ):
        pass
    assert refusal.value.code == "argocd-settings"
    assert f"export {lacks}=" in refusal.value.next_step


@pytest.mark.parametrize("server", ["ftp://argocd.example.com", "https://", "http://:80"])
def test_setting_that_names_no_server_is_refused(server: str) -> None:
    environ = {"ARGOCD_SERVER": server, "ARGOCD_AUTH_TOKEN": TOKEN}
    with pytest.raises(UsageError, match="argocd-settings"), connect("dev", environ):
        pass


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("argocd.example.com", "https://argocd.example.com"),
        ("argocd.example.com:8443", "https://argocd.example.com:8443"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("https://example.com/argocd", "https://example.com/argocd"),
    ],
)
def test_server_is_named_as_the_argocd_command_has_it(server: str, url: str) -> None:
    environ = {"ARGOCD_SERVER": server, "ARGOCD_AUTH_TOKEN": TOKEN}
    with connect("dev", environ) as argocd:
        assert argocd.url == url


def test_variable_of_the_environment_wins() -> None:
    environ = {
        "ARGOCD_SERVER": "argocd.example.com",
        "ARGOCD_AUTH_TOKEN": "common",
        variable("ARGOCD_SERVER", "pre-prod"): "other.example.com",
        variable("ARGOCD_AUTH_TOKEN", "pre-prod"): "own",
    }
    assert "ARGOCD_SERVER_PRE_PROD" in environ
    with connect("pre-prod", environ) as own, connect("dev", environ) as common:
        assert (own.url, own.token) == ("https://other.example.com", "own")
        assert (common.url, common.token) == ("https://argocd.example.com", "common")


@pytest.mark.parametrize(
    ("assigned", "active", "closed"),
    [
        ([], [], False),
        (["deny"], ["deny"], True),
        (["deny"], [], False),
        (["allow"], [], True),
        (["allow"], ["allow"], False),
        (["allow", "deny"], ["allow", "deny"], True),
        (["allow", "deny"], ["allow"], False),
        (["allow", "deny"], [], True),
    ],
)
def test_window_is_closed_as_argo_cd_has_it(
    assigned: list[str], active: list[str], closed: bool, server: Server, argocd: ArgoCD
) -> None:
    given = {
        "assignedWindows": [{"kind": kind, **WINDOW} for kind in assigned],
        "activeWindows": [{"kind": kind, **WINDOW} for kind in active],
    }
    server.gives(f"applications/{NAME}/syncwindows", {k: v for k, v in given.items() if v})
    windows = argocd.windows(PROJECT, NAME)
    assert isinstance(windows, Windows)
    assert bool(windows.closed) is closed
