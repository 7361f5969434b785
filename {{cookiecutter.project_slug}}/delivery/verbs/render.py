"""`deliver render`: bring a changed overlay or renderer into an environment."""

from __future__ import annotations

from ..errors import Refused
from ..ledger import Line, question_path
from ..proposal import Proposal, Step, compose, overlay_folder, place, propose, renderer
from ..records import Kind
from ..workplace import Workplace


def render_pending(
    workplace: Workplace, environment: str, apps: list[str], *, reason: str, change: str | None
) -> list[Proposal]:
    """Return the proposals for all that is pending in an environment, one a kind.

    An empty list of apps stands for all of them; then those on hold are left out, while an app
    that was named raises Refused (`on-hold`). Raises Refused (`nothing-pending`).
    """
    workplace.settings.environment(environment)
    for name in apps:
        workplace.require_known(name)
    lines = [workplace.ledger.line(environment, name) for name in dict.fromkeys(apps)] or [
        line for line in workplace.ledger if line.environment == environment and not line.on_hold
    ]
    for line in lines:
        line.require_no_hold()
    found = [(kind, line) for line in lines if (kind := pending(workplace, line))]
    if not found:
        raise Refused(
            "nothing-pending",
            f"nothing is pending for {', '.join(apps) or 'any app'} in {environment}.",
            "`render` brings an overlay, settings or a renderer that changed on main.",
            "merge the change first, or look at `deliver status`",
        )
    steps = [_step(workplace, kind, line, reason, change) for kind, line in found]
    kinds = sorted({step.record.kind for step in steps})
    return [propose(workplace, [s for s in steps if s.record.kind == kind]) for kind in kinds]


def pending(workplace: Workplace, line: Line) -> Kind | None:
    """Return what kind of record would bring a line up to main; None where nothing is pending."""
    current = line.current
    if current is None:
        return None
    overlay = overlay_folder(workplace, line.environment, line.app)
    env = workplace.settings.environment(line.environment)
    record = current.record
    if overlay.sha256 != record.overlay.sha256 or place(env) != record.settings:
        return "configure"
    return "rerender" if renderer(workplace.settings) != record.renderer else None


def _step(workplace: Workplace, kind: Kind, line: Line, reason: str, change: str | None) -> Step:
    current = line.current
    assert current is not None  # pending() said so
    path = question_path(line.app, current.record)
    return compose(
        workplace,
        line,
        kind,
        current.record.release,
        reason=reason,
        change=change,
        from_=current.name,
        evidence=current.record.evidence,
        question=workplace.main.find(path) or b"",
        beside={},
    )
