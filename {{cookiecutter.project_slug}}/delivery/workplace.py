"""Where a verb works: the clone, main as it is there, and the settings on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from .app import App, read_app, read_apps
from .errors import Refused, UsageError
from .git import Repository, Snapshot
from .ledger import Ledger, read_ledger
from .settings import Settings, read_settings

BRANCH = re.compile(
    r"[a-z]+/(?P<environment>[a-z][-a-z0-9]*)/(?P<steps>[-a-z0-9]+-\d{4}(\+[-a-z0-9]+-\d{4})*)"
)

Branches = Literal["new", "again", "replace", "none"]
"""What becomes of a step's branch: it has to be new; or it may hold the same step already; or it
may hold an older step, whose place is taken; or nothing is written at all."""
MADE_OF = "A release is made of what was merged, so that others can make it again."


@dataclass(frozen=True)
class Workplace:
    """A clone with the newest commit of main that it knows of."""

    repository: Repository
    main: Snapshot
    settings: Settings
    main_name: str = "main"
    """What main is called here: `origin/main`, or `main` in a clone without an origin."""
    branches: Branches = "new"
    requested_by: str = ""
    """Who asked for what is written, by the Git host's login, where it was not who wrote it."""

    @classmethod
    def open(cls, start: Path) -> Workplace:
        """Return the workplace around a folder.

        Main is `origin/<main>` where there is such a branch, because that is what others reviewed
        and what Argo CD reads; else the local branch.
        """
        repository = Repository.find(start)
        name = read_settings(repository.snapshot("HEAD")).main
        refs = f"refs/remotes/origin/{name}", f"refs/heads/{name}"
        found = next((ref for ref in refs if repository.exists(ref)), None)
        if found is None:
            raise UsageError(
                "no-such-commit",
                f"this clone has no branch {name}, neither of its own nor of origin.",
                "deliver reads the branch that delivery.yaml names as `main`.",
                f"run `git fetch origin {name}:refs/remotes/origin/{name}`, or create the branch",
            )
        main = repository.snapshot(found)
        shown = found.removeprefix("refs/remotes/").removeprefix("refs/heads/")
        return cls(repository, main, read_settings(main), shown)

    @cached_property
    def unpushed(self) -> bool:
        """Whether the local branch of main holds commits that origin's does not."""
        local = f"refs/heads/{self.settings.main}"
        if self.main_name == self.settings.main or not self.repository.exists(local):
            return False
        tip = self.repository.resolve(local)
        return tip != self.main.commit and self.repository.is_ancestor(self.main.commit, tip)

    @cached_property
    def waiting(self) -> dict[tuple[str, str], str]:
        """Branches with a record that is not merged yet, by environment and app."""
        words = ("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes/origin")
        found = {}
        for ref in self.repository.git(*words).text.splitlines():
            branch = ref.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")
            for environment, app, number in steps_of(branch):
                newest = self.ledger.line(environment, app).newest
                if number == (newest.number if newest else 0) + 1:
                    found[environment, app] = branch
        return found

    def require_free(self, branch: str) -> None:
        """Raise Refused (`branch-exists`) where a branch has to be new and is not.

        Asked before the work; what a branch may hold already is seen when the step is known.
        """
        if self.branches == "new":
            self.repository.require_free(branch)

    @property
    def root(self) -> Path:
        """The folder of the work tree."""
        return self.repository.root

    @cached_property
    def ledger(self) -> Ledger:
        """The records on main."""
        return read_ledger(self.main)

    @cached_property
    def apps(self) -> list[App]:
        """The apps on main."""
        return read_apps(self.main, self.settings)

    def app(self, name: str) -> App:
        """Return an app on main; raises UsageError (`no-such-app`)."""
        return read_app(self.main, self.settings, name)

    def require_known(self, name: str) -> None:
        """Raise UsageError (`no-such-app`) for an app that main has neither now nor in records."""
        if not any(line.app == name for line in self.ledger):
            self.app(name)

    def require_committed(self, paths: Sequence[str], rule: str = MADE_OF) -> None:
        """Raise Refused (`uncommitted-sources`) where files differ from what main holds."""
        done = self.repository.git(
            "status", "--porcelain", "--untracked-files=all", "--", *paths, check=False
        )
        changed = [row[3:] for row in done.text.splitlines()]
        named = self.repository.git(
            "diff", "--name-only", self.main.commit, "HEAD", "--", *paths, check=False
        )
        changed += [path for path in named.text.splitlines() if path not in changed]
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            merged = not done.text and self.unpushed
            push = " and push" if self.repository.git("remote").text else ""
            raise Refused(
                "uncommitted-sources",
                f"{changed[0]}{more} differs from {self.main_name}.",
                rule,
                f"run `git push origin {self.settings.main}`, then call again"
                if merged
                else f"commit it (or undo it), merge it into {self.settings.main}{push}, "
                "then call again",
            )


def steps_of(branch: str) -> list[tuple[str, str, int]]:
    """Return environment, app and record number of each step that a branch's name tells of."""
    found = BRANCH.fullmatch(branch)
    if found is None:
        return []
    parts = (part.rsplit("-", 1) for part in found["steps"].split("+"))
    return [(found["environment"], app, int(number)) for app, number in parts]


def sources_of(app: App, settings: Settings) -> list[str]:
    """Return the paths that an app's model and manifests are made of."""
    folders = [app.folder, settings.package, "delivery/server", "Dockerfile"]
    return [*folders, *(p for p in app.source_paths if not p.startswith(app.folder))]
