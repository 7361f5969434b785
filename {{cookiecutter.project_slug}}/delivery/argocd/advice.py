"""The rule and the next step that go with each name of a record that does not run."""

from __future__ import annotations

from ..errors import DeliveryError, Refused, Unknown
from ..ledger import Entry
from ..settings import Settings
from .looking import Look
from .names import application_name, project_name

CONFIRM = "deliver confirm {app} --env {environment}"
ROLLBACK = 'deliver rollback {app} --env {environment} --reason "…"'
PAGE = "look at Application {name} in Argo CD"

ADVICE: dict[str, tuple[str, str]] = {
    "no-application": (
        "An environment's ApplicationSet makes an Application for each app in releases/.",
        "look at ApplicationSet {project} in Argo CD; `deliver bootstrap` brings what is missing",
    ),
    "other-source": (
        "An Application reads its app's manifests on main, for the environment's namespace.",
        f"{PAGE}: its ApplicationSet writes it from argocd/{{environment}}/",
    ),
    "behind": (
        "Argo CD looks at main by itself every few minutes, or when the Git host tells it.",
        f"{PAGE}: see that it reaches the repository; then {CONFIRM}",
    ),
    "syncing": (
        "A record runs when its sync has ended, hooks included.",
        f"{CONFIRM} --timeout 20m",
    ),
    "not-synced": (
        "What runs is what main says; Argo CD puts back what differs.",
        f"{PAGE}: it shows which object differs; then {CONFIRM}",
    ),
    "window-closed": (
        "Outside of its windows, delivery.yaml lets nothing change an environment by itself.",
        f"wait for the window, or have the role operator sync {{name}}; then {CONFIRM}",
    ),
    "degraded": (
        "A release that does not get healthy is not confirmed; its old pods go on answering.",
        f"{PAGE}: its pods say why; then {ROLLBACK}",
    ),
    "not-healthy": (
        "A record runs when all its objects are healthy.",
        f"{PAGE}: it shows which object is not; then {CONFIRM}",
    ),
    "not-asked": (
        "Confirmed is what answered the known question; a whole sync asks it, self-heal does not.",
        f"have the role operator sync {{name}} once; then {CONFIRM}",
    ),
    "question-failed": (
        "After a sync the new pods have to give the answers that the release gave when judged.",
        f"read the log of that Job in Argo CD; then {ROLLBACK}",
    ),
    "sync-failed": (
        "A sync that failed several times needs somebody to look, though Argo CD may try on.",
        f"mend the cause, then {CONFIRM}; or {ROLLBACK}",
    ),
    "superseded": (
        "Only the newest record of an app can be what runs.",
        f"git fetch origin && {CONFIRM}",
    ),
}


def error(seen: Look, entry: Entry, settings: Settings) -> DeliveryError:
    """Return the error for a look at which a record does not run.

    Refused where it was seen to fail, else Unknown.
    """
    failed = seen.verdict == "failed" or seen.code == "degraded"
    kind = Refused if failed else Unknown
    rule, step = advice(seen.code, entry.environment, entry.app, settings)
    return kind(seen.code, describe(seen, entry), rule, step)


def describe(seen: Look, entry: Entry) -> str:
    """Return what a look gave, as a sentence about the record."""
    return f"{entry.app} {entry.name}: {seen.sentence.rstrip('. ')}."


def advice(code: str, environment: str, app: str, settings: Settings) -> tuple[str, str]:
    """Return the rule and the next step for a name."""
    words = {
        "app": app,
        "environment": environment,
        "name": application_name(settings, environment, app),
        "project": project_name(settings, environment),
    }
    rule, step = ADVICE[code]
    return rule, step.format(**words)
