"""`deliver bootstrap`: put `argocd/` onto a cluster that has Argo CD, with the logins it needs.

It can be done again at any time, on the same cluster or on one that was lost and made anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..console import Say
from ..errors import Unknown
from ..settings import Environment
from ..validation.objects import documents
from ..workplace import Workplace
from .credentials import pull_secret, repository_secret, repository_secret_name
from .files import argocd_files
from .held import is_held, is_terminating
from .kubectl import Kubectl, Object
from .names import FOLDER, HOME, PULL_SECRET
from .planning import Plan, Step
from .synced import wait_until_synced

ARGOCD_MANAGER = "argocd-controller"
"""The name under which Argo CD applies, so that it owns the Namespace whole from the first."""


def carry_out(
    plan: Plan, place: Workplace, kubectl: Kubectl, say: Say, timeout_s: float
) -> Iterator[Step]:
    """Yield each step once it is done, logins before what needs them; wait for Argo CD at the end.

    Raises Refused (`repository-unreadable`), Unknown (`not-synced`): what was applied stays.
    """
    deadline = time.monotonic() + timeout_s
    say("writing logins and namespaces")
    if plan.git is not None:
        kubectl.apply([repository_secret(place.settings, plan.git)])
        name = f"{HOME}/{repository_secret_name(place.settings)}"
        yield Step("written", f"Secret {name}: the login for {place.settings.repository}")
    for environment in plan.environments:
        yield from _environment(plan, place, kubectl, environment, deadline)
    if plan.root:
        yield _apply_root(place, kubectl, plan.root)
    yield from plan.notes
    for name in () if kubectl.dry_run else plan.waits_for:
        say(f"waiting for Argo CD to bring {name} to what Git says")
        state = wait_until_synced(kubectl, name, deadline, say)
        yield Step("synced", f"{name} at {state.revision[:12]}")
        for one in state.left:
            yield Step("left", f"{one}, which Git has no more: delete it by hand")


def stopped() -> Unknown:
    """Return the error for a call that was interrupted."""
    return Unknown(
        "stopped",
        "it was interrupted.",
        "What was done until then stays.",
        "call it again: it goes on from what is there",
    )


def _environment(
    plan: Plan, place: Workplace, kubectl: Kubectl, environment: Environment, deadline: float
) -> Iterator[Step]:
    name = environment.namespace
    there = _wait_while_terminating(kubectl, name, deadline)
    if not there:
        path = f"{FOLDER}/{environment.name}/namespace/namespace.yaml"
        kubectl.apply(_objects(place, path), ARGOCD_MANAGER)
        yield Step("written", f"Namespace {name}")
    if plan.pull is None or environment.secrets is not None:
        return
    if there or not kubectl.dry_run:  # a namespace that a dry run did not write takes no Secret
        kubectl.apply([pull_secret(place.settings.registry, name, plan.pull)])
    yield Step("written", f"Secret {name}/{PULL_SECRET}: the login for {place.settings.registry}")


def _apply_root(place: Workplace, kubectl: Kubectl, path: str) -> Step:
    """Apply what is not there, or other than on main; the rest is left to Argo CD.

    kubectl would take Argo CD's own annotations off it, and Argo CD waits longer each time before
    it puts such a thing right: minutes, in the end.
    """
    objects = _objects(place, path)
    differing = [one for one in objects if not is_held(kubectl, one)]
    if not differing:
        return Step("kept", f"{path}: it is as on {place.main_name}")
    kubectl.apply(differing, ARGOCD_MANAGER)
    return Step("applied", f"{path} of {place.main_name} {place.main.commit[:12]}")


def _objects(place: Workplace, path: str) -> list[Object]:
    """Return the objects of a file in argocd/, as main has it."""
    return documents(argocd_files(place.settings)[path])


def _wait_while_terminating(kubectl: Kubectl, name: str, deadline: float) -> bool:
    """Return whether a namespace is there, once it is not on its way out any more."""
    while True:
        found = kubectl.get("namespace", name)
        if not is_terminating(found):
            return found is not None
        if time.monotonic() > deadline:
            raise Unknown(
                "namespace-terminating",
                f"namespace {name} is being deleted, and is not gone yet.",
                "A namespace takes nothing new while it goes.",
                f"see what holds it: `kubectl get namespace {name} -o yaml`, then call again",
            )
        time.sleep(1)
