"""Many apps on one cluster: brought there from nothing, changed one by one, watched."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from delivery.argocd.names import application_name
from delivery.settings import Settings

from cluster.argocd import NAMESPACE

from .api import Api
from .apps import ENVIRONMENT, Files
from .repository import Push, Repository

APPLICATIONS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications"
REFRESH = "argocd.argoproj.io/refresh"
LOOK_S = 0.1
PATIENCE_S = 3600.0


@dataclass
class Fleet:
    """Apps that Argo CD brings from one repository to a cluster."""

    api: Api
    settings: Settings
    repository: Repository
    names: list[str]
    folder: Callable[[str, int], Files]
    """The files of an app as of one of its releases."""
    releases: dict[str, int] = field(default_factory=dict)

    def release(self, name: str) -> Push:
        """Push the next release of an app."""
        number = self.releases[name] = self.releases.get(name, 1) + 1
        return self.repository.push(self.folder(name, number), f"Release {name} {number:04}")

    def seconds_until(self, push: Push, name: str, seen: Callable[[Any, str], bool]) -> float:
        """Return how long after the push of a commit something was seen of an Application."""
        path = self._path(name)
        wait(lambda: seen(self.api.get(path), push.commit), LOOK_S)
        return time.monotonic() - push.began

    def refresh(self, name: str) -> None:
        """Have Argo CD look at an app, as it does by itself every few minutes."""
        refresh = {"metadata": {"annotations": {REFRESH: "normal"}}}
        self.api.merge(self._path(name), refresh)

    def wait_for_all(self) -> None:
        """Wait until every app is as Git says, and has answered its question."""
        wait(lambda: self.count(asked) == len(self.names), max(2.0, len(self.names) / 100))

    def count(self, seen: Callable[[Any], bool]) -> int:
        """Return of how many apps something is seen now."""
        wanted = {self.application(name) for name in self.names}
        found = self.api.get(APPLICATIONS)["items"]
        return sum(seen(one) for one in found if one["metadata"]["name"] in wanted)

    def application(self, app: str) -> str:
        """Return the name of an app's Application."""
        return application_name(self.settings, ENVIRONMENT, app)

    def _path(self, app: str) -> str:
        return f"{APPLICATIONS}/{self.application(app)}"


def synced(application: Any, commit: str | None = None) -> bool:
    """Return whether an Application is Synced, at a commit if one is given, and Healthy."""
    status = application.get("status", {})
    return (
        status.get("sync", {}).get("status") == "Synced"
        and commit in (None, status["sync"].get("revision"))
        and status.get("health", {}).get("status") == "Healthy"
    )


def asked(application: Any, commit: str | None = None) -> bool:
    """Return whether its sync has ended, too: all hooks, so the known question, succeeded."""
    operation = application.get("status", {}).get("operationState", {})
    return (
        synced(application, commit)
        and operation.get("phase") == "Succeeded"
        and commit in (None, operation.get("syncResult", {}).get("revision"))
    )


def wait(seen: Callable[[], bool], every_s: float) -> None:
    """Wait until something is seen, in an hour at most."""
    end = time.monotonic() + PATIENCE_S
    while not seen():
        if time.monotonic() > end:
            raise TimeoutError(f"not seen within {PATIENCE_S:.0f} s")
        time.sleep(every_s)
