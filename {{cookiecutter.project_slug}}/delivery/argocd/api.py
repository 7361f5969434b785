"""Argo CD's REST API, asked with a token that can only read.

Variables as the argocd command has them: ARGOCD_SERVER and ARGOCD_AUTH_TOKEN; for one environment
those with its name at the end, such as ARGOCD_AUTH_TOKEN_PROD, win. httpx is imported when first
needed: it takes 0.1 s, and most verbs ask no server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import TypeAdapter, ValidationError

from ..errors import Unknown, UsageError
from ..http_client import client
from .applications import Application, Part, Several

if TYPE_CHECKING:
    import httpx

SERVER, TOKEN = "ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN"
ANSWER_S = 15
SAID = 200
CONTAINERS = ("initContainers", "containers")

T = TypeVar("T")


class Window(Part):
    """A time in which syncs are allowed or denied, as the AppProject says."""

    kind: str = ""
    schedule: str = ""
    duration: str = ""


class Windows(Part):
    """The windows of an Application, and those that are open now."""

    assigned_windows: Several[Window] = ()
    active_windows: Several[Window] = ()

    @property
    def closed(self) -> str:
        """Why Argo CD may not sync by itself now; empty where it may."""
        denying = [one for one in self.active_windows if one.kind == "deny"]
        allowing = [one for one in self.assigned_windows if one.kind == "allow"]
        if any(one.kind == "allow" for one in self.active_windows) and not denying:
            return ""
        return ", ".join(
            f"{one.kind} {one.schedule} for {one.duration}" for one in denying or allowing
        )


class ManagedObject(Part):
    """An object as it is in the cluster; its JSON as a text."""

    live_state: str = ""

    @property
    def images(self) -> list[str]:
        """The images of its pod template; none for what has no pods."""
        live = json.loads(self.live_state or "null") or {}
        pods = ((live.get("spec") or {}).get("template") or {}).get("spec") or {}
        return [one["image"] for key in CONTAINERS for one in pods.get(key) or []]


class Managed(Part):
    """The objects that an Application is made of."""

    items: Several[ManagedObject] = ()


@dataclass
class ArgoCD:
    """One Argo CD server, as one token may see it."""

    url: str
    environment: str
    token: str = field(repr=False)

    def application(self, project: str, name: str, *, refresh: bool = False) -> Application | None:
        """Return an Application, or None where its project has none of this name.

        With `refresh` Argo CD first looks at Git again, which takes it a second or several.
        """
        asked = {"project": project} | ({"refresh": "normal"} if refresh else {})
        answer = self._ask(f"applications/{quote(name)}", asked, missing=True)
        return None if answer is None else _parse(TypeAdapter(Application), answer, self.url)

    def applications(self, project: str) -> dict[str, Application]:
        """Return the Applications of a project by name.

        Whoever may not look at it is given an empty list, so nothing found is asked for twice.
        """
        items = self._ask("applications", {"projects": project}).get("items") or []
        if not items:
            self.application(project, project)
        return {
            one.metadata.name: one
            for one in _parse(TypeAdapter(list[Application]), items, self.url)
        }

    def windows(self, project: str, name: str) -> Windows:
        """Return the sync windows of an Application."""
        answer = self._ask(f"applications/{quote(name)}/syncwindows", {"project": project})
        return _parse(TypeAdapter(Windows), answer, self.url)

    def images(self, project: str, name: str) -> list[str]:
        """Return the images that the live objects of an Application have pods run.

        Its pods themselves are seen only where the project lists their kind.
        """
        asked = f"applications/{quote(name)}/managed-resources"
        found = _parse(TypeAdapter(Managed), self._ask(asked, {"project": project}), self.url)
        return sorted({image for one in found.items for image in one.images})

    def close(self) -> None:
        """Close the connection."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> httpx.Client:
        return client(f"{self.url}/api/v1", self.token, ANSWER_S, {"Accept": "application/json"})

    def _ask(self, path: str, asked: Mapping[str, str], *, missing: bool = False) -> Any:
        """Return an answer's JSON; None for what is not there, with `missing`."""
        import httpx

        try:
            answer = self._client.get(path, params=dict(asked))
        except (httpx.HTTPError, httpx.InvalidURL) as err:
            raise unreachable(self.url, str(err) or type(err).__name__) from err
        if answer.status_code in (401, 403):
            raise _denied(self, answer)
        if answer.status_code == 404 and missing and _is_argocd(answer):
            return None
        if answer.status_code != 200 or not _is_argocd(answer):
            raise unreachable(self.url, _said(answer))
        return answer.json()


