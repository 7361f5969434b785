"""A cluster that runs, and all ways to reach it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from delivery.errors import Unknown
from delivery.local.daemons import until
from delivery.process import run

from . import argocd, services, supervision
from .control_plane import ENVIRONMENTS, Plane
from .place import Place


@dataclass(frozen=True)
class Options:
    """What a cluster has: control planes, a real node, simulated nodes for each control plane."""

    members: int = 1
    node: bool = True
    simulated_nodes: int = 0
    argocd: Mapping[str, str] = field(default_factory=dict)
    """Variables of Argo CD's programs that shall differ from a test's."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs. What it serves has one address, from the host and from inside."""

    place: Place
    options: Options
    admin_password: str

    @property
    def address(self) -> str:
        """The IP address at which all of it answers."""
        return self.place.address

    @cached_property
    def planes(self) -> list[Plane]:
        """The control planes, that of dev first."""
        return [Plane(self.place, name) for name in ENVIRONMENTS[: self.options.members]]

    def has_node(self, plane: Plane) -> bool:
        """Return whether a control plane has the node that runs containers."""
        return self.options.node and plane.environment == ENVIRONMENTS[0]

    def nodes(self, plane: Plane) -> int:
        """Return how many nodes a control plane has; without a real one, one is simulated."""
        real = self.has_node(plane)
        return real + (self.options.simulated_nodes or (not real))

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig of the first control plane."""
        return self.planes[0].kubeconfig

    @property
    def kubeconfigs(self) -> dict[str, Path]:
        """The administrator's kubeconfigs by environment: of dev only, unless there are members."""
        return {plane.environment: plane.kubeconfig for plane in self.planes}

    @property
    def servers(self) -> dict[str, str]:
        """The API servers by environment, as Argo CD names them."""
        others = {plane.environment: plane.server for plane in self.planes[1:]}
        return {ENVIRONMENTS[0]: "https://kubernetes.default.svc", **others}

    @property
    def argocd(self) -> str:
        """The URL of Argo CD's API."""
        return f"http://{self.address}:{argocd.PORT}"

    @property
    def registry(self) -> str:
        """Host and port of the image registry, which speaks plain HTTP."""
        return f"{self.address}:{services.REGISTRY_PORT}"

    @property
    def registry_login(self) -> tuple[str, str]:
        """The registry's user and password."""
        return "robot", f"registry-{self.admin_password}"

    @property
    def git_login(self) -> tuple[str, str]:
        """The Git server's user and password."""
        return "git", f"git-{self.admin_password}"

    @property
    def webhook_secret(self) -> str:
        """What webhooks of Gitea are signed with: to Argo CD they are those of Gogs."""
        return f"webhook-{self.admin_password}"

    def git_url(self, name: str) -> str:
        """Return the URL of a repository, without user and password."""
        return f"http://{self.address}:{services.GIT_PORT}/{name}.git"

    def create_repository(self, name: str) -> str:
        """Make an empty repository on the Git server; return its URL."""
        services.create_repository(self.place, name)
        return self.git_url(name)

    def kubectl(self, *words: str | Path, environment: str = "dev", stdin: str = "") -> str:
        """Return what kubectl answers the administrator.

        Raises ProgramFailed, quoting its standard error, when it fails.
        """
        program = Path(sys.prefix, "bin/kubectl")
        config = self.kubeconfigs[environment]
        home = {"HOME": str(self.place.folder / "home")}  # where it keeps what the server offers
        command = (program, "--kubeconfig", config, *words)
        return run(*command, stdin=stdin.encode(), env=home).text

    def inside(self, *words: str | Path, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Return what a program answers in the cluster's namespaces, where Services answer."""
        namespaces = ("--mount", "--net", "--pid")
        return subprocess.run(
            ["nsenter", "--target", str(self.place.init), *namespaces, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def wait(self, condition: Callable[[], bool], deadline_s: float, what: str = "it") -> None:
        """Return once the condition holds; raises Unknown when it does not in time."""
        if not until(condition, deadline_s):
            raise failed(f"{what} did not come true within {deadline_s:.0f} s")

    def programs(self) -> dict[str, str]:
        """Return the state, such as RUNNING, of each program that the cluster runs."""
        return {name: one for name, (one, _) in supervision.state(self.place.folder).items()}

    def pid(self, name: str) -> int:
        """Return the process that a program has now, as this machine numbers it."""
        inner = supervision.state(self.place.folder)[name][1]
        found = supervision.outside(inner, self.place.init) if inner else None
        if found is None:
            raise failed(f"{name} does not run")
        return found

    def kill(self, name: str, signal: int = 9) -> None:
        """Send a program a signal, as an accident would: it is started again."""
        os.kill(self.pid(name), signal)

    def log(self, name: str) -> Path:
        """Return the file with a program's output."""
        return self.place.folder / "log" / f"{name}.log"

    def refresh_webhook(self, url: str, branch: str, before: str, after: str) -> None:
        """Tell Argo CD that a branch moved, as GitHub would."""
        name = url.rpartition("/")[2].removesuffix(".git")
        event = services.push_event(self.place, name, url, branch, before, after)
        for port in (argocd.PORT, argocd.WEBHOOK_PORT):
            request = urllib.request.Request(
                f"http://{self.address}:{port}/api/webhook",
                json.dumps(event).encode(),
                {"Content-Type": "application/json", "X-GitHub-Event": "push"},
            )
            urllib.request.urlopen(request, timeout=30).close()  # noqa: S310


def failed(what: str) -> Unknown:
    """Return the error for a cluster that does not do what it should."""
    return Unknown(
        "cluster-failed",
        f"{what}.",
        "A test that needs a cluster says nothing without one.",
        "read the message above and the logs in the cluster's folder, mend the cause, try again",
    )
