"""GitHub, by github.com or a server of one's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from .host import Host, quoted
from .parts import Commit, Part, PullRequest, Rules
from .rest import unreachable

KIND = "application/vnd.github+json"
HEADERS: Mapping[str, str] = {"X-GitHub-Api-Version": "2022-11-28"}
WRITERS = ("admin", "write")
"""Whose review counts: anybody may give one who may read, be it a member of the organization."""
MOST_COMMITS = 250
"""GitHub lists no more, so that the author of another could approve it unseen."""
AUTO_MERGE = """\
mutation($id: ID!, $commit: GitObjectID!) {
  enablePullRequestAutoMerge(
    input: {pullRequestId: $id, expectedHeadOid: $commit, mergeMethod: SQUASH}
  ) { clientMutationId }
}"""


class _Checks(Part):
    contexts: tuple[str, ...] = ()


class _Protection(Part):
    required_status_checks: _Checks = _Checks()


class _Branch(Part):
    protection: _Protection = _Protection()


class _Context(Part):
    context: str


class _Parameters(Part):
    required_status_checks: tuple[_Context, ...] = ()


class _Rule(Part):
    type: str
    parameters: _Parameters = _Parameters()


class _Membership(Part):
    state: str


class _Permission(Part):
    permission: str


@dataclass
class GitHub(Host):
    """A repository on GitHub."""

    enforces_owners = True

    def find(self, branch: str) -> PullRequest | None:
        """Return the open pull request of a branch."""
        asked = {"head": f"{self.repository.split('/')[0]}:{branch}", "base": self.main}
        found = self.rest.list(self._path("pulls"), PullRequest, state="open", **asked)
        return next((one for one in found if one.head.ref == branch and self._own(one)), None)

    def approved_by(self, number: int, commits: Collection[str]) -> list[str]:
        """Return who approves one of some commits of a pull request and may: logins, each once.

        Of several reviews of one person the last counts, comments aside.
        """
        last: dict[str, bool] = {}
        for one in self.reviews(number):
            if one.user is not None and one.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
                last[one.user.login] = one.state == "APPROVED" and one.commit_id in commits
        return [login for login, approves in last.items() if approves and self._may_write(login)]

    def _may_write(self, login: str) -> bool:
        path = self._path(f"collaborators/{quoted(login)}/permission")
        found = self.rest.find(path, _Permission)
        return found is not None and found.permission in WRITERS

    def authors(self, request: PullRequest, but: Collection[str]) -> set[str]:
        """Return who opened a pull request and who wrote its commits; raises Unknown for many."""
        found = self.rest.list(self._path(f"pulls/{request.number}/commits"), Commit)
        if len(found) >= MOST_COMMITS:
            said = f"of a pull request it lists {MOST_COMMITS} commits; who wrote more is unknown"
            raise unreachable(self.rest.url, said)
        wrote = (one for one in found if one.sha not in but)
        return {request.user.login, *(login for one in wrote for login in one.users())}

    def in_team(self, team: str, login: str) -> bool:
        """Return whether somebody is in a team, named as `org/team`."""
        org, _, name = team.partition("/")
        path = f"orgs/{quoted(org)}/teams/{quoted(name)}/memberships/{quoted(login)}"
        found = self.rest.find(path, _Membership)
        return found is not None and found.state == "active"

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Put labels on a pull request; GitHub makes those that are not there."""
        self.rest.ask("POST", self._path(f"issues/{number}/labels"), body={"labels": list(labels)})

    def required_checks(self) -> list[str]:
        """Return the names of the checks that branch protection or a ruleset asks for."""
        main = quoted(self.main)
        branch = self.rest.get(self._path(f"branches/{main}"), _Branch)
        found = {*branch.protection.required_status_checks.contexts}
        for rule in self.rest.list(self._path(f"rules/branches/{main}"), _Rule):
            found |= {one.context for one in rule.parameters.required_status_checks}
        return sorted(found)

    def merge_when_ready(self, request: PullRequest, commit: str) -> None:
        """Have GitHub merge a pull request; only its GraphQL API knows how.

        Raises Refused (`host-refused`) where the repository does not allow it.
        """
        # A server of one's own has .../api/v3 and .../api/graphql side by side.
        url = f"{self.rest.url.removesuffix('/v3')}/graphql"
        body = {"query": AUTO_MERGE, "variables": {"id": request.node_id, "commit": commit}}
        found: dict[str, Any] = self.rest.ask("POST", url, body=body).json()
        if found.get("errors"):
            raise Refused(
                "host-refused",
                f"auto-merge was not set: {found['errors'][0].get('message')}",
                "GitHub merges by itself only where the repository allows it and rules are unmet.",
                "run `deliver protect`, which allows it; or merge the pull request by hand",
            )

    def protect(self, rules: Rules) -> None:
        """Set the protection of the main branch, and what a merge leaves behind."""
        branch = f"branches/{quoted(rules.branch)}/protection"
        self.rest.ask("PUT", self._path(branch), body=protection(rules))
        merging = {"allow_auto_merge": True, "delete_branch_on_merge": True}
        self.rest.ask("PATCH", f"repos/{self.repository}", body=merging)


def protection(rules: Rules) -> dict[str, Any]:
    """Return branch protection as GitHub has it; owners of what is touched have to approve."""
    return {
        "required_status_checks": {"strict": True, **_checks(rules)},
        "enforce_admins": True,
        "required_pull_request_reviews": {
            "required_approving_review_count": rules.approvals,
            "require_code_owner_reviews": True,
            "dismiss_stale_reviews": True,
            # Who pushed last is known for sure; a commit's author is what it says.
            "require_last_push_approval": rules.approvals > 0,
        },
        "restrictions": None,
        "allow_force_pushes": False,
        "allow_deletions": False,
    }


def _checks(rules: Rules) -> dict[str, Any]:
    if rules.app is None:
        return {"contexts": list(rules.checks)}
    return {"checks": [{"context": name, "app_id": rules.app} for name in rules.checks]}
