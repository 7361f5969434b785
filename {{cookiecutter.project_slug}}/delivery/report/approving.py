"""Who has to say yes before a change may be merged, as the base has it."""

from __future__ import annotations

from collections.abc import Sequence

from ..check.change import Change
from ..errors import DeliveryError
from ..owners import touched
from .bringing import Brought
from .verdict import code


def needed(change: Change, parts: Sequence[Brought]) -> int | None:
    """Return how many have to approve; None where the base has no such environment."""
    counts = []
    for part in parts:
        if part.environment not in change.settings.names:
            return None
        counts.append(change.settings.environment(part.environment).needs(part.kind))
    return max(counts, default=0)


def owners(change: Change, app: str) -> list[str]:
    """Return the owners of an app by its app.yaml at the base; none where that has none."""
    try:
        return change.workplace.app(app).file.owners
    except DeliveryError:
        return []


def touching(change: Change) -> list[str]:
    """Return the owners of what a change touches, by the base; none where that cannot be read."""
    try:
        apps = {app.name: app.file for app in change.workplace.apps}
    except DeliveryError:
        return []
    rows = touched(change.settings, apps, change.paths)
    return sorted({name for row in rows for name in row.owners})


def waits(change: Change, parts: Sequence[Brought]) -> bool:
    """Return whether somebody has to approve."""
    return bool(needed(change, parts) if parts else touching(change))


def approvals(change: Change, parts: Sequence[Brought]) -> str:
    """Return in a sentence who has to approve, and what comes then."""
    then = "then merge it, when the required checks are green."
    if not parts and (names := touching(change)):
        who = ", ".join(code(name) for name in names)
        return f"the owners of what it touches have to approve ({who}); {then}"
    count = needed(change, parts)
    if not count:
        return "nobody has to approve; merge it when the required checks are green."
    people = f"{_people(count)} {'has' if count == 1 else 'have'}"
    own = sorted({name for part in parts for name in owners(change, part.app)})
    among = f" ({', '.join(code(name) for name in own)} own it)" if own else ""
    return f"{people} to approve{among}; {then}"


def approving(change: Change, parts: Sequence[Brought]) -> list[str]:
    """Return the lines on who has to approve, and on when it may come to run."""
    lines = ["### Who has to approve", ""]
    for environment in dict.fromkeys(part.environment for part in parts):
        some = [part for part in parts if part.environment == environment]
        count = needed(change, some)
        if count is None:
            continue
        lines.append(f"- {environment}: {_people(count)} (`approvals` in `delivery.yaml`)")
        names = change.settings.environment(environment).approvers
        if names:
            who = ", ".join(code(name) for name in names)
            lines.append(f"- {environment}: approvals of {who} count (`approvers` there)")
        if change.settings.environment(environment).windows:
            lines.append(
                f"- {environment} changes only at the times that `windows` in `delivery.yaml` "
                "allow: what is merged at other times waits."
            )
    for app in dict.fromkeys(part.app for part in parts):
        who = ", ".join(code(name) for name in owners(change, app)) or "nobody who is known"
        file = code(f"apps/{app}/app.yaml")
        lines.append(f"- {code(app)} is owned by {who} (`owners` in {file})")
    return [*lines, ""]


def _people(count: int) -> str:
    if not count:
        return "nobody"
    return f"{'one person' if count == 1 else f'{count} people'} other than its author"
