"""Kubernetes objects as they stand in manifests, and what a refusal of one says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import yaml

from ..errors import Refused
from ..files import StrictLoader

LONGEST = 300


class Kind(NamedTuple):
    """A kind by its API group; the core group is the empty string."""

    group: str
    kind: str

    def __str__(self) -> str:
        """Return the kind as kubectl names it, such as `Deployment.apps`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True)
class Problem:
    """One broken rule: its name, where, what was seen, the rule, and the next step."""

    code: str
    where: str
    what: str
    rule: str
    next_step: str


def refuse(problems: list[Problem]) -> None:
    """Raise Refused for the first problem, saying how many more there are; return if none."""
    if not problems:
        return
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    raise Refused(first.code, f"{first.where}: {first.what}{more}.", first.rule, first.next_step)


def shorten(said: str) -> str:
    """Return a message on one line of about 300 characters, its end above all.

    Messages that nest, or quote data, give the reason last.
    """
    line = " ".join(said.split())
    return line if len(line) <= LONGEST else f"{line[:40]} … {line[40 - LONGEST :]}"


@dataclass(frozen=True)
class KubernetesObject:
    """One object and the file that it stands in; `data` is plain JSON data."""

    file: str
    data: Mapping[str, Any]

    @property
    def api_version(self) -> str:
        """The apiVersion, such as `apps/v1`; empty where it is missing or no text."""
        return _text(self.data.get("apiVersion"))

    @property
    def kind(self) -> Kind:
        """The kind with its group."""
        group, slash, _ = self.api_version.partition("/")
        return Kind(group if slash else "", _text(self.data.get("kind")))

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata, empty where there is none."""
        return mapping(self.data.get("metadata"))

    @property
    def name(self) -> str:
        """The name, empty where there is none."""
        return _text(self.metadata.get("name"))

    @property
    def where(self) -> str:
        """The object as refusals name it."""
        return f"{self.file}: {self.kind.kind or 'an object'}/{self.name or '?'}"


class NotPlainError(Exception):
    """YAML that does not stand for JSON data, as every Kubernetes object must."""


class _ManifestLoader(StrictLoader):
    """Reads what Kubernetes reads as text as text: dates, and a lone equals sign."""


for _tag in ("timestamp", "value"):
    _ManifestLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", yaml.SafeLoader.construct_yaml_str)


def documents(data: bytes) -> list[Any]:
    """Return every document of YAML bytes as JSON data; raises NotPlainError.

    An empty document is None.
    """
    try:
        found = list(yaml.load_all(data, Loader=_ManifestLoader))
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise NotPlainError(f"{line}{getattr(err, 'problem', None) or err}") from err
    except (TypeError, ValueError, RecursionError) as err:
        raise NotPlainError(f"{type(err).__name__}: {err}") from err
    for document in found:
        _require_json(document)
    return found


def pod_specs(value: object, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every pod specification in an object with its path, such as `spec.template.spec`.

    Whatever holds a list of `containers` is taken for one, so a kind nobody listed is judged too.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("containers"), list):
            yield at, value
        for key, inner in value.items():
            yield from pod_specs(inner, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from pod_specs(inner, f"{at}[{number}]")


def containers(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every container of a pod specification with its path, `containers[0]` and so on."""
    for field in ("initContainers", "containers", "ephemeralContainers"):
        stated = spec.get(field)
        for number, container in enumerate(stated if isinstance(stated, list) else ()):
            yield f"{field}[{number}]", mapping(container)


def mapping(value: object) -> Mapping[str, Any]:
    """Return a value if it is a mapping, else an empty one: the schema names what is not."""
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _require_json(value: object) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise NotPlainError(f"the key {key!r} is not text")
            _require_json(inner)
    elif isinstance(value, list):
        for inner in value:
            _require_json(inner)
    elif isinstance(value, float) and not abs(value) < float("inf"):
        raise NotPlainError(f"{value} is not a number in JSON")
    elif value is not None and not isinstance(value, str | int | float):
        raise NotPlainError(f"{type(value).__name__} is no type of JSON")
