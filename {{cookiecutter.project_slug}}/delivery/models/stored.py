"""Whether a registry still has an image, asked over its HTTP API by digest.

No engine is called: each would need another version of itself to answer without pulling.
See: the distribution specification, https://distribution.github.io/distribution/spec/api/ and its
token authentication.
"""

from __future__ import annotations

import os
import re
import ssl
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..environment import home
from .engine import is_loopback, registry_host, unreachable
from .logins import HUB, find_login

if TYPE_CHECKING:
    import httpx

MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
CONNECT_S = 5
ANSWER_S = 15
SAFE = ("https://",)
"""Where else than to the registry itself a login may be sent."""
PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class Stored:
    """Image registries, asked with this user's logins; each login is looked up once."""

    _logins: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    def has(self, image: str) -> bool:
        """Return whether an image is in its registry; raises Unknown (`registry-unreachable`)."""
        import httpx

        try:
            answer = self._ask(image)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as err:
            raise unreachable(image, str(err) or type(err).__name__) from err
        if answer.status_code not in (200, 404):
            raise unreachable(image, f"HTTP {answer.status_code} when asked for the manifest")
        return answer.status_code == 200

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        limits = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
        return httpx.Client(timeout=limits, verify=ssl.create_default_context())

    def _ask(self, image: str) -> httpx.Response:
        """Return the answer for a manifest, having logged in where the registry asks for it."""
        repository, digest = image.rsplit("@", 1)
        base = base_url(registry_host(image))
        url = f"{base}/v2/{repository.partition('/')[2]}/manifests/{digest}"
        headers = {"Accept": MANIFESTS}
        answer = self._client.head(url, headers=headers | self._logins.get(repository, {}))
        if answer.status_code == 401:
            challenge = answer.headers.get("WWW-Authenticate", "")
            self._logins[repository] = self._log_in(repository, base, challenge)
            answer = self._client.head(url, headers=headers | self._logins[repository])
        return answer

    def _log_in(self, repository: str, base: str, challenge: str) -> dict[str, str]:
        """Return the header that answers a registry's challenge, with a token or the login."""
        login = find_login(repository)
        basic = {"Authorization": f"Basic {login}"} if login else {}
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() != "bearer":
            return basic
        asked = dict(PARAMETER.findall(rest))
        realm = asked.pop("realm", "")
        if not realm.startswith((*SAFE, f"{base}/")):
            raise ValueError(f"it sends logins to {realm or 'nowhere'}")
        answer = self._client.get(realm, params=asked, headers=basic)
        found = answer.json() if answer.status_code == 200 else {}
        token = found.get("token") or found.get("access_token")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def close(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            self._client.close()


@contextmanager
def stored() -> Iterator[Stored]:
    """Yield the registries; nothing is sent before the first question."""
    found = Stored()
    try:
        yield found
    finally:
        found.close()


def base_url(host: str) -> str:
    """Return a registry's URL: without TLS on this machine, or where podman does without, too."""
    plain = is_loopback(host) or host in _insecure()
    return f"{'http' if plain else 'https'}://{'registry-1.docker.io' if host == HUB else host}"


def _insecure() -> set[str]:
    """Return the registries that registries.conf calls insecure."""
    given = os.environ.get("CONTAINERS_REGISTRIES_CONF")
    name = "containers/registries.conf"
    paths = [Path(given)] if given else [home() / ".config" / name, Path("/etc") / name]
    path = next((path for path in paths if path.is_file()), None)
    found = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    insecure = [one for one in found.get("registry", []) if one.get("insecure")]
    return {registry_host(str(one.get("location") or one.get("prefix"))) for one in insecure}
