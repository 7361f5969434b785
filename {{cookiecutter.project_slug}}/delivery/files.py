"""Reading what people wrote, writing what must never be half-written."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .errors import UsageError

# libyaml's loader reads 3,000 records in 0.45 s where the one in Python takes 2.6 s.
SafeLoader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SafeDumper: type = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


MOST_VALUES = 200_000
"""In a document, keys and what holds others included; `deliver` writes some hundred."""
NUMBER_LIKE = re.compile(r"[-+.]?\d")


class StrictLoader(SafeLoader):  # type: ignore[misc]
    """Refuses a mapping that names a key twice, of which YAML would silently keep the last.

    And a document that grows without end where each alias stands for a copy: readers make copies.
    """

    def construct_document(self, node: yaml.Node) -> Any:
        """Return the data of a document; raises ConstructorError."""
        if _size(node, {}) > MOST_VALUES:
            what = f"more than {MOST_VALUES} values, aliases written out"
            raise yaml.constructor.ConstructorError(None, None, what, node.start_mark)
        return super().construct_document(node)


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node holds; one that holds itself never ends."""
    found = known.get(id(node))
    if found is not None:
        return found
    known[id(node)] = MOST_VALUES + 1  # while it is counted
    parts = node.value if isinstance(node, yaml.CollectionNode) else ()
    flat = (one for part in parts for one in (part if isinstance(part, tuple) else (part,)))
    known[id(node)] = 1 + sum(_size(one, known) for one in flat)
    return known[id(node)]


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} twice", key_node.start_mark
            )
        seen.add(key)
    loader.flatten_mapping(node)
    return dict(loader.construct_pairs(node, deep=True))


StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)

Model = TypeVar("Model", bound=BaseModel)


def parse_yaml(data: bytes, name: str) -> Any:
    """Return the one document in YAML bytes; raises UsageError naming file and line."""
    try:
        return yaml.load(data, Loader=StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as err:
        mark = getattr(err, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}" if mark else name
        raise broken(where, str(getattr(err, "problem", None) or err).splitlines()[0]) from err


def parse_model(model: type[Model], data: bytes, name: str) -> Model:
    """Return YAML bytes as a typed model; raises UsageError naming file, field and rule."""
    content = parse_yaml(data, name)
    if not isinstance(content, dict):
        raise broken(name, "it holds no mapping of keys to values")
    try:
        return model.model_validate(content)
    except ValidationError as err:
        first = err.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
        if first["type"] == "extra_forbidden":
            what = f"unknown key{_meant(model, str(first['loc'][-1]))}"
        more = f" (and {err.error_count() - 1} more)" if err.error_count() > 1 else ""
        raise broken(name, (f"{field}: {what}" if field else what) + more) from err


def _meant(model: type[BaseModel], key: str) -> str:
    """Return a question after the known key that looks most like an unknown one."""
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    known = {name for part in parts for name in part.get("properties", {})}
    close = difflib.get_close_matches(key, sorted(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def broken(where: str, what: str) -> UsageError:
    """Return the error for a file of the user's that does not say what it has to."""
    return UsageError(
        "broken-file",
        f"{where}: {what}.",
        "Files that people write follow the schemas in delivery/schemas; unknown keys are errors.",
        "mend the file (docs/reference.md has an example)",
    )


class Dumper(SafeDumper):  # type: ignore[misc]
    """Puts quotes around every text that some YAML reader might take for a number."""


def _text(dumper: Any, value: str) -> yaml.ScalarNode:
    # PyYAML reads a run id such as 12345678e9 back as text; Go's readers see a number.
    style = '"' if NUMBER_LIKE.match(value) else None
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)
    return node


class Block(str):
    """Text that YAML shows line by line below its key, where that is possible."""

    __slots__ = ()


def _block(dumper: Any, value: Block) -> yaml.ScalarNode:
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style="|")
    return node


Dumper.add_representer(str, _text)
Dumper.add_representer(Block, _block)


def dump_yaml(value: Any) -> bytes:
    """Return plain data as YAML bytes, in the order given, the same bytes each time."""
    text = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2)
    return str(text).encode()


def write(path: Path, data: bytes) -> None:
    """Put bytes in place whole: a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
