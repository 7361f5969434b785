"""Who has to say yes before a change may be merged, as the base has it."""

from __future__ import annotations

from collections.abc import Sequence

from ..check.change import Change
from ..errors import DeliveryError
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


def approvals(change: Change, parts: Sequence[Brought]) -> str:
    """Return in a sentence who has to approve, and what comes then."""
    count = needed(change, parts)
    if not count:
        return "nobody has to approve; merge it when the required check is green."
    people = f"{_people(count)} {'has' if count == 1 else 'have'}"
    names = sorted({name for part in parts for name in owners(change, part.app)})
    among = f" ({', '.join(code(name) for name in names)} own it)" if names else ""
    return f"{people} to approve{among}; then merge it, when the required check is green."


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
