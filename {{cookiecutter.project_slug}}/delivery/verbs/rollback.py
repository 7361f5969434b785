"""`deliver rollback`: put back what an environment ran before, without asking anyone."""

from __future__ import annotations

from ..errors import Refused
from ..ledger import Entry, Line
from ..proposal import Proposal, Step, manifests_of, propose, step
from ..records import ACCEPTING, Record
from ..workplace import Workplace


def rollback(
    workplace: Workplace,
    app: str,
    environment: str,
    *,
    to: int | None,
    reason: str,
    change: str | None,
) -> Proposal:
    """Return the proposal that restores an earlier record's manifests byte for byte.

    Needs the repository alone: no MLflow, no hold-out, no container engine, no renderer. Raises
    Refused where there is nothing to go back to, and Unknown where this clone lacks the history.
    """
    workplace.settings.environment(environment)
    workplace.require_known(app)
    line = workplace.ledger.line(environment, app)
    target = find_target(line, to)
    return propose(workplace, [repeat(workplace, line, target, "rollback", reason, change)])


def repeat(
    workplace: Workplace, line: Line, target: Entry, kind: str, reason: str, change: str | None
) -> Step:
    """Return the step that repeats an earlier record's release and manifests under a new kind."""
    record = Record.model_validate(
        target.record.model_dump(by_alias=True)
        | {
            "kind": kind,
            "from": target.name,
            "reason": reason,
            "change": change,
            "expires": None,
            "previous": None if line.newest is None else line.newest.sha256,
        }
    )
    return step(workplace, line, record, manifests_of(workplace, target), {})


def find_target(line: Line, to: int | None) -> Entry:
    """Return the record to go back to: the one named, else the newest earlier accepted release.

    Raises Refused: `nothing-to-roll-back`, `no-such-record`, `withdrawn`, `never-accepted`.
    """
    current = line.current
    if current is None:
        raise _nothing(line)
    if to is None:
        return _newest_before(line, current)
    target = line.find(to)
    if target is None or target.number >= current.number:
        raise Refused(
            "no-such-record",
            f"{line.environment}/{to:04} is not an earlier record of {line.app}.",
            "A rollback goes back to a record that the environment had.",
            f"choose one from `deliver history {line.app} --env {line.environment}`",
        )
    require_target(line, target)
    if target.record.manifests == current.record.manifests:
        raise Refused(
            "nothing-to-roll-back",
            f"{current.name} has the manifests of {target.name} already.",
            "A rollback changes what the environment runs.",
            f"choose another from `deliver history {line.app} --env {line.environment}`",
        )
    return target


def require_target(line: Line, target: Entry) -> None:
    """Raise Refused unless a record's release was accepted here and is not withdrawn."""
    release = target.record.release.id
    if release in line.withdrawn:
        raise Refused(
            "withdrawn",
            f"the release of {line.app} {target.name} was taken back by a rollback.",
            "What was rolled back does not return without being accepted again.",
            "choose another record, or promote the release through its gate again",
        )
    if not _accepted_by(line, target):
        raise Refused(
            "never-accepted",
            f"the release of {line.app} {target.name} was never accepted in {line.environment}.",
            "A rollback restores only what passed its gate there.",
            f"choose one from `deliver history {line.app} --env {line.environment}`",
        )


def _accepted_by(line: Line, target: Entry) -> bool:
    return any(
        entry.record.kind in ACCEPTING and entry.record.release.id == target.record.release.id
        for entry in line.entries
        if entry.number <= target.number
    )


def _newest_before(line: Line, current: Entry) -> Entry:
    release = current.record.release.id
    for entry in reversed(line.entries[:-1]):
        other = entry.record.release.id
        if other != release and other not in line.withdrawn and entry.record.kind != "retire":
            return entry
    raise _nothing(line)


def _nothing(line: Line) -> Refused:
    return Refused(
        "nothing-to-roll-back",
        f"{line.app} had no other accepted release in {line.environment}."
        if line.entries
        else f"{line.app} has no release in {line.environment}.",
        "Without --to a rollback goes back to another release that the environment had before.",
        f"for an earlier configuration of this one name its record: --to RECORD, as in "
        f"`deliver history {line.app} --env {line.environment}`",
    )
