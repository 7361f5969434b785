"""Kustomizations that read nothing but what is pinned."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from ..files import broken, parse_yaml

FILE = "kustomization.yaml"
OTHER_NAMES = ("kustomization.yml", "Kustomization")
# Neither a colon nor a blank: so no URL, no scp-like address, no query.
PATH = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/?")

FIELDS = frozenset(
    (
        "apiVersion",
        "commonAnnotations",
        "components",
        "configMapGenerator",
        "generatorOptions",
        "kind",
        "labels",
        "metadata",
        "namePrefix",
        "nameSuffix",
        "patches",
        "replacements",
        "replicas",
        "resources",
        "sortOptions",
    )
)
"""An allow-list, compared exactly: kustomize itself takes `HelmCharts` for `helmCharts`."""
ENTRY_FIELDS = {
    "configMapGenerator": frozenset(
        ("behavior", "envs", "files", "literals", "name", "namespace", "options")
    ),
    "patches": frozenset(("options", "patch", "path", "target")),
    "replacements": frozenset(("path", "source", "targets")),
}
WHY = {
    "images": "the record names the image; call it `model-server` in the base",
    "namespace": "delivery.yaml names the environment's namespace, and rendering puts it",
    "secretGenerator": "secrets never enter Git; refer by name to one that the cluster makes",
    "bases": "use `resources`",
    "commonLabels": "use `labels`",
    "patchesStrategicMerge": "use `patches`",
    "patchesJson6902": "use `patches`",
    "vars": "use `replacements`",
    "helmCharts": "choose `style: helm` in app.yaml",
}


@dataclass(frozen=True)
class Kustomization:
    """One kustomization file, checked: its folder, and the folders that it builds on."""

    folder: str
    folders: tuple[str, ...]


def require_closed_kustomizations(files: Mapping[str, bytes], overlay: str, base: str) -> None:
    """Raise Refused where a kustomization leads outside, or the overlay does not use the base.

    `files` are all pinned files by path in the repository.
    """
    found: dict[str, Kustomization] = {}
    for path in sorted(files):
        folder, name = posixpath.split(path)
        if name in OTHER_NAMES:
            raise _refused("kustomization-name", f"{path} has to be called {FILE}", "rename it")
        if name == FILE:
            found[folder] = Kustomization(folder, tuple(_folders(files, path)))
    for folder in (overlay, base):
        if folder not in found:
            raise _refused("no-kustomization", f"{folder}/{FILE} is missing", "write it")
    if base not in _reached(found, overlay):
        way = posixpath.relpath(base, overlay)
        raise _refused(
            "base-not-used",
            f"{overlay}/{FILE} does not build on {base}, which the release pins",
            f"add `{way}` to its resources",
        )


def _reached(found: Mapping[str, Kustomization], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        folder = waiting.pop()
        if folder not in reached:
            reached.add(folder)
            waiting += found[folder].folders
    return reached


def _folders(files: Mapping[str, bytes], path: str) -> Iterator[str]:
    """Yield the folders that a kustomization file refers to, once all of it is checked."""
    content = parse_yaml(files[path], path)
    if not isinstance(content, dict):
        raise broken(path, "it holds no mapping of keys to values")
    for field in content:
        if field not in FIELDS:
            hint = WHY.get(field, "leave it out: what rendering reads and runs is closed")
            raise _refused("field-not-allowed", f"{_at(path, files[path], field)}: {field}", hint)
    folder = posixpath.dirname(path)
    for field, reference in _references(content, path):
        target = _target(folder, reference)
        if target in files:
            continue
        if field in ("resources", "components") and f"{target}/{FILE}" in files:
            yield str(target)
            continue
        raise _refused(
            "outside-sources",
            f"{_at(path, files[path], str(reference))}: {field} refers to {reference!r}",
            "refer by relative path to a file or folder that the record pins; one in components/ "
            "is pinned by the first release after `components` in app.yaml names it",
        )


def _target(folder: str, reference: object) -> str | None:
    """Return the path in the repository that a reference stands for; None for any other kind."""
    if not isinstance(reference, str) or not PATH.fullmatch(reference):
        return None
    return posixpath.normpath(posixpath.join(folder, reference))


def _references(content: Mapping[str, Any], path: str) -> Iterator[tuple[str, object]]:
    """Yield everything that makes kustomize read another file, with its field."""
    for field in ("resources", "components"):
        for reference in _list(content.get(field), field, path):
            yield field, reference
    for field, known in ENTRY_FIELDS.items():
        for entry in _list(content.get(field), field, path):
            if not isinstance(entry, dict) or set(entry) - known:
                odd = ", ".join(map(str, set(entry) - known)) if isinstance(entry, dict) else entry
                raise broken(path, f"{field}: unknown {odd}")
            if "path" in entry:
                yield field, entry["path"]
            for reference in _list(entry.get("envs"), field, path):
                yield field, reference
            for reference in _list(entry.get("files"), field, path):
                # `key=path`, or a path alone.
                yield field, reference.rpartition("=")[2] if isinstance(reference, str) else None


def _list(value: object, field: str, path: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise broken(path, f"{field} is no list")
    return value


def _at(path: str, data: bytes, text: str) -> str:
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        if text in line:
            return f"{path}, line {number}"
    return path


def _refused(code: str, seen: str, next_step: str) -> Refused:
    return Refused(code, f"{seen}.", "What is pinned is all that rendering reads.", next_step)
