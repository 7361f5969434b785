"""`deliver status`: what is where, since when, and what waits."""

from __future__ import annotations

from ..canonical import short
from ..ledger import Line
from ..workplace import Workplace
from .history import Merge, merges
from .waits import promotable, waits


def status(workplace: Workplace) -> list[dict[str, str]]:
    """Return one row for each app and environment, in the order that releases pass them.

    What runs is shown even where its app.yaml or its overlay is gone.
    """
    when = merges(workplace.repository, workplace.main.commit)
    workplace.main.load(workplace.main.paths("overlays"))  # all at once: one process
    return [_row(workplace, line, when) for line in shown(workplace)]


def shown(workplace: Workplace) -> list[Line]:
    """Return the line of each app in each environment that it has an overlay for or runs in."""
    names = workplace.settings.names
    found = {(app.name, env) for app in workplace.apps for env in names if app.in_environment(env)}
    found |= {(line.app, line.environment) for line in workplace.ledger if line.current}
    return [
        workplace.ledger.line(env, app)
        for app in sorted({app for app, _ in found})
        for env in names
        if (app, env) in found
    ]


def _row(workplace: Workplace, line: Line, when: dict[str, Merge]) -> dict[str, str]:
    current, notes = line.current, [wait.note for wait in waits(workplace, line)]
    if current is None:
        return _cells(line, "", "", "", "", "; ".join(notes) or "no release yet")
    ahead = promotable(workplace, line)
    notes += [ahead.seen] if ahead else []
    release = current.record.release
    merge = when.get(current.path)
    since = merge.time[:16].replace("T", " ") if merge else "unknown"
    model = release.model.version
    return _cells(line, current.name, model, short(release.id), since, "; ".join(notes))


def _cells(
    line: Line, record: str, model: str, release: str, since: str, note: str
) -> dict[str, str]:
    return {
        "app": line.app,
        "environment": line.environment,
        "record": record,
        "model": model,
        "release": release,
        "since": since,
        "note": note,
    }
