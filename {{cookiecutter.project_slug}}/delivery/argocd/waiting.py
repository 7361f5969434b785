"""What waits to be confirmed: the records in force that no note says to have run."""

from __future__ import annotations

from ..ledger import Entry
from ..workplace import Workplace
from .notes import read_notes


def unconfirmed(place: Workplace, environments: list[str]) -> list[Entry]:
    """Return the records in force without a note, in the order of environments and names."""
    noted = read_notes(place.repository) or {}
    lines = sorted(place.ledger, key=lambda line: line.app)
    found = [line.current for name in environments for line in lines if line.environment == name]
    return [entry for entry in found if entry is not None and entry.sha256 not in noted]
