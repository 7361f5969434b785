"""`deliver protect`: the rules of the main branch, as the Git host is to keep them."""

from __future__ import annotations

from collections.abc import Sequence

from ..check.owners import owners_not_current
from ..errors import Refused, UsageError
from ..hosts.parts import Rules
from ..settings import Settings
from ..workplace import Workplace

CHECKS = ("pass", "test")
"""The final job of .github/workflows/check.yml, and the one of test.yml."""


def rules_for(settings: Settings, checks: Sequence[str], app: int | None = None) -> Rules:
    """Return the rules of main; raises UsageError for an application on a host that has none.

    A host counts approvals the same for every pull request, so it is asked for no more than every
    environment asks for, and than a rollback may need. The rest is the owners' review, and what
    `deliver approvals` counts.
    """
    if app is not None and settings.host is not None and settings.host.kind != "github":
        raise UsageError(
            "host-settings",
            f"{settings.host.kind} does not know who reported a check.",
            "Only GitHub takes a check from one application alone.",
            "leave out --app",
        )
    least = min(environment.approvals for environment in settings.environments)
    return Rules(settings.main, tuple(checks), min(least, 1), app)


def ask_for_owners(place: Workplace) -> None:
    """Raise Refused (`owners-not-current`) where main has not the CODEOWNERS that its host reads.

    Under the rules of main nobody would be asked, and the next pull request be refused.
    """
    for found in owners_not_current(place.main, place.settings):
        seen = f"on {place.main_name}: {found.seen}"
        raise Refused(found.code, seen, found.rule, f"{found.next_step}; merge it, and call again")


def told(rules: Rules, settings: Settings) -> list[str]:
    """Return the rules as sentences, for people who set them by hand."""
    gitea = settings.host is not None and settings.host.kind == "gitea"
    owners = "are asked, and `deliver approvals` counts theirs" if gitea else "have to approve"
    source = f"from application {rules.app}" if rules.app else "from anybody who may write"
    return [
        f"{rules.branch}: nobody pushes to it, forces it or deletes it, administrators included",
        f"{rules.branch}: required checks: {', '.join(rules.checks)}, on an up-to-date branch",
        f"{rules.branch}: these checks are taken {source}",
        f"{rules.branch}: approvals of every pull request: {rules.approvals}",
        f"{rules.branch}: the owners of what is touched {owners} (CODEOWNERS)",
        f"{rules.branch}: a new commit takes back the approvals before it",
        "merging: by squash, by itself where asked for; the branch is deleted",
    ]
