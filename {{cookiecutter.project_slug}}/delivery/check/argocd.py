"""Rules on `argocd/`: it is what delivery.yaml gives, and valid by Argo CD's own schemas."""

from __future__ import annotations

from collections.abc import Iterator

from ..argocd.files import differences
from ..argocd.names import FOLDER
from ..errors import DeliveryError, Refused
from ..git import Snapshot
from ..settings import PATH, Settings, read_settings
from ..validation import validate_argocd
from .change import Change

WRITERS = ("delivery/argocd/", "delivery/settings.py")


def argocd_is_valid(change: Change) -> Iterator[DeliveryError]:
    """What Argo CD is told stays valid by its own schemas, within this repository and its kinds."""
    if any(path.startswith(f"{FOLDER}/") for path in change.paths):
        validate_argocd(change.head)
    yield from ()


def argocd_is_current(change: Change) -> Iterator[DeliveryError]:
    """`argocd/` and delivery.yaml change together.

    A change may bring the code that writes these files, and with it other files. Then it is that
    code which says whether they are current, in the change's own tests.
    """
    if any(path.startswith(WRITERS) for path in change.paths):
        return
    if any(path == PATH or path.startswith(f"{FOLDER}/") for path in change.paths):
        yield from not_current(change.head, read_settings(change.head))


def not_current(snapshot: Snapshot, settings: Settings) -> Iterator[DeliveryError]:
    """Yield a refusal where a commit's `argocd/` is not what its settings give."""
    files = snapshot.folder(FOLDER).files
    found = differences(settings, {f"{FOLDER}/{path}": data for path, data in files.items()})
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        yield Refused(
            "argocd-not-current",
            f"{found[0].path} {found[0].how}{more}.",
            f"{FOLDER}/ is what `deliver argocd` writes from delivery.yaml; nobody edits it.",
            "run `deliver argocd` and commit what it writes",
        )
