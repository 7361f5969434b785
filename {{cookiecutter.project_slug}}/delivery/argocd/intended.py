"""What `argocd/` on main wants a cluster to hold, as far as `deliver bootstrap` has to know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Refused
from ..git import Snapshot
from ..settings import Environment
from ..validation.objects import documents
from .names import FOLDER, root_path

Object = Mapping[str, Any]


def read_root(main: Snapshot, environment: Environment) -> list[Object]:
    """Return what is applied by hand, once, for the Argo CD that an environment belongs to.

    All else below `argocd/` that Argo CD applies itself. Raises Refused (`argocd-not-current`).
    """
    return _objects(main, root_path(environment))


def read_namespace(main: Snapshot, environment: Environment) -> Object:
    """Return an environment's Namespace, labels and all; raises Refused (`argocd-not-current`)."""
    folder = f"{FOLDER}/{environment.name}/namespace"
    for path in main.paths(folder):
        for one in _objects(main, path):
            if one["kind"] == "Namespace" and one["metadata"]["name"] == environment.namespace:
                return one
    raise _not_current(f"{folder} holds no Namespace {environment.namespace}")


def _objects(main: Snapshot, path: str) -> list[Object]:
    data = main.find(path)
    if data is None:
        raise _not_current(f"there is no {path}")
    return [dict(one) for one in documents(data)]


def _not_current(seen: str) -> Refused:
    return Refused(
        "argocd-not-current",
        f"{seen}.",
        "argocd/ is what `deliver argocd` writes from delivery.yaml.",
        "run `deliver argocd`, commit, merge, then call again",
    )