@contextmanager
def connect(environment: str, environ: Mapping[str, str]) -> Iterator[ArgoCD]:
    """Yield the server that the variables name for an environment; raises UsageError.

    Nothing is sent before the first question.
    """
    server = ArgoCD(
        _url(_setting(SERVER, environment, environ)),
        environment,
        _setting(TOKEN, environment, environ),
    )
    try:
        yield server
    finally:
        server.close()


def variable(name: str, environment: str) -> str:
    """Return the variable that holds for one environment only, such as ARGOCD_SERVER_PROD."""
    return f"{name}_{environment.upper().replace('-', '_')}"


def _setting(name: str, environment: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable(name, environment)) or environ.get(name)
    if value:
        return value.strip()
    example = "argocd.example.com" if name == SERVER else "<token of the project's role reader>"
    raise UsageError(
        "argocd-settings",
        f"neither {variable(name, environment)} nor {name} is set.",
        "What runs in a cluster is asked of its Argo CD, with a token that can only read.",
        f"export {name}={example}   (docs/confirm-and-drift.md says how a token is made)",
    )


def _url(server: str) -> str:
    """Return a server's URL; without a scheme it is reached by https, as argocd does."""
    url = server if "://" in server else f"https://{server}"
    if urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname:
        return url.rstrip("/")
    raise UsageError(
        "argocd-settings",
        f"{SERVER} is {server!r}, which names no server.",
        "It is host, host:port or a URL.",
        f"export {SERVER}=argocd.example.com",
    )


def _parse(wanted: TypeAdapter[T], answer: Any, url: str) -> T:
    try:
        return wanted.validate_python(answer)
    except ValidationError as err:
        what = err.errors()[0]
        where = ".".join(str(part) for part in what["loc"])
        raise unreachable(url, f"it answered something else: {where}: {what['msg']}") from err


def _is_argocd(answer: httpx.Response) -> bool:
    return str(answer.headers.get("content-type", "")).startswith("application/json")


def _said(answer: httpx.Response) -> str:
    """Return what an answer that is no good says, in a line."""
    where = answer.headers.get("location")
    if where:
        return f"HTTP {answer.status_code}: it sends on to {where}"
    if not _is_argocd(answer):
        return f"HTTP {answer.status_code}: the answer is no JSON, so this is no Argo CD"
    return f"HTTP {answer.status_code}: {_message(answer)}"


def _message(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return "no reason given"
    text = str(found.get("message") or found.get("error") or "no reason given")
    return " ".join(text.split())[:SAID]


def _denied(server: ArgoCD, answer: httpx.Response) -> Unknown:
    reason = _message(answer) if _is_argocd(answer) else "no reason given"
    cause = "does not know this token, or it expired" if answer.status_code == 401 else "refuses it"
    return Unknown(
        "argocd-denied",
        f"{server.url} {cause}: {reason}",
        "The role `reader` of an environment's AppProject may look at its Applications.",
        f"make a new token (docs/confirm-and-drift.md) and set "
        f"{variable(TOKEN, server.environment)} or {TOKEN}",
    )


def unreachable(url: str, what: str) -> Unknown:
    """Return the error for a server that does not answer as Argo CD does."""
    hint = "see that it runs and that this machine reaches it"
    if "CERTIFICATE_VERIFY_FAILED" in what:
        hint = "set SSL_CERT_FILE to a file with the authority that signed its certificate"
    elif "sends on to" in what:
        hint = f"set {SERVER} to the address that it sends on to"
    return Unknown(
        "argocd-unreachable",
        f"{url} did not answer as Argo CD does: {what}",
        "What runs in a cluster is asked of its Argo CD; no answer is never a good one.",
        f"{hint}, and call again",
    )
