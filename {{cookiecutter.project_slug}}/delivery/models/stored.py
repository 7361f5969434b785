"""What a registry has, asked over its HTTP API by digest.

No engine is called: each would need another version of itself to answer without pulling, and takes
what it has pulled before for what the registry has.
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
from typing import IO, TYPE_CHECKING, Literal

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
Kind = Literal["manifests", "blobs"]
PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class Stored:
    """Image registries, asked with this user's logins; each login is looked up once."""

    _logins: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    def has(self, image: str) -> bool:
        """Return whether an image is in its registry; raises Unknown (`registry-unreachable`)."""
        repository, digest = image.rsplit("@", 1)
        with self._answer("HEAD", repository, "manifests", digest) as answer:
            return answer is not None

    def copy(self, repository: str, kind: Kind, digest: str, into: IO[bytes]) -> bool:
        """Write what a registry gives for a digest, as it comes; return whether it has anything.

        A blob may be handed out by another host, which is sent no login: nothing of what comes is
        believed before it is hashed. Raises Unknown (`registry-unreachable`).
        """
        with self._answer("GET", repository, kind, digest) as answer:
            if answer is None:
                return False
            for chunk in answer.iter_raw():
                into.write(chunk)
            return True

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        limits = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
        return httpx.Client(timeout=limits, verify=ssl.create_default_context())

    @contextmanager
    def _answer(
        self, method: str, repository: str, kind: Kind, digest: str
    ) -> Iterator[httpx.Response | None]:
        """Yield a registry's answer, or None where it has nothing of that digest."""
        import httpx

        what = f"the {kind.removesuffix('s')} {digest} of {repository}"
        try:
            with self._ask(method, repository, kind, digest) as answer:
                if answer.status_code not in (200, 404):
                    said = f"HTTP {answer.status_code} when asked for {what}"
                    raise unreachable(repository, said)
                yield answer if answer.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as err:
            said = f"{str(err) or type(err).__name__}, when asked for {what}"
            raise unreachable(repository, said) from err

    @contextmanager
    def _ask(
        self, method: str, repository: str, kind: Kind, digest: str
    ) -> Iterator[httpx.Response]:
        """Yield the answer, having logged in where the registry asks for it."""
        base = base_url(registry_host(repository))
        url = f"{base}/v2/{repository.partition('/')[2]}/{kind}/{digest}"
        # What is packed for the way would have another digest.
        headers = {"Accept-Encoding": "identity"}
        headers |= {"Accept": MANIFESTS} if kind == "manifests" else {}
        follow = kind == "blobs"
        for last in (False, True):
            sent = headers | self._logins.get(repository, {})
            with self._client.stream(method, url, headers=sent, follow_redirects=follow) as answer:
                if answer.status_code != 401 or last:
                    yield answer
                    return
                challenge = answer.headers.get("WWW-Authenticate", "")
            self._logins[repository] = self._log_in(repository, base, challenge)

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
