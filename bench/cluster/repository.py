"""A Git repository that Argo CD reads: what is pushed to it, and when."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from delivery.process import run

from cluster import Cluster

PEOPLE = ("-c", "user.name=Sam", "-c", "user.email=sam@example.com")


@dataclass(frozen=True)
class Push:
    """A commit on main: when its push began, and when the host had told Argo CD of it."""

    commit: str
    began: float
    told: float


@dataclass(frozen=True)
class Repository:
    """A repository on the cluster's Git server, with its work tree here."""

    cluster: Cluster
    root: Path
    url: str

    def push(self, files: Mapping[str, bytes], message: str, tell: bool = True) -> Push:
        """Commit files to main, push, and have the Git host tell Argo CD, as by a webhook."""
        for path, data in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        self.git("add", "--all")
        self.git(*PEOPLE, "commit", "--quiet", "--message", message)
        before, after = self.git("rev-parse", "HEAD~1"), self.git("rev-parse", "HEAD")
        began = time.monotonic()
        self.git("push", "--quiet", "origin", "main")
        if tell:
            self.cluster.refresh_webhook(self.url, "main", before, after)
        return Push(after, began, time.monotonic())

    def git(self, *words: str) -> str:
        """Return what Git printed."""
        return run("git", *words, cwd=self.root).text


def create(cluster: Cluster, name: str, folder: Path) -> Repository:
    """Make a repository with one empty commit on main."""
    url = cluster.create_repository(name)
    folder.mkdir(parents=True)
    repository = Repository(cluster, folder, url)
    user, password = cluster.git_login
    repository.git("init", "--quiet", "--initial-branch=main")
    parts = urlsplit(url)
    login = f"{parts.scheme}://{user}:{password}@{parts.netloc}{parts.path}"
    repository.git("remote", "add", "origin", login)
    repository.git(*PEOPLE, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    repository.git("push", "--quiet", "--set-upstream", "origin", "main")
    return repository
