"""Applications as a real Argo CD 3.5.3 answered them, of the app that tests deliver to dev.

Recorded on the test cluster while a release was synced, healed, failed and rolled back; addresses
are replaced, and what Kubernetes keeps for itself is left out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from delivery.argocd.applications import Application

COMMIT = re.compile(r"\b[0-9a-f]{40}\b")
FOLDER = Path(__file__).parent / "applications"


def document(name: str) -> dict[str, Any]:
    """Return a recorded answer."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def recorded(name: str) -> Application:
    """Return a recorded Application."""
    return Application.model_validate(document(name))


def at(name: str, commit: str, earlier: str = "b" * 40) -> dict[str, Any]:
    """Return a recorded answer whose newest commit is another one, and all before it a second."""
    found = document(name)
    text = json.dumps(found)
    synced = found["status"]["sync"]["revision"]
    for revision in set(COMMIT.findall(text)):
        text = text.replace(revision, commit if revision == synced else earlier)
    changed: dict[str, Any] = json.loads(text)
    return changed
