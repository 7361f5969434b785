"""What verbs ask of a Git host. GitHub and Gitea have most of it under the same paths.

See: the REST API of GitHub (version 2022-11-28) and of Gitea 1.26, which follows it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar
from urllib.parse import quote

from ..errors import Refused, Unknown, UsageError
from .parts import Check, Comment, Commit, Part, PullRequest, Review, Rules, User
from .rest import Rest

SENTENCE = 140
"""The longest description of a check that GitHub takes."""


@dataclass
class Host(ABC):
    """One repository on a Git host, its pull requests being those into `main`."""

    rest: Rest
    repository: str
    """Its owner and name, as in `acme/models`."""
    main: str
    enforces_owners: ClassVar[bool]
    """Whether the host itself lets nothing in without an approval by CODEOWNERS."""

    def get(self, number: int) -> PullRequest:
        """Return a pull request; raises UsageError (`no-such-pull-request`)."""
        found = self.rest.find(self._path(f"pulls/{number}"), PullRequest)
        if found is None:
            self.rest.get(self._path(f"branches/{quoted(self.main)}"), Part)  # may it look here?
            raise UsageError(
                "no-such-pull-request",
                f"{self.repository} has no pull request {number}.",
                "The Git host numbers them, and its page's address ends in the number.",
                "call again with the number of one that is there",
            )
        return found

    def all_open(self) -> list[PullRequest]:
        """Return the open pull requests into main from branches of this repository."""
        found = self.rest.list(self._path("pulls"), PullRequest, state="open")
        return [one for one in found if one.base.ref == self.main and self._own(one)]

    def find(self, branch: str) -> PullRequest | None:
        """Return the open pull request of a branch."""
        return next((one for one in self.all_open() if one.head.ref == branch), None)

    def open(self, branch: str, title: str, body: str) -> PullRequest:
        """Return a new pull request of a branch that was pushed."""
        wanted = {"head": branch, "base": self.main, "title": title, "body": body}
        return self.rest.send("POST", self._path("pulls"), wanted, PullRequest)

    def change(self, number: int, title: str, body: str) -> PullRequest:
        """Return a pull request after it got another title and body."""
        wanted = {"title": title, "body": body}
        return self.rest.send("PATCH", self._path(f"pulls/{number}"), wanted, PullRequest)

    def close(self, number: int) -> None:
        """Close a pull request without merging it."""
        self.rest.ask("PATCH", self._path(f"pulls/{number}"), body={"state": "closed"})

    def comment(self, number: int, text: str) -> None:
        """Put a comment on a pull request."""
        self.rest.ask("POST", self._path(f"issues/{number}/comments"), body={"body": text})

    def own_comment(self, number: int, start: str) -> Comment | None:
        """Return the oldest comment of whoever has the token that starts with a text."""
        comments = self.rest.list(self._path(f"issues/{number}/comments"), Comment)
        ours = (one for one in comments if (one.body or "").startswith(start))
        return next((one for one in ours if self._is_ours(one.user)), None)

    def change_comment(self, comment: Comment, text: str) -> None:
        """Give a comment another text."""
        path = self._path(f"issues/comments/{comment.id}")
        self.rest.ask("PATCH", path, body={"body": text})

    def report(self, commit: str, check: Check) -> None:
        """Report a check on a commit, in place of one of the same name."""
        wanted = {
            "state": check.state,
            "context": check.name,
            "description": check.sentence[:SENTENCE],
            "target_url": check.link,
        }
        sent = {key: value for key, value in wanted.items() if value}
        self.rest.ask("POST", self._path(f"statuses/{commit}"), body=sent)

    def reviews(self, number: int) -> list[Review]:
        """Return the reviews of a pull request, oldest first."""
        return self.rest.list(self._path(f"pulls/{number}/reviews"), Review)

    def authors(self, request: PullRequest, but: Collection[str]) -> set[str]:
        """Return the logins of who opened a pull request, and of who wrote its commits but some."""
        commits = self.rest.list(self._path(f"pulls/{request.number}/commits"), Commit)
        wrote = (one for one in commits if one.sha not in but)
        return {request.user.login, *(login for one in wrote for login in one.users())}

    @abstractmethod
    def approved_by(self, number: int, commits: Collection[str]) -> list[str]:
        """Return who approves one of some commits of a pull request and may: logins, each once."""

    @abstractmethod
    def in_team(self, team: str, login: str) -> bool:
        """Return whether somebody is in a team, named as `org/team`."""

    @abstractmethod
    def label(self, number: int, labels: Sequence[str]) -> None:
        """Put labels on a pull request, those made that are not there."""

    @abstractmethod
    def required_checks(self) -> list[str]:
        """Return the names of the checks without which nothing is merged into main."""

    @abstractmethod
    def merge_when_ready(self, request: PullRequest, commit: str) -> None:
        """Have the host merge a pull request, at this commit, as soon as its rules let it."""

    @abstractmethod
    def protect(self, rules: Rules) -> None:
        """Set the rules of the main branch, in place of those that it has."""

    def _path(self, rest: str) -> str:
        return f"repos/{self.repository}/{rest}"

    def _own(self, request: PullRequest) -> bool:
        repo = request.head.repo
        return repo is not None and repo.full_name.lower() == self.repository.lower()

    @cached_property
    def _login(self) -> str | None:
        """Who has the token; None for an application's, which may not ask."""
        try:
            return self.rest.get("user", User).login
        except (Unknown, Refused) as err:
            if err.code != "host-denied":
                raise
            return None

    def _is_ours(self, user: User) -> bool:
        """Return whether a comment is ours: nobody else's is taken for it, whatever it says."""
        return user.type == "Bot" if self._login is None else user.login == self._login


def put_comment(host: Host, number: int, text: str) -> None:
    """Put the one comment that starts with a text's first line, or bring it up to date.

    That line is a hidden marker, such as `<!-- deliver:report -->`.
    """
    found = host.own_comment(number, text.splitlines()[0])
    if found is None:
        host.comment(number, text)
    elif found.body != text:
        host.change_comment(found, text)


def quoted(name: str) -> str:
    """Return a name as one part of a path."""
    return quote(name, safe="")
