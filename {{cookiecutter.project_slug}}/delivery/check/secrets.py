"""Rule on sources: no file holds a Secret, whether or not anything renders it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..errors import DeliveryError, Refused
from ..git import LINK_MODES, Snapshot
from .change import Change

FOLDERS = ("apps/", "overlays/", "charts/", "components/")
# A chart's templates are no YAML before they are rendered, so text is looked at, not objects.
FIELD = r"""(?m)(?:^[\s-]*|[{,]\s*)["']?%s["']?\s*:\s*["']?(%s)["']?\s*(?:$|[,}#])"""
KIND = re.compile(FIELD % ("kind", "Secret"))
VERSION = re.compile(FIELD % ("apiVersion", r"\{\{.*?\}\}|[^\s,}#\"']+"))


def no_secrets(change: Change) -> Iterator[DeliveryError]:
    """What a change adds to the sources or alters there holds no Secret."""
    yield from secrets_in(change.head, change.paths)


def secrets_in(snapshot: Snapshot, paths: Iterable[str]) -> Iterator[DeliveryError]:
    """Yield a refusal for each source file among some paths that holds a Secret."""
    there = (p for p in paths if p in snapshot.entries and p.startswith(FOLDERS))
    files = (p for p in there if p.endswith((".yaml", ".yml", ".json")))
    found = snapshot.load(p for p in files if snapshot.entries[p].mode not in LINK_MODES)
    for path, data in found.items():
        if holds_secret(data.decode("utf-8", "replace")):
            yield Refused(
                "secret-in-git",
                f"{path} holds an object of kind Secret.",
                "Secrets never enter Git, where all who read it have them for good.",
                "refer by name to one that the cluster makes (docs/secrets.md); replace its value, "
                "if it was pushed",
            )


def holds_secret(text: str) -> bool:
    """Return whether one document holds a Secret of v1, or of what may turn out to be v1."""
    parts = (part for part in re.split(r"(?m)^---(?:\s|$)", text) if KIND.search(part))
    versions = (VERSION.findall(part) or ["v1"] for part in parts)
    return any(one == "v1" or "{{" in one for found in versions for one in found)
