"""Whether a Git host and an image registry take a login, asked before it is kept in a cluster.

This machine may not reach what Argo CD and the nodes reach: then nothing is said against a login.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message
from typing import Any

from ..errors import Refused
from .asking import WEB
from .credentials import HUB_HOSTS, Login

TIMEOUT_S = 10
DENIED = (401, 403)
PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect would carry the login to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""


def check_git(url: str, login: Login) -> str:
    """Return why a login could not be tried from this machine; empty where the Git host took it.

    Raises Refused (`wrong-credentials`). See: gitprotocol-http(5), "Discovering References".
    """
    if not (login.user and url.startswith(WEB)):
        return ""
    try:
        status, _ = _get(f"{url}/info/refs?service=git-upload-pack", login)
    except (OSError, ValueError) as err:
        return _not_asked(url, err)
    if status in (*DENIED, 404):  # hosts answer 404 for what one may not see
        raise _wrong(url, login, status, "read it", "GIT")
    return "" if status == 200 else f"{url} answered HTTP {status}"


def check_registry(host: str, login: Login) -> str:
    """Return why a login could not be tried from this machine; empty where the registry took it.

    Asks as `docker login` does. Raises Refused (`wrong-credentials`). See:
    https://distribution.github.io/distribution/spec/auth/token/
    """
    if not login.user:
        return ""
    try:
        base = _base(HUB_HOSTS[-1] if host in HUB_HOSTS else host)
        status, headers = _get(f"{base}/v2/", None)
        if status in (200, 401):
            status, _ = _get(_where_to_log_in(base, headers.get("WWW-Authenticate", "")), login)
    except (OSError, ValueError) as err:
        return _not_asked(host, err)
    if status in DENIED:
        raise _wrong(host, login, status, "pull from it", "REGISTRY")
    return "" if status == 200 else f"{host} answered HTTP {status}"


def _not_asked(where: str, err: Exception) -> str:
    return f"{where} was not asked: {getattr(err, 'reason', err)}"


def _wrong(where: str, login: Login, status: int, use: str, what: str) -> Refused:
    return Refused(
        "wrong-credentials",
        f"{where} does not take the login of {login.user} (HTTP {status}).",
        "A login is tried before it is kept in a cluster.",
        f"give a user and a token that may {use}, by hand or by DELIVER_{what}_USER and "
        f"DELIVER_{what}_PASSWORD",
    )


def _base(host: str) -> str:
    """Return `https://host`; `http://host` for a registry in a private network without TLS."""
    try:
        _get(f"https://{host}/v2/", None)
    except urllib.error.URLError as err:
        plain = isinstance(err.reason, ssl.SSLError | ConnectionError)
        if plain and not isinstance(err.reason, ssl.CertificateError) and _is_private(host):
            return f"http://{host}"
        raise
    return f"https://{host}"


def _is_private(host: str) -> bool:
    name = host.rpartition(":")[0] or host
    found = {info[4][0] for info in socket.getaddrinfo(name, None)}
    return all(ipaddress.ip_address(address).is_private for address in found)


def _where_to_log_in(base: str, challenge: str) -> str:
    """Return the URL that takes user and password: the registry's own, or its token server's."""
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() != "bearer":
        return f"{base}/v2/"
    found = dict(PARAMETER.findall(rest))
    realm = found.get("realm", "")
    if not realm.startswith(("https://", f"{base}/")):
        raise ValueError(f"it sends logins to {realm or 'nowhere'}")
    joint = "&" if "?" in realm else "?"
    return f"{realm}{joint}{urllib.parse.urlencode({'service': found.get('service', '')})}"


def _get(url: str, login: Login | None) -> tuple[int, Message]:
    request = urllib.request.Request(url)  # noqa: S310 - https, or http as _base allows it
    if login:
        pair = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {pair}")
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as err:
        with err:
            return err.code, err.headers
