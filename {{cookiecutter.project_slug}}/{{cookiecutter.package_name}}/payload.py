"""The payload as bytes, in a format that loads without this package; equal models, equal bytes.

- `skops`: what scikit-learn fitted. Loading it runs no code; types that it does not trust by itself
  are named in app.yaml.
- `pickle`: any object. Loading it runs code, so app.yaml has to allow it before it may be served.
- `onnx`: the bytes of a graph that the model code wrote itself.
"""

from __future__ import annotations

import io
import json
import pickle
from pathlib import PurePosixPath
from typing import Any, Literal
from zipfile import ZipFile, ZipInfo

Format = Literal["skops", "pickle", "onnx"]
FILES: dict[Format, str] = {"skops": "model.skops", "pickle": "model.pkl", "onnx": "model.onnx"}
PICKLE_PROTOCOL = 5
SCHEMA = "schema.json"


def payload_file(payload: object, format_: Format) -> tuple[str, bytes]:
    """Return the file's name and bytes; raises TypeError for ONNX that is not bytes."""
    if format_ == "skops":
        return FILES[format_], skops_bytes(payload)
    if format_ == "pickle":
        return FILES[format_], pickle.dumps(payload, protocol=PICKLE_PROTOCOL)
    if not isinstance(payload, bytes):
        raise TypeError(f"a payload in ONNX is its bytes, not {type(payload).__name__}")
    return FILES[format_], payload


def skops_bytes(model: object) -> bytes:
    """Return a model in skops' format, with nothing in it of this one process.

    skops names parts by where they lay in memory, and its archive has the time; here parts are
    counted, and there is none.
    """
    import skops.io  # of those apps that use it

    with ZipFile(io.BytesIO(skops.io.dumps(model))) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    schema = parts.pop(SCHEMA)
    counts = _Counts(set(parts))
    text = json.dumps(json.loads(schema, object_hook=counts.renumber), indent=2)
    out = io.BytesIO()
    with ZipFile(out, "w") as packed:
        for old, new in counts.files.items():
            packed.writestr(ZipInfo(new), parts[old])
        packed.writestr(ZipInfo(SCHEMA), text)
    return out.getvalue()


class _Counts:
    """A number for each part, in the order in which parts are met, from 1 on."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.numbers: dict[str, int] = {}
        self.files: dict[str, str] = {}

    def renumber(self, node: dict[str, Any]) -> dict[str, Any]:
        """Return a node of skops' schema that names itself and its file by numbers."""
        if isinstance(node.get("__id__"), int):
            node["__id__"] = self._number(str(node["__id__"]))
        if isinstance(node.get("file"), str) and node["file"] in self.names:
            path = PurePosixPath(node["file"])
            new = f"{self._number(path.stem)}{path.suffix}"
            node["file"] = self.files.setdefault(str(path), new)
        return node

    def _number(self, old: str) -> int:
        return self.numbers.setdefault(old, len(self.numbers) + 1)
