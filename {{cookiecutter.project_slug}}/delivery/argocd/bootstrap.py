"""`deliver bootstrap`: put `argocd/` onto a cluster that has Argo CD, with the logins it needs.

It can be done again at any time, on the same cluster or on one that was lost and made anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..check.argocd import not_current
from ..console import Say
from ..errors import Unknown, UsageError
from ..settings import PATH, Environment
from ..validation.objects import documents
from ..workplace import Workplace
from .asking import Answers
from .credentials import (
    Login,
    pull_secret,
    registry_host,
    repository_secret,
    repository_secret_name,
)
from .files import argocd_files
from .held import (
    has_pull_login,
    is_held,
    is_terminating,
    repository_login,
    require_argocd,
    require_registered,
    require_server,
)
from .kubectl import Kubectl, Object, same_server
from .login_check import check_git, check_registry
from .names import (
    FOLDER,
    HOME,
    PULL_SECRET,
    SELF,
    namespace_application,
    root_name,
    root_path,
)
from .synced import wait_until_synced

ARGOCD_MANAGER = "argocd-controller"
"""The name under which Argo CD applies, so that it owns the Namespace whole from the first."""


@dataclass(frozen=True)
class Step:
    """One thing that was done, was there already, or is left to do."""

    action: str
    what: str

    @property
    def changes(self) -> bool:
        """Whether it changes the cluster."""
        return self.action in ("written", "applied")


@dataclass(frozen=True)
class Plan:
    """What one call will write, with the answers that it takes; made without writing anything."""

    root: str | None
    """The file that is applied; None where only one environment's own cluster is meant."""
    environments: list[Environment]
    """Those on the cluster."""
    git: Login | None
    """None where Argo CD has a login already."""
    pull: Login | None
    waits_for: list[str]
    """The Applications that have to be Synced in the end."""
    notes: list[Step]


def plan_all(
    place: Workplace, kubectl: Kubectl, answers: Answers, renew: bool, argocd: str | None = None
) -> Plan:
    """Return the plan for Argo CD's cluster and the environments on it; ask for what is missing.

    `argocd` names one of several, as delivery.yaml does. Raises Refused: `uncommitted-sources`,
    `argocd-missing`, `cluster-not-registered`, `wrong-credentials`, `cluster-forbids`; UsageError:
    `which-argocd`, `no-credentials`, `no-such-context`; Unknown: `cluster-unreachable`.
    """
    settings = place.settings
    environments = _of_argocd(place, argocd)
    _require_current(place)
    require_argocd(kubectl)
    here = [one for one in environments if _is_here(kubectl, one)]
    elsewhere = [one for one in environments if one not in here]
    require_registered(kubectl, [one for one in environments if one.cluster != SELF])
    git, noted = _git(place, kubectl, answers, renew)
    pull, also_noted = _pull(place, kubectl, answers, here, renew)
    left = [_left(kubectl, one) for one in elsewhere if one.secrets is None]
    waits_for = [namespace_application(settings, one.name) for one in environments]
    names = [root_name(settings), *waits_for]
    path = root_path(environments[0])
    return Plan(path, here, git, pull, names, [*noted, *also_noted, *left])


def plan_one(place: Workplace, kubectl: Kubectl, answers: Answers, renew: bool, name: str) -> Plan:
    """Return the plan for one environment's namespace and login, on its own cluster.

    Raises as `plan_all` does, and Refused (`other-cluster`).
    """
    environment = place.settings.environment(name)
    _require_current(place)
    if environment.cluster == SELF:
        require_argocd(kubectl)
    else:
        require_server(kubectl, environment)
    pull, noted = _pull(place, kubectl, answers, [environment], renew)
    return Plan(None, [environment], None, pull, [], noted)


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
        revision = wait_until_synced(kubectl, name, deadline, say)
        yield Step("synced", f"{name} at {revision[:12]}")


def stopped() -> Unknown:
    """Return the error for a call that was interrupted."""
    return Unknown(
        "stopped",
        "it was interrupted.",
        "What was done until then stays.",
        "call it again: it goes on from what is there",
    )


def _of_argocd(place: Workplace, argocd: str | None) -> list[Environment]:
    found = [one for one in place.settings.environments if one.argocd == argocd]
    if found:
        return found
    names = sorted({one.argocd or "(none)" for one in place.settings.environments})
    raise UsageError(
        "which-argocd",
        f"no environment has {f'`argocd: {argocd}`' if argocd else 'no `argocd`'}.",
        f"delivery.yaml says which Argo CD an environment belongs to: {', '.join(names)}.",
        "name one by --argocd, with a --context that reaches its cluster",
    )


def _require_current(place: Workplace) -> None:
    """Raise Refused unless main's argocd/ is what is here, and what delivery.yaml gives."""
    place.require_committed([PATH, FOLDER])
    for refusal in not_current(place.main, place.settings):
        raise refusal


def _is_here(kubectl: Kubectl, environment: Environment) -> bool:
    cluster = environment.cluster
    return cluster == SELF or same_server(cluster, kubectl.server)


def _git(
    place: Workplace, kubectl: Kubectl, answers: Answers, renew: bool
) -> tuple[Login | None, list[Step]]:
    """Return the login to write for Argo CD, or None with a note on the one that it has."""
    held = repository_login(kubectl, place.settings)
    ours = held in (None, repository_secret_name(place.settings))
    if held and not (ours and (renew or answers.names("GIT"))):
        whose = "" if ours else ", which Argo CD has by other means"
        return None, [Step("kept", f"Secret {HOME}/{held}{whose}")]
    if kubectl.dry_run:
        return Login(), []
    login = answers.git(place.settings.repository)
    return login, _untried(check_git(place.settings.repository, login))


def _pull(
    place: Workplace,
    kubectl: Kubectl,
    answers: Answers,
    environments: list[Environment],
    renew: bool,
) -> tuple[Login | None, list[Step]]:
    """Return the login to write for pods, or None with a note on those that are there."""
    registry = place.settings.registry
    notes = [
        Step("left to", f"External Secrets: Secret {one.namespace}/{PULL_SECRET}")
        for one in environments
        if one.secrets is not None
    ]
    wanted = [one for one in environments if one.secrets is None]
    held = [one for one in wanted if has_pull_login(kubectl, one, registry)]
    if held == wanted and not (wanted and (renew or answers.names("REGISTRY"))):
        kept = [Step("kept", f"Secret {one.namespace}/{PULL_SECRET}") for one in held]
        return None, [*kept, *notes]
    if kubectl.dry_run:
        return Login(), notes
    host = registry_host(registry)
    login = answers.registry(host)
    return login, [*_untried(check_registry(host, login)), *notes]


def _untried(why: str) -> list[Step]:
    return [Step("untried", f"the login: {why}")] if why else []


def _left(kubectl: Kubectl, environment: Environment) -> Step:
    contexts = kubectl.contexts(environment.cluster)
    return Step(
        "left",
        f"{environment.name} is on {environment.cluster}: deliver bootstrap --env "
        f"{environment.name} --context {contexts[0] if contexts else 'CONTEXT'}",
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
