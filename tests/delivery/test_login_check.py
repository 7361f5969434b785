"""What a Git host and a registry answer to a login; registries have two ways: own, and tokens."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from delivery.argocd.credentials import Login
from delivery.argocd.login_check import check_git, check_registry
from delivery.errors import Refused

from tests.listening import listening

ROBOT = Login("robot", "s3cret")


class Registry(HTTPServer):
    """Answers as a registry does; with `realm` it sends logins there."""

    realm = ""

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        good = given == "Basic " + base64.b64encode(b"robot:s3cret").decode()
        asks_for_token = self.path == "/v2/" and bool(self.server.realm)
        self.send_response(200 if good and not asks_for_token else 401)
        if asks_for_token:
            self.send_header(
                "WWW-Authenticate", f'Bearer realm="{self.server.realm}",service="registry"'
            )
        else:
            self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    with listening(Registry(("127.0.0.1", 0), Handler)) as server:
        yield server


@pytest.fixture(params=["", "http://{host}/token"], ids=["basic", "token"])
def either(request: pytest.FixtureRequest, registry: Registry) -> Registry:
    registry.realm = request.param.format(host=registry.host)
    return registry


def test_login_that_the_registry_takes_is_good(either: Registry) -> None:
    assert check_registry(either.host, ROBOT) == ""


def test_login_that_it_does_not_take_is_refused_by_name(either: Registry) -> None:
    with pytest.raises(Refused, match="wrong-credentials") as refusal:
        check_registry(either.host, Login("robot", "wr0ng"))
    assert "wr0ng" not in str(refusal.value.as_json())


def test_login_goes_to_no_other_host_in_plain_text(registry: Registry) -> None:
    registry.realm = "http://tokens.example.com/token"
    assert "http://tokens.example.com/token" in check_registry(registry.host, ROBOT)


def test_registry_that_does_not_answer_is_told(registry: Registry) -> None:
    host = registry.host
    registry.server_close()
    assert f"{host} was not asked" in check_registry(host, ROBOT)


def test_no_login_is_not_tried() -> None:
    assert check_registry("registry.invalid", Login()) == ""


def test_git_host_is_asked_too(registry: Registry) -> None:
    url = f"http://{registry.host}/models.git"
    assert check_git(url, ROBOT) == ""
    with pytest.raises(Refused, match="wrong-credentials"):
        check_git(url, Login("robot", "wr0ng"))


def test_git_host_that_does_not_answer_is_told(registry: Registry) -> None:
    url = f"http://{registry.host}/models.git"
    registry.server_close()
    assert f"{url} was not asked" in check_git(url, ROBOT)


def test_ssh_key_is_for_argo_cd_to_try() -> None:
    assert check_git("git@git.invalid:acme/models.git", Login(key="x")) == ""
