"""Whether rendered objects may run in an environment (rule 5); jsonschema-rs is imported late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..records import Place
from .argocd import validate_argocd
from .autoscaling import autoscaling
from .gpus import require_gpu_image
from .kinds import allowed_kinds, kinds
from .objects import Kind, KubernetesObject, NotPlainError, Problem, documents, refuse
from .pod_security import pod_security
from .schemas import schema
from .workloads import images, releases, resources

__all__ = [
    "Kind",
    "allowed_kinds",
    "problems",
    "require_gpu_image",
    "validate",
    "validate_argocd",
]


def validate(manifests: Mapping[str, bytes], place: Place, allowed: frozenset[Kind]) -> None:
    """Raise Refused for the first broken rule in an app's manifests, by file name.

    Raises Unknown where there are no schemas for the environment's version of Kubernetes.
    """
    refuse(problems(manifests, place, allowed))


def problems(
    manifests: Mapping[str, bytes], place: Place, allowed: frozenset[Kind]
) -> list[Problem]:
    """Return every broken rule in an app's manifests, in the order of files."""
    found: list[Problem] = [] if manifests else [_nothing()]
    seen: dict[tuple[Kind, str], str] = {}
    items = []
    for name in sorted(manifests):
        read = _read(name, manifests[name])
        if isinstance(read, Problem):
            found.append(read)
            continue
        items.append(read)
        found += _judge(read, place, allowed)
        first = seen.setdefault((read.kind, read.name), name)
        if first != name:
            found.append(_twice(read, first))
    return [*found, *autoscaling(items)]


def _judge(item: KubernetesObject, place: Place, allowed: frozenset[Kind]) -> Iterator[Problem]:
    """Yield an object's problems; the last four rules read fields that the schema vouches for."""
    yield from kinds(item, place.namespace, allowed)
    wrong = list(schema(item, place.kubernetes))
    yield from wrong
    if not wrong:
        for rule in (pod_security, images, resources, releases):
            yield from rule(item)


def _read(name: str, data: bytes) -> KubernetesObject | Problem:
    try:
        found = documents(data)
    except NotPlainError as err:
        return _broken(name, str(err))
    if len(found) != 1 or not isinstance(found[0], dict):
        return _broken(name, f"it holds {len(found)} documents, or one that is no object")
    item = KubernetesObject(name, found[0])
    if not (item.name and item.kind.kind and item.api_version):
        return _broken(name, "an object needs apiVersion, kind and metadata.name")
    return item


def _broken(name: str, what: str) -> Problem:
    return Problem(
        "broken-manifest",
        name,
        what,
        "A manifest holds exactly one Kubernetes object.",
        "write the step again with deliver; nobody else writes manifests",
    )


def _nothing() -> Problem:
    return Problem(
        "no-manifests",
        "manifests",
        "there is not one",
        "An app that is deployed has at least one object: nothing is never valid.",
        "see what the overlay refers to",
    )


def _twice(item: KubernetesObject, first: str) -> Problem:
    return Problem(
        "object-twice",
        item.where,
        f"{first} holds the same object",
        "An object stands in one file, or the order of files would decide.",
        "write the step again with deliver; nobody else writes manifests",
    )
