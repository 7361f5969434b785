"""Where a verb works: the clone, main as it is there, and the settings on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .app import App, read_app, read_apps
from .errors import Refused, UsageError
from .git import Repository, Snapshot
from .ledger import Ledger, read_ledger
from .settings import Settings, read_settings


@dataclass(frozen=True)
class Workplace:
    """A clone with the newest commit of main that it knows of."""

    repository: Repository
    main: Snapshot
    settings: Settings

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
        return cls(repository, main, read_settings(main))

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

    def require_committed(self, paths: Sequence[str]) -> None:
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
            raise Refused(
                "uncommitted-sources",
                f"{changed[0]}{more} differs from {self.settings.main}.",
                "A release is made of what was merged, so that others can make it again.",
                f"commit it and merge it into {self.settings.main} (or undo it), then call again",
            )


def sources_of(app: App, settings: Settings) -> list[str]:
    """Return the paths that an app's model and manifests are made of."""
    folders = [app.folder, settings.package, "delivery/server", "Dockerfile"]
    return [*folders, *(p for p in app.source_paths if not p.startswith(app.folder))]
