"""Whether a registry has an image: real ones are asked, that want a login, or a token for one."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from delivery.errors import Unknown
from delivery.models.logins import find_login
from delivery.models.stored import base_url, stored

from tests.delivery import containers, images

USER, WORD = "robot", "s3cret"
BASIC = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
REPOSITORY = "acme/app"

pytestmark = pytest.mark.skipif(not containers.available(), reason="docker-registry is needed")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any login."""
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "CONTAINERS_REGISTRIES_CONF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path / "home"


def log_in(home: Path, host: str, login: str = BASIC) -> None:
    """Keep a login where docker keeps it."""
    path = home / ".docker/config.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {host: {"auth": login}}}))


def push(address: str, headers: dict[str, str]) -> str:
    """Return the name of an image without layers that is now in a registry."""
    return images.push(f"{address}/{REPOSITORY}", [], {}, headers)


def other(image: str) -> str:
    """Return an image of the same repository that nobody pushed."""
    return f"{image.rsplit('@', 1)[0]}@sha256:{'0' * 64}"


def has(image: str) -> bool:
    with stored() as registries:
        return registries.has(image)


def refused(image: str) -> str:
    """Return what is said of a registry that does not tell."""
    with pytest.raises(Unknown) as found:
        has(image)
    assert found.value.code == "registry-unreachable"
    return found.value.seen


def test_open_registry_is_asked_without_a_login(tmp_path: Path) -> None:
    with containers.registry(tmp_path) as address:
        image = push(address, {})
        assert has(image)
        assert not has(other(image))
    assert "onnect" in refused(image)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[str]:
    """A registry that takes a user and password, and holds an image; yields the image."""
    words = tmp_path / "htpasswd"
    words.write_text(f"{USER}:{bcrypt.hashpw(WORD.encode(), bcrypt.gensalt(4)).decode()}\n")
    more = f"auth: {{htpasswd: {{realm: test, path: {words}}}}}\n"
    with containers.registry(tmp_path, more) as address:
        yield push(address, {"Authorization": f"Basic {BASIC}"})


def test_registry_with_passwords_is_asked_with_the_login(closed: str, home: Path) -> None:
    assert "HTTP 401" in refused(closed)
    log_in(home, closed.partition("/")[0])
    assert has(closed)
    assert not has(other(closed))


def test_registry_that_does_not_take_the_login_is_named(closed: str, home: Path) -> None:
    log_in(home, closed.partition("/")[0], base64.b64encode(b"robot:wrong").decode())
    assert "HTTP 401" in refused(closed)


class Tokens(ThreadingHTTPServer):
    """Gives tokens for a registry to whoever logs in, as hubs do."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), TokenHandler)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tokens")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .sign(self.key, hashes.SHA256())
        )

    def token(self, *actions: str) -> str:
        """Return a token of the distribution specification. See: its "Token Authentication"."""
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        now = int(time.time())
        access = [{"type": "repository", "name": REPOSITORY, "actions": actions}]
        claims: dict[str, Any] = {
            "iss": "tokens",
            "sub": USER,
            "aud": "test",
            "access": access,
            "jti": "1",
        }
        claims |= {"exp": now + 600, "nbf": now - 60, "iat": now}
        head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        text = f"{_part(head)}.{_part(claims)}"
        signed = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class TokenHandler(BaseHTTPRequestHandler):
    server: Tokens

    def do_GET(self) -> None:
        good = self.headers.get("Authorization") == f"Basic {BASIC}"
        asked = f"scope=repository%3A{REPOSITORY.replace('/', '%2F')}%3Apull" in self.path
        body = json.dumps({"token": self.server.token("pull")}) if good and asked else "{}"
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registry that takes tokens of another server, and holds an image; yields the image."""
    tokens = Tokens()
    thread = threading.Thread(target=tokens.serve_forever)
    thread.start()
    bundle = tmp_path / "tokens.pem"
    bundle.write_bytes(tokens.certificate.public_bytes(serialization.Encoding.PEM))
    realm = f"http://127.0.0.1:{tokens.server_port}/token"
    told = f"realm: {realm}, service: test, issuer: tokens, rootcertbundle: {bundle}"
    # Tokens of other hosts come over TLS only; this one stands in for such a host.
    monkeypatch.setattr("delivery.models.stored.SAFE", ("http://127.0.0.1:",))
    try:
        with containers.registry(tmp_path, f"auth: {{token: {{{told}}}}}\n") as address:
            bearer = tokens.token("pull", "push")
            yield push(address, {"Authorization": f"Bearer {bearer}"})
    finally:
        tokens.shutdown()
        thread.join()
        tokens.server_close()


def test_registry_with_tokens_is_asked_with_one(hub: str, home: Path) -> None:
    assert "HTTP 401" in refused(hub)
    log_in(home, hub.partition("/")[0])
    assert has(hub)
    assert not has(other(hub))


def test_login_is_sent_to_no_other_host_in_the_clear(
    hub: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.models.stored.SAFE", ("https://",))
    log_in(home, hub.partition("/")[0])
    assert "sends logins to http://" in refused(hub)


@pytest.mark.parametrize(
    ("kept", "name", "found"),
    [
        ({"ghcr.io": "host"}, "ghcr.io/acme/app", "host"),
        ({"ghcr.io": "host", "ghcr.io/acme": "part"}, "ghcr.io/acme/app", "part"),
        ({"https://ghcr.io/": "host"}, "ghcr.io/acme/app", "host"),
        ({"https://index.docker.io/v1/": "hub"}, "docker.io/acme/app", "hub"),
        ({"quay.io": "other"}, "ghcr.io/acme/app", ""),
    ],
)
def test_login_is_found_as_podman_and_docker_keep_it(
    kept: dict[str, str], name: str, found: str, home: Path
) -> None:
    path = home / ".docker/config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"auths": {key: {"auth": one} for key, one in kept.items()}}))
    assert find_login(name) == found


def test_login_file_that_is_named_is_the_only_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(home, "ghcr.io")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "none.json"))
    assert find_login("ghcr.io/acme/app") == ""


def test_helper_program_is_asked_for_a_login(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "docker-credential-test"
    helper.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = get ] && [ "$(cat)" = ghcr.io ] || exit 1\n'
        f'printf \'{{"Username":"{USER}","Secret":"{WORD}"}}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    path = home / ".docker/config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"credsStore": "test"}))
    assert find_login("ghcr.io/acme/app") == BASIC
    assert find_login("quay.io/acme/app") == ""


def test_registry_that_is_called_insecure_is_asked_without_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "registries.conf"
    conf.write_text('[[registry]]\nlocation = "registry.test:5000/acme"\ninsecure = true\n')
    assert base_url("registry.test:5000") == "https://registry.test:5000"
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(conf))
    assert base_url("registry.test:5000") == "http://registry.test:5000"
    assert base_url("docker.io") == "https://registry-1.docker.io"
