"""Gitea, and what descends from it."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from .host import Host, quoted
from .parts import Label, Part, PullRequest, Rules

COLOUR = "#1d76db"
SCHEDULED = "already scheduled"
"""What Gitea says of a pull request that it was told before to merge.

See: `ErrAlreadyScheduledToAutoMerge` in models/pull/automerge.go of Gitea 1.26.
"""
NOT_YET = "try again later"
"""What it says while it looks whether a commit can be merged, and where it cannot.

See: `ErrNotMergeableState` in routers/api/v1/repo/pull.go of Gitea 1.26.
"""
READY_S = 15
PAUSE_S = 0.5


class _Branch(Part):
    enable_status_check: bool = False
    status_check_contexts: tuple[str, ...] | None = None


class _Protection(Part):
    rule_name: str


class _Team(Part):
    id: int
    name: str


@dataclass
class Gitea(Host):
    """A repository on Gitea, which asks owners for a review and merges without it."""

    enforces_owners = False

    def approved_by(self, number: int, commits: Collection[str]) -> list[str]:
        """Return who approves one of some commits of a pull request and may: logins, each once.

        Gitea calls a review official when who gave it may merge, or is on the rule's list.
        """
        last: dict[str, bool] = {}
        for one in self.reviews(number):
            if one.user is not None and one.state in ("APPROVED", "REQUEST_CHANGES"):
                good = one.state == "APPROVED" and one.official
                current = one.commit_id in commits and not one.stale and not one.dismissed
                last[one.user.login] = good and current
        return [login for login, approves in last.items() if approves]

    def in_team(self, team: str, login: str) -> bool:
        """Return whether somebody is in a team, named as `org/team`."""
        org, _, name = team.partition("/")
        teams = self.rest.list(f"orgs/{quoted(org)}/teams", _Team)
        found = [one for one in teams if one.name.lower() == name.lower()]
        paths = (f"teams/{one.id}/members/{quoted(login)}" for one in found)
        return any(self.rest.find(path, Part) is not None for path in paths)

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Put labels on a pull request, those made that are not there."""
        known = {one.name: one.id for one in self.rest.list(self._path("labels"), Label)}
        for name in labels:
            if name not in known:
                made = {"name": name, "color": COLOUR}
                known[name] = self.rest.send("POST", self._path("labels"), made, Label).id
        ids = [known[name] for name in labels]
        self.rest.ask("POST", self._path(f"issues/{number}/labels"), body={"labels": ids})

    def required_checks(self) -> list[str]:
        """Return the names of the checks that the rule of main asks for."""
        found = self.rest.get(self._path(f"branches/{quoted(self.main)}"), _Branch)
        return sorted(found.status_check_contexts or ()) if found.enable_status_check else []

    def merge_when_ready(self, request: PullRequest, commit: str) -> None:
        """Have Gitea merge a pull request as soon as its checks have passed.

        The wish stays when another commit is pushed, whose checks then have to pass. Where it was
        told so before, Gitea answers with a conflict, as it does for others.
        """
        wanted = {
            "Do": "squash",
            "merge_when_checks_succeed": True,
            "delete_branch_after_merge": True,
            "head_commit_id": commit,
        }
        path = self._path(f"pulls/{request.number}/merge")
        until = time.monotonic() + READY_S
        while True:
            answer = self.rest.ask("POST", path, body=wanted, also=(405, 409))
            if answer.is_success or SCHEDULED in answer.text:
                return
            if NOT_YET not in answer.text or time.monotonic() > until:
                raise self.rest.problem("POST", path, answer)
            time.sleep(PAUSE_S)

    def protect(self, rules: Rules) -> None:
        """Set the rule of the main branch, and what a merge leaves behind."""
        path, wanted = self._path("branch_protections"), protection(rules)
        own = f"{path}/{quoted(rules.branch)}"
        if self.rest.find(own, _Protection) is None:
            self.rest.ask("POST", path, body={"rule_name": rules.branch, **wanted})
        else:
            self.rest.ask("PATCH", own, body=wanted)
        merging = {"default_delete_branch_after_merge": True, "default_merge_style": "squash"}
        self.rest.ask("PATCH", f"repos/{self.repository}", body=merging)


def protection(rules: Rules) -> dict[str, Any]:
    """Return the rule of a branch as Gitea has it; a branch with a rule cannot be deleted."""
    return {
        "enable_push": False,
        "enable_force_push": False,
        "enable_status_check": True,
        "status_check_contexts": list(rules.checks),
        "required_approvals": rules.approvals,
        "dismiss_stale_approvals": True,
        "block_on_rejected_reviews": True,
        "block_on_outdated_branch": True,
        "block_admin_merge_override": True,
    }
