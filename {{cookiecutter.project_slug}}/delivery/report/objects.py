"""The objects of a manifests folder, read so that a comment may show them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..files import dump_yaml
from ..validation.objects import NotPlainError, documents, mapping
from .hiding import cleaned, hidden, secrets_of

MOST_BYTES = 200_000
"""Of a file that is shown; `deliver` writes a few thousand."""
NOISE = "deliver.io/"
"""Annotations that only repeat which release an object belongs to."""


@dataclass(frozen=True)
class Shown:
    """One file as it may be shown: its object, and the secrets that were taken out.

    `text` is the object written anew; `exact` the file's own bytes, where nothing in it is hidden
    and no comment says more than the object. `data` is None where the file holds no single object;
    then nothing of it is shown.
    """

    text: str
    data: Mapping[str, Any] | None
    exact: str | None = None
    secrets: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str((self.data or {}).get("kind", "?"))

    @property
    def name(self) -> str:
        """The object's name."""
        return str(mapping((self.data or {}).get("metadata")).get("name", "?"))

    @property
    def is_question(self) -> bool:
        """Whether it asks the known question, of which rendering writes every byte."""
        labels = mapping(mapping((self.data or {}).get("metadata")).get("labels"))
        return f"{NOISE}question" in labels

    def without(self, secrets: Collection[str]) -> Shown:
        """Return it without secrets that were found elsewhere: a part of one is one, too."""
        data = cleaned(self.data, secrets)
        if self.data is None or data == self.data:
            return self
        return replace(self, text=dump_yaml(data).decode(), data=data, exact=None)

    def leaves(self) -> dict[str, Any]:
        """Return each value by its path, such as `spec.replicas`, without noise."""
        found = dict(_leaves(self.data or {}, ""))
        return {path: value for path, value in found.items() if f"annotations.{NOISE}" not in path}


def shown(data: bytes) -> Shown:
    """Return a file as it may be shown. What cannot be understood is not shown at all."""
    if len(data) > MOST_BYTES:
        return Shown(f"# {len(data)} bytes, too many to show\n", None)
    try:
        found = documents(data)
    except NotPlainError:
        return Shown("# no YAML, so nothing of it is shown\n", None)
    kept = [hidden(one) for one in found]
    secrets = frozenset(secrets_of(found, kept))
    if len(found) != 1 or not isinstance(kept[0], Mapping):
        return Shown("# not one object, so nothing of it is shown\n", None, secrets=secrets)
    exact = data.decode() if kept == found and b"#" not in data else None
    return Shown(dump_yaml(kept[0]).decode(), kept[0], exact, secrets)


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from _leaves(one, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list) and value:
        for number, one in enumerate(value):
            name = one.get("name", number) if isinstance(one, Mapping) else number
            yield from _leaves(one, f"{at}[{name}]")
    else:
        yield at, value
