"""Payloads as `train` wrote them, loaded. Training's own code ran here a moment ago."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path


def load(path: Path, format_: str, trusted: Sequence[str]) -> object:
    """Return the model in a file; a format's library raises what it likes.

    `trusted` names the types that skops may make beside those which it trusts by itself.
    """
    if format_ == "skops":
        import skops.io

        model: object = skops.io.load(path, trusted=list(trusted))
        return model
    return pickle.loads(path.read_bytes())  # noqa: S301  of a training that ran here
