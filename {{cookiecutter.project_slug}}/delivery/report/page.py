"""The whole comment: its first lines, its sections in order, and the same for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..argocd.notes import Confirmation
from ..check import Report
from ..check.change import Change
from .approving import approving, needed, owners
from .blocks import Block, fitted
from .bringing import Brought, secrets
from .cluster import cluster
from .first_lines import first_lines, state_of, title
from .hiding import cleaned, without
from .sections import before, metrics, refusals, riding
from .serving import served
from .verdict import plain

MARKER = "<!-- deliver:report -->"
"""The first line: by it whoever posts the report finds the comment that it replaces."""


@dataclass(frozen=True)
class Page:
    """What a report is made of."""

    change: Change
    found: Report
    parts: Sequence[Brought]
    notes: Mapping[str, Confirmation] | None

    @property
    def call(self) -> str:
        """The options that name this very change, wherever it is looked at."""
        return f"--base {self.change.base.commit[:12]} --head {self.change.head.commit[:12]}"

    def markdown(self) -> str:
        """Return the comment: at most 65,000 bytes, and nothing secret in it."""
        return without(fitted(list(self._blocks())), secrets(self.parts))

    def _blocks(self) -> Iterator[Block]:
        change, parts = self.change, self.parts
        lines = first_lines(change, self.found, parts)
        yield Block([MARKER, *(line for one in lines for line in (one, ""))])
        yield from (Block([_reason(part), ""]) for part in parts if part.entry is not None)
        yield Block([row for part in parts for one in served(change, part) for row in (one, "")])
        everything = f"`deliver report {self.call} --json`"
        yield from metrics(parts, self.found, everything)
        yield from refusals(self.found)
        if parts:
            yield from cluster(parts, f"`deliver diff {self.call}`")
            yield from riding(change, parts)
            yield from before(change, parts, self.notes)
            yield Block(approving(change, parts))

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines, nothing shortened, with the comment itself."""
        lines = first_lines(self.change, self.found, self.parts)
        content = {
            "state": state_of(self.found),
            "base": self.change.base.commit,
            "head": self.change.head.commit,
            "title": title(self.change, self.parts),
            "lines": lines,
            "findings": [finding.as_json() for finding in self.found.findings],
            "approvals": needed(self.change, self.parts),
            "apps": [self._app(part) for part in self.parts],
            "markdown": self.markdown(),
        }
        found: dict[str, Any] = cleaned(content, set(secrets(self.parts)))
        return found

    def _app(self, part: Brought) -> dict[str, Any]:
        evidence = part.evidence
        return {
            "app": part.app,
            "environment": part.environment,
            "owners": owners(self.change, part.app),
            "kind": part.kind,
            "model": part.model,
            "replaces": part.replaced,
            "evidence": None if evidence is None else evidence.model_dump(mode="json"),
            "changes": [vars(change) for change in part.changes],
        }


def _reason(part: Brought) -> str:
    assert part.entry is not None
    record = part.entry.record
    change = f" ({plain(record.change)})" if record.change else ""
    return f"Reason given for {plain(part.app)}: {plain(record.reason)}{change}"
