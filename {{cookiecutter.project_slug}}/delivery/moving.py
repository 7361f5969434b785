"""Whether an environment may be changed now, as delivery.yaml on the newest main says."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from .errors import Refused
from .settings import Environment, Window
from .windows import closed_by, opens_at


def require_moving(environment: Environment, now: datetime) -> None:
    """Raise Refused: `line-stopped`, or `frozen` while windows keep the environment as it is.

    Not asked for a rollback, which has to work at any time.
    """
    if environment.stopped is not None:
        raise Refused(
            "line-stopped",
            f"{environment.name} is stopped: {environment.stopped}",
            "While `stopped` stands in delivery.yaml nothing but a rollback changes it.",
            f"when the cause is mended, remove `stopped` of {environment.name} by a pull request",
        )
    window = closed_by(environment.windows, now)
    if window is not None:
        raise _frozen(environment, window, now)


def _frozen(environment: Environment, window: Window, now: datetime) -> Refused:
    what = f"`{window.schedule}` for {window.duration} in {window.timezone}"
    why = (
        f"the deny window {what} is open"
        if window.kind == "deny"
        else f"it is outside of the allow window {what}"
    )
    until = opens_at(environment.windows, now)
    if until is None:
        when, next_step = "with no end", "have the windows in delivery.yaml mended"
    else:
        when = f"until {until.astimezone(ZoneInfo(window.timezone)):%Y-%m-%d %H:%M}"
        next_step = f"call again after {until:%Y-%m-%dT%H:%MZ}"
    return Refused(
        "frozen",
        f"{environment.name} is frozen {when}: {why}.",
        "The windows of delivery.yaml hold for records as for Argo CD; a rollback passes.",
        next_step,
    )
