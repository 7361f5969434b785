"""`deliver resume`: end the hold that a rollback set."""

from __future__ import annotations

from ..errors import Refused
from ..proposal import Proposal, propose
from ..workplace import Workplace
from .rollback import repeat


def resume(
    workplace: Workplace, app: str, environment: str, *, reason: str, change: str | None
) -> Proposal:
    """Return the proposal that repeats the rollback's release and manifests without its hold."""
    workplace.settings.environment(environment)
    workplace.require_known(app)
    line = workplace.ledger.line(environment, app)
    if not line.on_hold or line.newest is None:
        raise Refused(
            "not-on-hold",
            f"{app} is not on hold in {environment}.",
            "`resume` ends the hold that a rollback set.",
            f"look at `deliver status`, or `deliver history {app} --env {environment}`",
        )
    return propose(workplace, [repeat(workplace, line, line.newest, "resume", reason, change)])
