"""`deliver apps`: the apps on main."""

from __future__ import annotations

from ..workplace import Workplace


def apps(workplace: Workplace) -> list[dict[str, str]]:
    """Return one row an app: what it is, who owns it, and which model each environment runs."""
    return [
        {
            "app": app.name,
            "task": app.file.task,
            "style": app.file.style,
            "owners": " ".join(app.file.owners),
            **{env: _model(workplace, env, app.name) for env in workplace.settings.names},
        }
        for app in workplace.apps
    ]


def _model(workplace: Workplace, environment: str, app: str) -> str:
    current = workplace.ledger.line(environment, app).current
    return f"model {current.record.release.model.version}" if current else "-"
