"""What Argo CD and the nodes log in with, as Secrets of a cluster: it is never in Git."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..settings import Settings
from .names import HOME, PULL_SECRET

REGISTRY_NOTE = "deliver.io/registry"
"""Annotation of a pull Secret: the registry that its login is for."""
HUB = "https://index.docker.io/v1/"
HUB_HOSTS = ("docker.io", "index.docker.io", "registry-1.docker.io")


@dataclass(frozen=True, repr=False)
class Login:
    """A user with a password or token, or an SSH key; all empty where no login is needed."""

    user: str = ""
    password: str = ""
    key: str = ""

    def __repr__(self) -> str:
        """Return nothing of it: a traceback is output too."""
        return "Login(…)"


def repository_secret_name(settings: Settings) -> str:
    """Return the name of the Secret by which Argo CD reads the repository."""
    return f"{settings.project}-repository"


def repository_secret(settings: Settings, login: Login) -> dict[str, Any]:
    """Return Argo CD's repository Secret.

    One without a login is good too: for a public repository, or where Argo CD has a template of
    credentials that fits the URL. See: Argo CD's manual, "Declarative Setup", "Repositories".
    """
    held = {"username": login.user, "password": login.password, "sshPrivateKey": login.key}
    data = {"type": "git", "url": settings.repository} | {k: v for k, v in held.items() if v}
    labels = {"argocd.argoproj.io/secret-type": "repository"}
    return _secret(repository_secret_name(settings), HOME, "Opaque", data, labels)


def pull_secret(registry: str, namespace: str, login: Login) -> dict[str, Any]:
    """Return the Secret by which an environment's pods pull their images.

    Without a login it is there all the same, and empty: kubelet warns about each pod that names a
    Secret which is missing.
    """
    host = registry_host(registry)
    pair = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    entry = {"username": login.user, "password": login.password, "auth": pair}
    auths = {HUB if host == HUB_HOSTS[0] else host: entry} if login.user else {}
    data = {".dockerconfigjson": json.dumps({"auths": auths})}
    made = _secret(PULL_SECRET, namespace, "kubernetes.io/dockerconfigjson", data, {})
    made["metadata"]["annotations"] = {REGISTRY_NOTE: host}
    return made


def registry_host(registry: str) -> str:
    """Return the `host[:port]` of delivery.yaml's `registry`; `docker.io` where it names none."""
    first = registry.partition("/")[0]
    named = "." in first or ":" in first or first == "localhost"
    return first if named and first not in HUB_HOSTS else HUB_HOSTS[0]


def same_repository(one: str, other: str) -> bool:
    """Return whether Argo CD takes two URLs for the same repository.

    See: `NormalizeGitURL` in its util/git/git.go.
    """
    return _normal(one) == _normal(other)


def _normal(url: str) -> str:
    plain = url.strip().lower()
    if "@" in plain and "://" not in plain:  # git@host:path
        plain = plain.replace(":", "/", 1)
    return plain.removeprefix("ssh://").removesuffix(".git")


def _secret(
    name: str, namespace: str, kind: str, data: Mapping[str, str], labels: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "deliver", **labels},
        },
        "type": kind,
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in data.items()},
    }
