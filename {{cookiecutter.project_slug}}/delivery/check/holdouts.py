"""A hold-out that a change brings is the one that its holdout.yaml states."""

from __future__ import annotations

from collections.abc import Iterator

from ..app import read_app
from ..errors import DeliveryError
from ..settings import read_settings
from .change import Change


def holdouts_hold(change: Change) -> Iterator[DeliveryError]:
    """Yield what is wrong with each hold-out that has other bytes or digests than at the base.

    After the merge no model of its app could be judged any more.
    """
    head = change.head
    for name in sorted({app for app in map(_app, change.paths) if app is not None}):
        needed = (f"apps/{name}/app.yaml", f"apps/{name}/holdout.yaml")
        if all(path in head.entries for path in needed):
            try:
                read_app(head, read_settings(head), name).holdout()  # compares its digests
            except DeliveryError as err:
                yield err


def _app(path: str) -> str | None:
    """Return the app whose hold-out a file is of, or None."""
    parts = path.split("/")
    of_holdout = len(parts) > 2 and parts[0] == "apps" and parts[2] in ("holdout.yaml", "holdout")
    return parts[1] if of_holdout else None
