"""How a model is served, where that is not as usual: natively, as a pickle, or on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from ..app import App
from ..check.change import Change
from ..errors import DeliveryError
from ..proposal import built_as
from .bringing import Brought
from .verdict import plain


def served(change: Change, part: Brought) -> list[str]:
    """Return the sentences about a model that comes, by app.yaml as its image was built.

    None of a model that converts to ONNX and computes on a CPU, nor where the commit cannot be
    read.
    """
    if part.entry is None or part.kind not in ("release", "promote", "hotfix"):
        return []
    try:
        app = built_as(change.workplace, part.app, part.entry.record.release)
    except DeliveryError:
        return []
    return [f"How model {plain(part.model)} of {part.name} is served: {one}." for one in _told(app)]


def _told(app: App) -> Iterator[str]:
    file = app.file
    runs_code = "a pickle, **which runs code as it is loaded**; `allow` in `app.yaml` permits it"
    if file.serve == "native" and file.payload.format == "pickle":
        yield f"natively, as training wrote it: {runs_code}"
    elif file.serve == "native":
        yield f"natively, as training wrote it ({file.payload.format}), not converted to ONNX"
    elif file.payload.format == "pickle" and "pickle" in file.allow:
        yield f"converted to ONNX, or, where it does not convert, as {runs_code}"
    if app.on_gpus:
        yield "by a program that can compute on a GPU (graphics processor)"
