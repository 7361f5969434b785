"""Which host a repository is on, by delivery.yaml, and the token for it, by a variable."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError
from ..settings import Settings
from .gitea import Gitea
from .github import HEADERS, KIND, GitHub
from .host import Host
from .rest import Rest

TOKENS = {"github": ("GH_TOKEN", "GITHUB_TOKEN"), "gitea": ("GITEA_TOKEN",)}
RIGHTS = {
    "github": "contents, pull requests, issues and commit statuses: write",
    "gitea": "write:repository, write:issue, read:user, read:organization",
}
GITHUB = "github.com"
URL = re.compile(
    r"(?:https?://(?:[^@/]+@)?|ssh://(?:[^@/]+@)?|[\w-]+@)(?P<host>[\w.-]+(?::\d+)?)[:/]"
    r"(?P<path>.+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Place:
    """Where a repository is on a host: the kind, its API's address, owner and name."""

    kind: Literal["github", "gitea"]
    api: str
    repository: str


def place_of(settings: Settings) -> Place:
    """Return where delivery.yaml says that the repository is; raises UsageError."""
    found = URL.fullmatch(settings.repository)
    parts = found["path"].split("/") if found else settings.repository.split("/")
    named = settings.host
    host = found["host"] if found else ""
    if named is None and host != GITHUB:
        raise _no_host(settings)
    kind = named.kind if named else "github"
    api = (named.api if named else None) or (_usual_api(kind, host) if host else None)
    if api is None or len(parts) < 2:
        raise _no_host(settings)
    return Place(kind, api, "/".join(parts[-2:]).removesuffix(".git"))


@contextmanager
def connect(settings: Settings, environ: Mapping[str, str]) -> Iterator[Host]:
    """Yield the host of the repository; raises UsageError (`host-settings`).

    Nothing is sent before the first question.
    """
    place = place_of(settings)
    variable, token = _token(place, environ)
    if place.kind == "github":
        rest = Rest(place.api, token, variable, KIND, HEADERS, {"per_page": "100"})
        host: Host = GitHub(rest, place.repository, settings.main)
    else:
        rest = Rest(place.api, token, variable, size={"limit": "50"})
        host = Gitea(rest, place.repository, settings.main)
    try:
        yield host
    finally:
        host.rest.close()


def _token(place: Place, environ: Mapping[str, str]) -> tuple[str, str]:
    names = TOKENS[place.kind]
    for name in names:
        if environ.get(name, "").strip():
            return name, environ[name].strip()
    raise UsageError(
        "host-settings",
        f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} not set.",
        f"Pull requests of {place.repository} are asked of {place.api}, with a token.",
        f"make one ({RIGHTS[place.kind]}; docs/branch-rules.md), then: export {names[0]}=…",
    )


def _usual_api(kind: str, host: str) -> str:
    if kind == "gitea":
        return f"https://{host}/api/v1"
    return f"https://api.{GITHUB}" if host == GITHUB else f"https://{host}/api/v3"


def _no_host(settings: Settings) -> UsageError:
    return UsageError(
        "host-settings",
        f"delivery.yaml on {settings.main} does not say which Git host answers for pull requests "
        f"of {settings.repository}.",
        "It is GitHub's own, or `host` in delivery.yaml names its kind and the address of its API.",
        "add to delivery.yaml: host: {kind: gitea, api: https://git.acme.example/api/v1}; merge it "
        f"into {settings.main}, where it is read: git push origin {settings.main}",
    )
