"""A team whose main is protected on a real Gitea: all that reaches it is a pull request."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cluster import Cluster
from demo.story import BETTER, change_parameter
from tests.cluster.team import KUSTOMIZE_APP, Remote, Team, bootstrap, prepare, take_away
from tests.delivery.hosted import ADA, ORG, ROBOT, Hosted, populate
from tests.delivery.world import World
from tests.githost import GitHost, githost

APP = KUSTOMIZE_APP
NAME = "asked-models"
READER = "argocd"
OPENED = re.compile(r"pull request (\d+):")
VERIFY = 'deliver gate --verify --base origin/main --head "$1" --json > .local/scored.json'


@dataclass(frozen=True)
class Merged:
    """A commit that a pull request left on main, and when it did, in seconds since 1970."""

    commit: str
    at: float


class Protected(Team):
    """A team that pushes to a host which tells Argo CD by itself."""

    def push(self) -> None:
        """Push main, while no rule forbids it."""
        self.git("push", "--quiet", "origin", "main")


@dataclass(frozen=True)
class Reviewed:
    """The team, and its repository as its host shows it."""

    team: Team
    hosted: Hosted

    def request(self, *words: str) -> int:
        """Return the number of the pull request that a verb opened."""
        found = OPENED.search(self.team.deliver(*words, "--reason", "a test", "--pr"))
        assert found
        return int(found[1])

    def head(self, number: int) -> str:
        """Return the newest commit of a pull request."""
        return str(self.hosted.ask(ADA, "GET", f"pulls/{number}")["head"]["sha"])

    def propose(self, branch: str) -> int:
        """Return the number of a pull request of a branch that a person pushed."""
        self.team.git("push", "--quiet", "origin", branch)
        wanted = {"head": branch, "base": "main", "title": branch}
        return int(self.hosted.ask(ROBOT, "POST", "pulls", wanted)["number"])

    def judge(self, number: int, refused: bool = False) -> str:
        """Judge a pull request by the verbs of check.yml; return what they said.

        Fails unless everybody who has to approved it, and scoring again refuses it or does not.
        """
        head, desk = self.head(number), self.team.desk()
        self.team.git("fetch", "--quiet", "origin", head)
        commits = ("--base", "origin/main", "--head", head)
        comment = ("--scored", ".local/scored.json", "--comment", str(number))
        said = [
            desk("deliver", "check", *commits),
            desk("sh", "-c", VERIFY, "sh", head, expect=int(refused)),
            desk("deliver", "report", *commits, *comment),
            desk("deliver", "approvals", "--pr", str(number), "--head", head),
        ]
        self.mark(head, "failure" if refused else "success")
        return "".join(said)

    def unapproved(self, number: int) -> int:
        """Return the status with which the host answers who merges what too few approved."""
        head = self.head(number)
        self.team.deliver("approvals", "--pr", str(number), "--head", head, expect=1)
        self.mark(head, "failure")
        return self.hosted.merge(number)

    def mark(self, head: str, state: str) -> None:
        """Report the checks that main requires on a commit."""
        for check in ("pass", "test"):
            self.team.deliver("mark", head, "--check", check, "--state", state)

    def merged(self, number: int) -> Merged:
        """Return what a pull request came to, once it is merged; the work tree is then at it."""
        self.hosted.wait(lambda: bool(self._asked(number)["merged"]))
        found = self._asked(number)
        self.team.git("pull", "--quiet", "--ff-only", "origin", "main")
        assert self.team.git("rev-parse", "HEAD") == found["merge_commit_sha"]
        at = datetime.fromisoformat(found["merged_at"]).timestamp()
        return Merged(found["merge_commit_sha"], at)

    def _asked(self, number: int) -> Any:
        return self.hosted.ask(ADA, "GET", f"pulls/{number}")

    def state(self, environment: str) -> tuple[str, str, set[str]]:
        """Return main's commit, the one that Argo CD synced, and the pods of an environment."""
        main = self.team.git("ls-remote", "origin", "main")
        _, sync = self._synced(environment)
        pods = {pod["metadata"]["uid"] for pod in self.team.pods(APP, environment)}
        return main, sync, pods

    def arrival(self, environment: str, merged: Merged) -> tuple[float, float]:
        """Return the seconds from a merge until it is Synced, and until it is Healthy."""
        self.team.until(lambda: self._synced(environment) == ("Synced", merged.commit))
        synced_s = time.time() - merged.at
        self.team.until(lambda: self.team.healthy(APP, environment))
        return synced_s, time.time() - merged.at

    def first_question(self, environment: str) -> Any:
        """Return the known question of the first record, with the answers that it had."""
        path = f"releases/{environment}/{APP}/records/0001.question.json"
        return json.loads((self.team.root / path).read_text())

    def was_told(self, environment: str, merged: Merged) -> bool:
        """Return whether a webhook had Argo CD look at an Application since a merge."""
        name = f"{self.team.project}-{environment}-{APP}"
        lines = self.team.cluster.log("argocd-server").read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and name in line]
        return any(
            line["msg"] == "refreshing app from webhook"
            and datetime.fromisoformat(line["time"]).timestamp() >= merged.at
            for line in found
        )

    def _synced(self, environment: str) -> tuple[str, str]:
        """Return what Argo CD says of an environment's sync, and at which commit."""
        found = self.team.application(APP, environment)["status"]["sync"]
        return found["status"], found["revision"]


