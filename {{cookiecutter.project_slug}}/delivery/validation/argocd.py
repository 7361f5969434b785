"""Whether the objects in `argocd/` are valid: Argo CD's own, and what a namespace holds."""

from __future__ import annotations

from collections.abc import Iterator

from ..git import Snapshot
from ..settings import read_settings
from .kinds import allowed_kinds, project_path
from .objects import KubernetesObject, NotPlainError, Problem, documents, refuse
from .schemas import schema

FOLDER = "argocd"
NOT_OBJECTS = ("kustomization.yaml",)


def validate_argocd(snapshot: Snapshot) -> None:
    """Raise Refused for the first object in `argocd/` that breaks its schema, with its file.

    Each environment's own folder is judged by that environment's version of Kubernetes, the rest
    by the first environment's. An environment's AppProject lists its kinds one by one.
    """
    settings = read_settings(snapshot)
    versions = {env.name: env.kubernetes for env in settings.environments}
    paths = [path for path in snapshot.paths(FOLDER) if _is_object(path)]
    found: list[Problem] = []
    for path, data in snapshot.load(paths).items():
        version = versions.get(path.split("/")[1], settings.environments[0].kubernetes)
        found += _problems(path, data, version)
    refuse(found)
    for name in versions:
        if project_path(name) in snapshot.entries:
            allowed_kinds(snapshot, name)


def _is_object(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and not path.endswith(NOT_OBJECTS)


def _problems(path: str, data: bytes, version: str) -> Iterator[Problem]:
    try:
        for document in documents(data):
            if not isinstance(document, dict):
                raise NotPlainError("a document in it is no object")
            yield from schema(KubernetesObject(path, document), version)
    except NotPlainError as err:
        yield Problem(
            "broken-manifest",
            path,
            str(err),
            "Files in argocd/ hold Kubernetes objects.",
            "run `deliver argocd`, which writes them from delivery.yaml",
        )
