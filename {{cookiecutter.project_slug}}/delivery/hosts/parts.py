"""What hosts answer and are told, in the words of neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

State = Literal["pending", "success", "failure", "error"]
MARKER = re.compile(r"<!-- [a-z][a-z0-9:-]* -->")


class Part(BaseModel):
    """A frozen part of an answer, which ignores what it does not know."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class User(Part):
    """Who did something; `type` is GitHub's, and `Bot` for what is no person."""

    login: str
    type: str = "User"


class Repo(Part):
    """The repository that a branch is in."""

    full_name: str


class Branch(Part):
    """One end of a pull request; `repo` is none where a fork is gone."""

    ref: str
    sha: str
    repo: Repo | None = None


class Label(Part):
    """A label; Gitea puts it on by its id."""

    id: int
    name: str


class PullRequest(Part):
    """A pull request; `mergeable` is none while the host has not found out."""

    number: int
    title: str
    body: str | None = None
    html_url: str
    state: str = "open"
    user: User
    head: Branch
    base: Branch
    mergeable: bool | None = None
    node_id: str = ""


class Comment(Part):
    """A comment on a pull request."""

    id: int
    body: str | None = None
    user: User


class Review(Part):
    """A review; `official` and the two after it are Gitea's."""

    state: str
    commit_id: str | None = None
    user: User | None = None
    official: bool = True
    stale: bool = False
    dismissed: bool = False


class Commit(Part):
    """A commit of a pull request; a name that the host does not know has no user."""

    sha: str
    author: User | None = None
    committer: User | None = None

    def users(self) -> Iterator[str]:
        """Yield the logins of who wrote it and who committed it."""
        yield from (user.login for user in (self.author, self.committer) if user is not None)


@dataclass(frozen=True)
class Check:
    """What is reported on a commit, under the name that branch rules require."""

    name: str
    state: State
    sentence: str
    link: str = ""


@dataclass(frozen=True)
class Rules:
    """What holds for the main branch beside that nobody pushes to it, forces it or deletes it."""

    branch: str
    checks: tuple[str, ...]
    approvals: int
    """How many have to approve every pull request, whatever it touches."""
    app: int | None = None
    """The id of GitHub's application whose checks count; without it anybody's who may write."""


def marker(name: str) -> str:
    """Return the hidden line by which a comment is found again."""
    return f"<!-- deliver:{name} -->"