@contextmanager
def reviewed(cluster: Cluster, folder: Path) -> Iterator[Reviewed]:
    """Yield a team whose first model runs in dev and staging, and whose second one is built.

    Its main is protected since it has the code of the second one.
    """
    with githost(folder / "gitea", cluster.place.gateway) as gitea:
        populate(gitea)
        team = _prepared(cluster, gitea, folder / "repository")
        team.make(APP)
        team.release(APP)
        team.promote(APP, "staging")
        change_parameter(team.place, BETTER)
        team.deliver("protect", GITEA_TOKEN=gitea.tokens[ADA])
        try:
            bootstrap(team)
            team.make(APP)  # while Argo CD brings what is there already
            for environment in ("dev", "staging"):
                team.confirm(APP, environment)
            yield Reviewed(team, Hosted(World(team.root), gitea, NAME))
        finally:
            take_away(cluster, NAME, wait=False)


def _prepared(cluster: Cluster, gitea: GitHost, folder: Path) -> Protected:
    """Return a team whose repository says which host it is on."""
    team = prepare(cluster, folder, _repository(cluster, gitea))
    team.tokens["GITEA_TOKEN"] = gitea.tokens[ROBOT]
    path = team.root / "delivery.yaml"
    at = f"host: {{kind: gitea, api: {gitea.api}}}\n"
    path.write_text(path.read_text().replace("main: main\n", f"main: main\n{at}"))
    team.deliver("owners")
    made = Protected(team.cluster, team.place, team.remote, team.tokens)
    made.commit("Say which host it is on")
    return made


def _repository(cluster: Cluster, gitea: GitHost) -> Remote:
    """Make a private repository that Argo CD may read, and whose pushes it is told of."""
    gitea.add_user(READER, rights="read:repository")
    gitea.told("root-admin", "POST", f"orgs/{ORG}/repos", {"name": NAME, "private": True})
    where = f"repos/{ORG}/{NAME}"
    gitea.told(ADA, "PUT", f"{where}/collaborators/{READER}", {"permission": "read"})
    asked = {"url": f"{cluster.argocd}/api/webhook", "content_type": "json"}
    hook = {"config": {**asked, "secret": cluster.webhook_secret}, "events": ["push"]}
    gitea.told(ADA, "POST", f"{where}/hooks", {"type": "gitea", "active": True, **hook})
    url = f"{gitea.url}/{ORG}/{NAME}.git"
    logins = [(user, gitea.tokens[user]) for user in (ROBOT, READER)]
    return Remote(NAME, url, *logins)
