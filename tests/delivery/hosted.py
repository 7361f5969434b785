"""A repository with releases whose origin is on a real Gitea, and what is asked of it there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from delivery.hosts.finding import connect
from delivery.hosts.host import Host
from delivery.proposal import Proposal
from delivery.pushing import Origin
from delivery.verbs.app_add import work_tree_settings
from delivery.verbs.owners import write_owners
from delivery.verbs.pull_request import Put, put
from delivery.workplace import Branches, Workplace

from tests.delivery.growing import deliver
from tests.delivery.world import World
from tests.githost import GitHost


class Replacing(World):
    """A repository in which a release takes the place of one that nobody merged."""

    @property
    def work(self) -> Workplace:
        """The workplace as `release --pr` has it."""
        return replace(super().work, branches="replace")


ORG, TEAM = "acme", "ml"
ROBOT, ADA, BEN = "robot", "ada", "ben"
WAIT_S = 60


def say(text: str) -> None:
    """Take what a verb says."""
    assert text


@dataclass(frozen=True)
class Hosted:
    """A work tree, and its repository `acme/<name>`; `robot` is who deliver is there."""

    world: World
    githost: GitHost
    name: str

    @property
    def repository(self) -> str:
        """Its owner and name."""
        return f"{ORG}/{self.name}"

    @property
    def place(self) -> Workplace:
        """The workplace, as of the main that was fetched last."""
        return self.world.work

    @contextmanager
    def connected(self, user: str = ROBOT) -> Iterator[Host]:
        """Yield the host as one user sees it."""
        with connect(self.place.settings, {"GITEA_TOKEN": self.githost.tokens[user]}) as host:
            yield host

    def with_rights(self, rights: str) -> Hosted:
        """Return the same where `robot` has a token of other rights."""
        tokens = {**self.githost.tokens, ROBOT: self.githost.make_token(ROBOT, rights)}
        return replace(self, githost=replace(self.githost, tokens=tokens))

    def put(self, proposal: Proposal, branches: Branches = "again") -> Put:
        """Put a proposal's pull request in place."""
        place = replace(self.place, branches=branches)
        with self.connected() as host:
            origin = Origin(
                place.repository, host.rest.token, place.settings.repository, host.rest.variable
            )
            return put(place, proposal, host, origin, say)

    def deliver(self, *words: str, token: bool = True) -> Any:
        """Return what the repository's own `deliver` answered, with or without a token."""
        with _environment(GITEA_TOKEN=self.githost.tokens[ROBOT] if token else ""):
            return deliver(self.world, *words)

    def report(self, commit: str, state: str, *checks: str) -> None:
        """Report checks on a commit, as the workflow does."""
        for name in checks or ("pass", "test"):
            wanted = {"state": state, "context": name, "description": "told by a test"}
            self.ask(ROBOT, "POST", f"statuses/{commit}", wanted)

    def approve(self, number: int, *users: str) -> None:
        """Have users approve a pull request."""
        for user in users:
            self.ask(user, "POST", f"pulls/{number}/reviews", {"event": "APPROVED", "body": "Yes."})

    def merge(self, number: int, user: str = ADA) -> int:
        """Return the status with which Gitea answers somebody who merges a pull request.

        Right after a push it says that it is not ready yet, for which it is asked again.
        """
        path = f"repos/{self.repository}/pulls/{number}/merge"
        until = time.monotonic() + WAIT_S
        while True:
            answer = self.githost.ask(user, "POST", path, {"Do": "squash"})
            if "try again later" not in answer.text or time.monotonic() > until:
                return answer.status_code
            time.sleep(0.2)

    def ask(self, user: str, method: str, path: str, body: Any = None) -> Any:
        """Return a good answer about the repository."""
        return self.githost.told(user, method, f"repos/{self.repository}/{path}", body)

    def open_numbers(self) -> list[int]:
        """Return the numbers of the open pull requests."""
        return [one["number"] for one in self.ask(ADA, "GET", "pulls?state=open")]

    def push_main(self) -> None:
        """Push the main of the work tree, which no rule keeps from it yet."""
        self.world.git("push", "--quiet", self.githost.address(ROBOT, self.repository), "main")
        self.world.git("fetch", "--quiet", self.githost.address(ROBOT, self.repository))
        self.world.git("update-ref", "refs/remotes/origin/main", "main")

    def fetch(self) -> None:
        """Bring the host's branches into the work tree, as a person does before going on."""
        where = self.githost.address(ROBOT, self.repository)
        self.world.git("fetch", "--quiet", where, "+refs/heads/*:refs/remotes/origin/*")

    def wait(self, what: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        until = time.monotonic() + WAIT_S
        while not what():
            assert time.monotonic() < until, "it did not come to that"
            time.sleep(0.2)


@contextmanager
def _environment(**changes: str) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})


def populate(githost: GitHost) -> None:
    """Add an organization with a team of three who may write."""
    for user in (ROBOT, ADA, BEN):
        githost.add_user(user)
    githost.told("root-admin", "POST", "orgs", {"username": ORG})
    units = ["repo.code", "repo.pulls", "repo.issues"]
    rights = {"permission": "admin", "units": units, "includes_all_repositories": True}
    team = githost.told("root-admin", "POST", f"orgs/{ORG}/teams", {"name": TEAM, **rights})
    for user in (ROBOT, ADA, BEN):
        githost.told("root-admin", "PUT", f"teams/{team['id']}/members/{user}")


def host_world(githost: GitHost, world: World, name: str) -> Hosted:
    """Return a repository on Gitea that a world's main was pushed to."""
    made = {"name": name, "default_branch": "main"}
    githost.told("root-admin", "POST", f"orgs/{ORG}/repos", made)
    url = f"{githost.url}/{ORG}/{name}.git"
    path = world.root / "delivery.yaml"
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("repository:")]
    at = f"host: {{kind: gitea, api: {githost.api}}}\nrepository: {url}\n"
    world.write({"delivery.yaml": "".join(kept).replace("main: main\n", f"main: main\n{at}")})
    write_owners(world.root, work_tree_settings(world.root))
    world.commit("Say which host it is on")
    world.git("remote", "add", "origin", url)
    hosted = Hosted(world, githost, name)
    hosted.push_main()
    # Gitea takes in a push a moment later, and an empty repository has no pull requests.
    hosted.wait(lambda: not githost.told(ROBOT, "GET", f"repos/{hosted.repository}")["empty"])
    return hosted
