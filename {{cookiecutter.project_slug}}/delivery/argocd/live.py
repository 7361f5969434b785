"""What `status --live` adds: what Argo CD says of each record, and when it was confirmed."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import DeliveryError, Unknown, UsageError
from ..ledger import Entry
from ..verbs.status import status
from .applications import Application
from .drift import Connect
from .looking import look
from .mainline import Mainline
from .names import application_name, project_name
from .notes import Confirmation, read_notes

Told = list[dict[str, str]]


def live(mainline: Mainline, connect: Connect) -> tuple[Told, list[DeliveryError]]:
    """Return the rows of `status` with columns `live` and `confirmed`, and what was not answered.

    `live` is `runs`, or the name of what stands in the way, as `confirm` and `drift` have it.
    """
    errors = _fetched(mainline)
    rows = status(mainline.place)
    found: dict[str, Mapping[str, Application]] = {}
    for environment in dict.fromkeys(row["environment"] for row in rows if row["record"]):
        try:
            project = project_name(mainline.place.settings, environment)
            with connect(environment) as server:
                found[environment] = server.applications(project)
        except (Unknown, UsageError) as err:
            errors.append(err)
    notes = read_notes(mainline.place.repository) or {}
    return [_told(mainline, row, found, notes) for row in rows], errors


def _fetched(mainline: Mainline) -> list[DeliveryError]:
    try:
        mainline.fetch()
    except Unknown as err:
        return [err]
    return []


def _told(
    mainline: Mainline,
    row: dict[str, str],
    found: Mapping[str, Mapping[str, Application]],
    notes: Mapping[str, Confirmation],
) -> dict[str, str]:
    entry = mainline.place.ledger.line(row["environment"], row["app"]).current
    applications = found.get(row["environment"])
    told, since = "", ""
    if entry is not None:
        told = "unknown" if applications is None else _live(mainline, entry, applications)
        note = notes.get(entry.sha256)
        since = note.time[:16].replace("T", " ") if note else "no"
    kept = {key: text for key, text in row.items() if key != "note"}
    return {**kept, "live": told, "confirmed": since, "note": row["note"]}


def _live(mainline: Mainline, entry: Entry, applications: Mapping[str, Application]) -> str:
    settings = mainline.place.settings
    application = applications.get(application_name(settings, entry.environment, entry.app))
    seen = look(application, entry, settings, lambda r: mainline.where(entry, r))
    return "runs" if seen.verdict == "runs" else seen.code
