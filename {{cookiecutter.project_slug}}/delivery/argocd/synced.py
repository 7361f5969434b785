"""Waiting until Argo CD has brought an Application to what Git says, or naming why it has not."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..console import Say
from ..errors import Refused, Unknown
from ..validation.objects import shorten
from .applications import Application, OperationState
from .kubectl import Kubectl
from .names import HOME

KIND = "applications.argoproj.io"
REFRESH = "argocd.argoproj.io/refresh"
INTERVAL_S = 1.0
SEEN_TWICE = 2

CLOSED = (
    "authentication required",
    "authentication failed",
    "authorization failed",
    "invalid credentials",
    "invalid username or password",
    "repository not found",
    "permission denied (publickey)",
    "unable to authenticate",
    "could not read username",
)
"""Words of a Git host that does not let Argo CD in: waiting does not change its mind."""
MARKUP = re.compile(r":?\s*<(\?xml|!doctype|html).*", re.IGNORECASE | re.DOTALL)
"""The page with which a web server says once more what Argo CD said before it."""


@dataclass(frozen=True)
class State:
    """How far an Application is: why it is not there yet, and whether that can pass by itself."""

    waits_for: str
    revision: str = ""
    closed: bool = False
    left: tuple[str, ...] = ()
    """Objects that Git has no more, and that nothing takes away by itself."""

    @property
    def there(self) -> bool:
        """Whether there is nothing to wait for."""
        return not self.waits_for


def read_state(found: Mapping[str, Any] | None) -> State:
    """Return the state of an Application as the cluster holds it; None where there is none."""
    if found is None:
        return State("there is no such Application")
    if REFRESH in (found["metadata"].get("annotations") or {}):
        return State("its application controller has not looked yet")
    application = Application.model_validate(found)
    status, operation = application.status, application.status.operation_state
    if said := shorten(MARKUP.sub("", application.errors)):
        return State(said, closed=any(word in said.lower() for word in CLOSED))
    differing = [one for one in status.resources if one.status == "OutOfSync"]
    left = tuple(f"{one.kind} {one.name}" for one in differing if one.requires_pruning)
    if status.sync.status != "Synced" and (len(left) < len(differing) or not left):
        return State(f"it is {status.sync.status}{_what_failed(operation)}")
    healthy = status.health.status == "Healthy"
    waits_for = "" if healthy else f"it is Synced, and {status.health.status}"
    return State(waits_for, status.sync.revision, left=left)


def _what_failed(operation: OperationState | None) -> str:
    """Return what a sync says that ended badly, or did so before and is being tried again."""
    if operation and (operation.phase in ("Failed", "Error") or operation.retry_count):
        return f": {shorten(operation.message)}"
    return ""


def wait_until_synced(
    kubectl: Kubectl,
    name: str,
    deadline: float,
    say: Say,
    pause: Callable[[float], None] = time.sleep,
) -> State:
    """Return the state of an Application once it is Healthy, and Synced but for what is left over.

    `deadline` is on the clock of `time.monotonic`. Raises Refused (`repository-unreadable`),
    Unknown (`not-synced`).
    """
    _refresh(kubectl, name)
    told, closed = "", 0
    while True:
        state = read_state(kubectl.get(KIND, name, HOME))
        if state.there:
            return state
        if state.closed:
            closed += 1
            if closed == SEEN_TWICE:
                raise _unreadable(name, state.waits_for)
            _refresh(kubectl, name)  # it may have looked before it saw the login
        if state.waits_for != told:
            say(f"{name}: {state.waits_for}")
            told = state.waits_for
        if time.monotonic() > deadline:
            raise _not_synced(name, state.waits_for)
        pause(INTERVAL_S)


def _refresh(kubectl: Kubectl, name: str) -> None:
    """Have Argo CD look at Git anew, past all that it remembers."""
    kubectl.annotate(KIND, name, HOME, f"{REFRESH}=hard")


def _unreadable(name: str, said: str) -> Refused:
    return Refused(
        "repository-unreadable",
        f"{name}: {said}",
        "Argo CD reads the repository that delivery.yaml names, with the login that it has.",
        "see that the URL is right, and give a login that may read it: `deliver bootstrap --renew`",
    )


def _not_synced(name: str, why: str) -> Unknown:
    return Unknown(
        "not-synced",
        f"{name} is not Synced and Healthy: {why}",
        "What was applied stays; Argo CD goes on trying.",
        f"read `kubectl describe application {name} --namespace {HOME}`, mend the cause, "
        "then call again",
    )
