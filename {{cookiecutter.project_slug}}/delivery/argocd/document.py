"""Kubernetes objects as YAML that people read: a line on top, lists indented, short rows inline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

Object = Mapping[str, Any]
WRITTEN = "Written by `deliver argocd` from delivery.yaml."
ENDLESS = 10**6
"""Columns of a line: no text is folded, so bytes do not depend on how long a name is."""


class Given(str):
    """Text with a part out of delivery.yaml. It stands in quotes, whatever it holds."""

    __slots__ = ()


class Row(dict[str, Any]):
    """A mapping that stands on one line."""


class Words(list[Any]):
    """A list that stands on one line."""


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, as the repository's other YAML has them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent, whatever is asked."""
        super().increase_indent(flow, indentless and False)

    def ignore_aliases(self, _: object) -> bool:
        """Write everything out: no anchors."""
        return True


def _given(dumper: yaml.SafeDumper, value: Given) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style='"')


def _row(dumper: yaml.SafeDumper, value: Row) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)


def _words(dumper: yaml.SafeDumper, value: Words) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


_Dumper.add_representer(Given, _given)
_Dumper.add_representer(Row, _row)
_Dumper.add_representer(Words, _words)


def document(about: str, *objects: Object) -> bytes:
    """Return objects as the YAML documents of one file, under a sentence that says what it is."""
    texts = [
        yaml.dump(one, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=ENDLESS, indent=2)
        for one in objects
    ]
    return (f"# {about}\n# {WRITTEN}\n" + "---\n".join(texts)).encode()
