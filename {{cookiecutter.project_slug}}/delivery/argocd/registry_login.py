"""Whether an image registry takes a login, asked as `docker login` asks it, before it is kept."""

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
from .credentials import HUB_HOSTS, Login

TIMEOUT_S = 10
DENIED = (401, 403)
PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect would carry the login to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""


def check_login(host: str, login: Login) -> str:
    """Return why a login could not be tried from this machine; empty where the registry took it.

    Raises Refused (`wrong-credentials`). See: the token authentication of the distribution
    specification, https://distribution.github.io/distribution/spec/auth/token/
    """
    if not login.user:
        return ""
    try:
        base = _base(HUB_HOSTS[-1] if host in HUB_HOSTS else host)
        status, headers = _get(f"{base}/v2/", None)
        if status in (200, 401):
            status, _ = _get(_where_to_log_in(base, headers.get("WWW-Authenticate", "")), login)
    except (OSError, ValueError) as err:  # what urllib raises is an OSError, or ValueError
        return f"{host} was not asked: {getattr(err, 'reason', err)}"
    if status in DENIED:
        raise Refused(
            "wrong-credentials",
            f"{host} does not take the login of {login.user} (HTTP {status}).",
            "A login is tried before it is kept: pods could not pull their images with it.",
            "give the user and a token that may pull, by hand or by DELIVER_REGISTRY_USER and "
            "DELIVER_REGISTRY_PASSWORD",
        )
    return "" if status == 200 else f"{host} answered HTTP {status}"


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
    if not realm.startswith(("https://", base)):
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
