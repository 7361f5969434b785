"""The rule on CODEOWNERS: it is what delivery.yaml and the apps give."""

from __future__ import annotations

from collections.abc import Iterator

from ..app import read_apps
from ..errors import DeliveryError, Refused
from ..git import Snapshot
from ..owners import PATHS, READ_BEFORE, owners_file, owners_path
from ..settings import PATH, Settings, read_settings
from .change import Change

WRITERS = ("delivery/owners.py", "delivery/settings.py", "delivery/app.py")
OTHERS = {name for names in READ_BEFORE.values() for name in names}


def owners_are_current(change: Change) -> Iterator[DeliveryError]:
    """CODEOWNERS changes together with what it is written from.

    A change may bring the code that writes it, and with it other bytes. Then it is that code which
    says whether they are current, in the change's own tests.
    """
    if any(path.startswith(WRITERS) for path in change.paths):
        return
    if any(_about_owners(path) for path in change.paths):
        yield from owners_not_current(change.head, read_settings(change.head))


def owners_not_current(snapshot: Snapshot, settings: Settings) -> Iterator[DeliveryError]:
    """Yield a refusal where a commit's CODEOWNERS is not what its settings and apps give."""
    apps = {app.name: app.file for app in read_apps(snapshot, settings)}
    path = owners_path(settings)
    kind = settings.host.kind if settings.host else "github"
    for other in READ_BEFORE[kind]:
        if other in snapshot.entries:
            yield _refused(f"{other} would be read in place of {path}.", f"git rm {other}")
    if snapshot.find(path) != owners_file(settings, apps):
        how = "differs" if path in snapshot.entries else "is missing"
        yield _refused(f"{path} {how}.", "run `deliver owners` and commit what it writes")


def _about_owners(path: str) -> bool:
    if path == PATH or path in PATHS.values() or path in OTHERS:
        return True
    return path.startswith("apps/") and path.endswith("/app.yaml")


def _refused(seen: str, next_step: str) -> Refused:
    rule = "Who has to approve follows from delivery.yaml and apps/*/app.yaml; nobody edits it."
    return Refused("owners-not-current", seen, rule, next_step)
