"""A host's REST API, asked with a token that is in no message, no log and no command line.

httpx is imported when first needed: it takes 0.1 s, and most verbs ask no server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import TypeAdapter, ValidationError

from ..errors import DeliveryError, Refused, Unknown
from ..http_client import client

if TYPE_CHECKING:
    import httpx

ANSWER_S = 30
SAID = 300
PAGES = 100
DONE = range(200, 300)

T = TypeVar("T")


@dataclass
class Rest:
    """One API below `url`; `variable` names where the token came from.

    `kind` is the API's media type, `size` what asks for the most entries that a page can have.
    """

    url: str
    token: str = field(repr=False)
    variable: str
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    size: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, wanted: type[T], **asked: str) -> T:
        """Return what is at a path."""
        return self._parse(wanted, self.ask("GET", path, asked=asked).json())

    def find(self, path: str, wanted: type[T]) -> T | None:
        """Return what is at a path, or None where there is nothing."""
        answer = self.ask("GET", path, also=(404,))
        return None if answer.status_code == 404 else self._parse(wanted, answer.json())

    def list(self, path: str, wanted: type[T], **asked: str) -> list[T]:
        """Return all that a path lists, page by page."""
        found: list[T] = []
        page = "1"
        for _ in range(PAGES):
            answer = self.ask("GET", path, asked={**asked, **self.size, "page": page})
            found += self._parse(list[wanted], answer.json())  # type: ignore[valid-type]
            # Only the number is taken: a host may call itself by an address that is not ours.
            following = answer.links.get("next", {}).get("url", "")
            page = (parse_qs(urlsplit(following).query).get("page") or [""])[0]
            if not page:
                return found
        raise unreachable(self.url, f"{path} has more than {PAGES} pages")

    def send(self, method: str, path: str, body: Any, wanted: type[T]) -> T:
        """Return what the host answers to a change."""
        return self._parse(wanted, self.ask(method, path, body=body).json())

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        asked: Mapping[str, str] | None = None,
        also: tuple[int, ...] = (),
    ) -> httpx.Response:
        """Return an answer that is good, or has one of some other statuses.

        Raises Refused (`host-refused`), Unknown (`host-denied`, `host-unreachable`).
        """
        import httpx

        try:
            answer = self._client.request(method, path, json=body, params=dict(asked or {}))
        except (httpx.HTTPError, httpx.InvalidURL) as err:
            raise unreachable(self.url, str(err) or type(err).__name__) from err
        if answer.status_code in DONE and (_is_json(answer) or not answer.content):
            return answer
        if answer.status_code in also and _is_json(answer):
            return answer
        raise self.problem(method, path, answer)

    def close(self) -> None:
        """Close the connection."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> httpx.Client:
        return client(self.url, self.token, ANSWER_S, {"Accept": self.kind, **self.headers})

    def _parse(self, wanted: type[T], answer: Any) -> T:
        try:
            return TypeAdapter(wanted).validate_python(answer)
        except ValidationError as err:
            what = err.errors()[0]
            where = ".".join(str(part) for part in what["loc"])
            said = f"it answered something else: {where}: {what['msg']}"
            raise unreachable(self.url, said) from err

    def problem(self, method: str, path: str, answer: httpx.Response) -> DeliveryError:
        """Return the error for an answer that is no good."""
        said = f"{method} {path}: {_said(answer)}"
        status = answer.status_code
        if not _is_json(answer) or status >= 500 or status == 429 or _used_up(answer):
            return unreachable(self.url, said)
        if status in (401, 403, 404):
            return Unknown(
                "host-denied",
                f"{self.url} does not let this token do it, or does not know it: {said}",
                "A token may read the repository, and write its pull requests and branches.",
                f"see the rights of the token in {self.variable} (docs/branch-rules.md lists them) "
                "and `repository` in delivery.yaml; call again",
            )
        return Refused(
            "host-refused",
            f"{self.url} refused: {said}",
            "The Git host's own rules come before those of deliver.",
            "mend what it names, and call again",
        )


def unreachable(url: str, what: str) -> Unknown:
    """Return the error for a host that does not answer as its API does."""
    hint = "see that it runs and that this machine reaches it"
    if "CERTIFICATE_VERIFY_FAILED" in what:
        hint = "set SSL_CERT_FILE to a file with the authority that signed its certificate"
    elif "sends on to" in what:
        hint = "set `host.api` in delivery.yaml to the address that it sends on to"
    return Unknown(
        "host-unreachable",
        f"{url} did not answer as a Git host's API does: {what}",
        "Pull requests are asked of the Git host; no answer is never a good one.",
        f"{hint}, and call again",
    )


def _is_json(answer: httpx.Response) -> bool:
    kind = str(answer.headers.get("content-type", "")).partition(";")[0]
    return kind == "application/json" or kind.endswith("+json")


def _used_up(answer: httpx.Response) -> bool:
    return str(answer.headers.get("x-ratelimit-remaining")) == "0"


def _said(answer: httpx.Response) -> str:
    """Return what an answer that is no good says, in a line."""
    where = answer.headers.get("location")
    if where and answer.status_code in range(300, 400):
        return f"HTTP {answer.status_code}: it sends on to {where}"
    if not _is_json(answer):
        return f"HTTP {answer.status_code}: the answer is no JSON"
    found = answer.json()
    texts: list[str] = []
    if isinstance(found, dict):
        texts.append(str(found.get("message") or found.get("error") or "no reason given"))
        texts += [str(one.get("message") or "") for one in _errors(found)]
    text = " ".join(" ".join(texts).split())[:SAID]
    limit = " (its limit of requests is used up)" if _used_up(answer) else ""
    return f"HTTP {answer.status_code}: {text}{limit}"


def _errors(found: dict[str, Any]) -> list[dict[str, Any]]:
    listed = found.get("errors")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
