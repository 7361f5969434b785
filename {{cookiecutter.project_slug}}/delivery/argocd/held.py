"""What a cluster holds already, as far as `deliver bootstrap` has to know it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ..errors import Refused
from ..settings import Environment, Settings
from .credentials import (
    REGISTRY_NOTE,
    registry_host,
    repository_secret_name,
    same_repository,
)
from .kubectl import Kubectl, Object, same_server
from .names import FOLDER, HOME, PULL_SECRET, root_name, root_path

GROUP = "argoproj.io"
KINDS = frozenset(f"{name}.{GROUP}" for name in ("applications", "applicationsets", "appprojects"))
TYPE = "argocd.argoproj.io/secret-type"


def require_argocd(kubectl: Kubectl) -> None:
    """Raise Refused (`argocd-missing`) unless Argo CD was installed there."""
    missing = sorted(KINDS - kubectl.kinds(GROUP))
    if not missing and kubectl.get("namespace", HOME) is not None:
        return
    raise Refused(
        "argocd-missing",
        f"{kubectl.server} has no {missing[0] if missing else f'namespace {HOME}'}.",
        "`deliver bootstrap` uses the Argo CD that is there; it installs none.",
        "install Argo CD (docs/argo-cd.md has the commands), or name its cluster by --context",
    )


def require_own_argocd(kubectl: Kubectl, settings: Settings, environment: Environment) -> None:
    """Raise Refused (`other-cluster`) where the Argo CD is that of other environments.

    Each of several has a root Application of the same name, whose files begin with its own root.
    """
    found = kubectl.get(f"application.{GROUP}", root_name(settings), HOME) or {}
    directory = found.get("spec", {}).get("source", {}).get("directory", {})
    own = root_path(environment)
    for other in {root_path(one) for one in settings.environments} - {own}:
        if str(directory.get("include", "")).startswith(f"{{{other.removeprefix(f'{FOLDER}/')},"):
            raise Refused(
                "other-cluster",
                f"the Argo CD of {kubectl.server} keeps {other}, not {own}.",
                f"That is the root of {environment.name} in delivery.yaml, and nothing of it may "
                "end in another Argo CD.",
                "name the context of its cluster by --context",
            )


def require_registered(kubectl: Kubectl, environments: list[Environment]) -> None:
    """Raise Refused (`cluster-not-registered`) for a cluster that Argo CD does not know."""
    if not environments:
        return
    rows = kubectl.fields("secrets", HOME, f"--selector={TYPE}=cluster", ".data.server")
    known = [_text(row[0]) for row in rows]
    for environment in environments:
        if not any(same_server(environment.cluster, server) for server in known):
            contexts = kubectl.contexts(environment.cluster)
            raise Refused(
                "cluster-not-registered",
                f"Argo CD does not know {environment.cluster}, the cluster of {environment.name}.",
                "Argo CD reaches a cluster by a login of its own, which it has to be given.",
                f"argocd cluster add {contexts[0] if contexts else 'CONTEXT'}   then call again",
            )


def require_server(kubectl: Kubectl, environment: Environment) -> None:
    """Raise Refused (`other-cluster`) where a context does not reach an environment's cluster."""
    if same_server(kubectl.server, environment.cluster):
        return
    contexts = kubectl.contexts(environment.cluster)
    raise Refused(
        "other-cluster",
        f"the context reaches {kubectl.server}, not {environment.cluster}.",
        f"That is the cluster of {environment.name} in delivery.yaml, and nothing of it may end "
        "on another one.",
        f"deliver bootstrap --env {environment.name} --context "
        f"{contexts[0] if contexts else 'CONTEXT'}",
    )


def repository_login(kubectl: Kubectl, settings: Settings) -> str | None:
    """Return the name of the Secret by which Argo CD reads the repository; None without one.

    A Secret of another name was put there by Argo CD's own commands: it is not for us to change.
    """
    paths = ".metadata.name", ".data.url", ".data.project"
    rows = kubectl.fields("secrets", HOME, f"--selector={TYPE}=repository", *paths)
    names = {
        name
        for name, url, project in rows
        if not project and same_repository(_text(url), settings.repository)
    }
    ours = repository_secret_name(settings)
    return ours if ours in names else min(names, default=None)


def has_pull_login(kubectl: Kubectl, environment: Environment, registry: str) -> bool:
    """Return whether a namespace has a login for the registry that delivery.yaml names.

    What is on its way out has nothing.
    """
    if is_terminating(kubectl.get("namespace", environment.namespace)):
        return False
    where = f"--field-selector=metadata.name={PULL_SECRET}"
    note = f".metadata.annotations['{REGISTRY_NOTE}']"
    rows = kubectl.fields("secrets", environment.namespace, where, ".metadata.name", note)
    return any(host in ("", registry_host(registry)) for _, host in rows)


def is_held(kubectl: Kubectl, wanted: Object) -> bool:
    """Return whether a cluster has an object of Argo CD's with all that is wanted of it."""
    kind, metadata = f"{wanted['kind']}.{GROUP}".lower(), wanted["metadata"]
    found = kubectl.get(kind, metadata["name"], metadata["namespace"])
    return found is not None and holds(found["spec"], wanted["spec"])


def holds(found: Any, wanted: Any) -> bool:
    """Return whether plain data has every key that is wanted, with that value; it may have more."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and holds(found[key], value) for key, value in wanted.items()
        )
    return bool(found == wanted)


def is_terminating(namespace: Mapping[str, Any] | None) -> bool:
    """Return whether a namespace is there, and being deleted."""
    return bool(namespace) and (namespace or {}).get("status", {}).get("phase") == "Terminating"


def _text(data: str) -> str:
    return base64.b64decode(data).decode("utf-8", "replace")
