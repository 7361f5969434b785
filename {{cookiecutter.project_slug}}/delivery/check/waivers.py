"""Rules on waivers: one that a change brings is whole, about something, and short."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import DeliveryError, UsageError
from ..files import broken
from ..git import Snapshot
from ..settings import Settings
from ..waivers import FOLDER, WaiverFile, read_waiver, require_days
from .change import Change


def new_waivers(change: Change) -> Iterator[DeliveryError]:
    """A waiver that comes or changes can be used, from today on and for two weeks at most."""
    for path in change.paths:
        if path not in change.head.entries or not FOLDER.match(path):
            continue
        try:
            file = _sound(change.head, change.settings, path)
            require_days(path, file.expires, change.today)
        except DeliveryError as err:
            yield err


def sound_waivers(head: Snapshot, settings: Settings) -> Iterator[DeliveryError]:
    """Yield a refusal for each waiver that is none. Offline there is no clock: any may be over."""
    for path in head.entries:
        if FOLDER.match(path):
            try:
                _sound(head, settings, path)
            except UsageError as err:
                yield err


def _sound(snapshot: Snapshot, settings: Settings, path: str) -> WaiverFile:
    """Return a waiver of an app and an environment that exist; raises UsageError."""
    file = read_waiver(snapshot, path)
    if f"apps/{path.split('/')[1]}/app.yaml" not in snapshot.entries:
        raise broken(path, "there is no such app")
    if file.environment not in settings.names:
        known = ", ".join(settings.names)
        raise broken(path, f"environment: there is no {file.environment}, but {known}")
    return file
