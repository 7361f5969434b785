"""`deliver status`: what is where, since when, and what waits."""

from __future__ import annotations

from ..canonical import short
from ..ledger import Line, vanished
from ..workplace import Workplace
from .history import Merge, merges
from .render import pending


def status(workplace: Workplace) -> list[dict[str, str]]:
    """Return one row for each app and environment, in the order that releases pass them.

    What runs is shown even where its app.yaml or its overlay is gone.
    """
    when = merges(workplace.repository, workplace.main.commit)
    workplace.main.load(workplace.main.paths("overlays"))  # all at once: one process
    names = workplace.settings.names
    shown = {(app.name, env) for app in workplace.apps for env in names if app.in_environment(env)}
    shown |= {(line.app, line.environment) for line in workplace.ledger if line.current}
    return [
        _row(workplace, workplace.ledger.line(env, app), when)
        for app in sorted({app for app, _ in shown})
        for env in names
        if (app, env) in shown
    ]


def _row(workplace: Workplace, line: Line, when: dict[str, Merge]) -> dict[str, str]:
    current = line.current
    if current is None:
        return _cells(line, "", "", "", "", _waiting(workplace, line) or "no release yet")
    release = current.record.release
    merge = when.get(current.path)
    since = merge.time[:16].replace("T", " ") if merge else "unknown"
    return _cells(
        line, current.name, release.model.version, short(release.id), since, _note(workplace, line)
    )


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


def _waiting(workplace: Workplace, line: Line) -> str:
    branch = workplace.waiting.get((line.environment, line.app))
    return f"branch {branch} waits to be merged" if branch else ""


def _note(workplace: Workplace, line: Line) -> str:
    notes = [waits] if (waits := _waiting(workplace, line)) else []
    if line.on_hold:
        notes.append(f'on hold: deliver resume {line.app} --env {line.environment} --reason "…"')
    gone = vanished(workplace.main, line)
    kind = None if gone else pending(workplace, line)
    if gone:
        notes.append(f"{gone} is gone from {workplace.settings.main}")
    if kind:
        notes.append(f"{kind} pending: deliver render --env {line.environment} {line.app}")
    before = workplace.settings.before(line.environment)
    source = workplace.ledger.line(before, line.app) if before else None
    if source and source.current and line.current and not line.on_hold:
        theirs, ours = source.current.record.release, line.current.record.release
        if theirs.id != ours.id and source.accepted(theirs.id):
            notes.append(f"{before} is ahead (model {theirs.model.version})")
    return "; ".join(notes)
