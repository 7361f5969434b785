"""`deliver protect`: the rules of the main branch, as the Git host is to keep them."""

from __future__ import annotations

from collections.abc import Sequence

from ..hosts.parts import Rules
from ..settings import Settings

CHECKS = ("pass", "test")
"""The final job of .github/workflows/check.yml, and the one of test.yml."""


def rules_for(settings: Settings, checks: Sequence[str]) -> Rules:
    """Return the rules of main.

    A host counts approvals the same for every pull request, so it is asked for no more than every
    environment asks for, and than a rollback may need. The rest is the owners' review, and what
    `deliver approvals` counts.
    """
    least = min(environment.approvals for environment in settings.environments)
    return Rules(settings.main, tuple(checks), min(least, 1))


def told(rules: Rules) -> list[str]:
    """Return the rules as sentences, for people who set them by hand."""
    return [
        f"{rules.branch}: nobody pushes to it, forces it or deletes it, administrators included",
        f"{rules.branch}: required checks: {', '.join(rules.checks)}, on an up-to-date branch",
        f"{rules.branch}: approvals of every pull request: {rules.approvals}",
        f"{rules.branch}: the owners of what is touched have to approve (CODEOWNERS)",
        f"{rules.branch}: a new commit takes back the approvals before it",
        "merging: by squash, by itself where asked for; the branch is deleted",
    ]
