"""What `deliver bootstrap` will write: found out, and asked for, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

from ..check.argocd import not_current
from ..errors import Refused, UsageError
from ..settings import PATH, Environment
from ..workplace import Workplace
from .asking import Answers
from .credentials import Login, registry_host, repository_secret_name
from .held import (
    has_pull_login,
    repository_login,
    require_argocd,
    require_own_argocd,
    require_registered,
    require_server,
)
from .kubectl import Kubectl, same_server
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
    _require_current(place)
    environments = _of_argocd(place, argocd)
    require_argocd(kubectl)
    require_own_argocd(kubectl, settings, environments[0])
    here = [one for one in environments if _is_here(kubectl, one)]
    elsewhere = [one for one in environments if one not in here]
    require_registered(kubectl, [one for one in environments if one.cluster != SELF])
    git, noted = _git(place, kubectl, answers, renew)
    pull, also_noted = _pull(place, kubectl, answers, here, renew)
    left = [_left(kubectl, one) for one in elsewhere if one.secrets is None]
    waits_for = [namespace_application(settings, one.name) for one in environments]
    names = [root_name(settings), *waits_for]
    notes = [*noted, *also_noted, *left]
    return Plan(root_path(environments[0]), here, git, pull, names, notes)


def plan_one(place: Workplace, kubectl: Kubectl, answers: Answers, renew: bool, name: str) -> Plan:
    """Return the plan for one environment's namespace and login, on its own cluster.

    Raises as `plan_all` does, and Refused (`other-cluster`).
    """
    _require_current(place)  # first: a new environment may not be on main yet
    environment = place.settings.environment(name)
    if environment.cluster == SELF:
        require_argocd(kubectl)
        require_own_argocd(kubectl, place.settings, environment)
    else:
        require_server(kubectl, environment)
    pull, noted = _pull(place, kubectl, answers, [environment], renew)
    return Plan(None, [environment], None, pull, [], noted)


def _of_argocd(place: Workplace, argocd: str | None) -> list[Environment]:
    found = [one for one in place.settings.environments if one.argocd == argocd]
    if found:
        return found
    names = sorted({one.argocd or "one without name" for one in place.settings.environments})
    wanted = f"the Argo CD {argocd}" if argocd else "an Argo CD without name"
    raise UsageError(
        "which-argocd",
        f"no environment belongs to {wanted}.",
        f"delivery.yaml says to which each belongs: {', '.join(names)}.",
        "name one by --argocd, with a --context that reaches its cluster",
    )


def _require_current(place: Workplace) -> None:
    """Raise Refused unless main's argocd/ is what is here, and what delivery.yaml gives."""
    main = place.settings.main
    place.require_committed([PATH, FOLDER], f"Argo CD reads {FOLDER}/ from {main}, as merged.")
    for one in not_current(place.main, place.settings):
        raise Refused(
            one.code,
            one.seen,
            one.rule,
            "run `deliver argocd`, commit what it writes, "
            f"merge it into {main} and push, then call again",
        )


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
