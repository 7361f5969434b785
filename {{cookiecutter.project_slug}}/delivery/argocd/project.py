"""AppProjects: what Argo CD may read, where it may write, which kinds, who may do what and when.

What is empty, false or the default is left out. When Argo CD's API notes a token that it gave out,
it writes the whole project, without those, and the root Application would see a difference. No list
of cluster-wide kinds allows none. The other list holds pods too: Argo CD shows no other kinds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..files import broken
from ..settings import PATH, Environment, Settings, Window
from ..validation.kinds import CLUSTER_SCOPED, MADE_BY_OTHERS
from ..validation.objects import Kind
from .document import Given, Object, Row, Words
from .names import HOME, OPERATOR, READER, SELF, project_name, root_name

APP_KINDS = (
    Kind("", "ConfigMap"),
    Kind("", "Service"),
    Kind("", "ServiceAccount"),
    Kind("apps", "Deployment"),
    Kind("autoscaling", "HorizontalPodAutoscaler"),
    Kind("batch", "Job"),
    Kind("bitnami.com", "SealedSecret"),
    Kind("external-secrets.io", "ExternalSecret"),
    Kind("networking.k8s.io", "NetworkPolicy"),
    Kind("policy", "PodDisruptionBudget"),
)
ROOT_KINDS = (
    Kind("", "LimitRange"),
    Kind("", "ResourceQuota"),
    Kind("argoproj.io", "AppProject"),
    Kind("argoproj.io", "Application"),
    Kind("argoproj.io", "ApplicationSet"),
    Kind("external-secrets.io", "ExternalSecret"),
    Kind("networking.k8s.io", "NetworkPolicy"),
)
FIRST = {"argocd.argoproj.io/sync-wave": Given("-1")}
"""Before the Applications of the project: one without its project waits minutes for a refresh."""


def environment_project(settings: Settings, environment: Environment) -> Object:
    """Return the AppProject of an environment's apps."""
    name = project_name(settings, environment.name)
    made = _project(settings, name, f"The apps of {settings.project} in {environment.name}.")
    made["spec"] |= {
        "destinations": [_destination(environment.cluster, environment.namespace)],
        "namespaceResourceWhitelist": _rows({*APP_KINDS, *MADE_BY_OTHERS, *_more_kinds(settings)}),
        "roles": [
            _role(name, READER, "Sees all, changes nothing: for `deliver confirm`.", ["get"]),
            _role(
                name,
                OPERATOR,
                "Syncs by hand, also where a window lets nobody else.",
                ["get", "sync"],
                environment.operators,
            ),
        ],
    }
    if environment.windows:
        made["spec"]["syncWindows"] = [_window(window) for window in environment.windows]
    return made


def root_project(settings: Settings, environments: list[Environment]) -> Object:
    """Return the AppProject of the root Application and of those that own the namespaces."""
    about = f"What `deliver argocd` writes for {settings.project}: projects, namespaces."
    made = _project(settings, root_name(settings), about)
    places = [(SELF, HOME), *((env.cluster, env.namespace) for env in environments)]
    made["spec"] |= {
        "destinations": [_destination(*place) for place in places],
        "clusterResourceWhitelist": [
            Row(group="", kind="Namespace", name=Given(env.namespace)) for env in environments
        ],
        "namespaceResourceWhitelist": _rows(ROOT_KINDS),
    }
    return made


def _project(settings: Settings, name: str, about: str) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": Given(name), "namespace": HOME, "annotations": FIRST},
        "spec": {"description": Given(about), "sourceRepos": [Given(settings.repository)]},
    }


def _destination(server: str, namespace: str) -> Row:
    return Row(server=Given(server), namespace=Given(namespace))


def _rows(kinds: Iterable[Kind]) -> list[Row]:
    return [Row(group=kind.group, kind=kind.kind) for kind in sorted(kinds)]


def _more_kinds(settings: Settings) -> list[Kind]:
    """Return the kinds that delivery.yaml adds; raises UsageError (`broken-file`).

    What belongs to the whole cluster is no app's, and no secret comes out of Git.
    """
    found = []
    for text in settings.kinds:
        name, _, group = text.partition(".")
        kind = Kind(group, name)
        if name in CLUSTER_SCOPED or kind in {Kind("", "Secret"), *MADE_BY_OTHERS}:
            raise broken(PATH, f"kinds: {text} is none that an app may bring")
        found.append(kind)
    return found


def _role(
    project: str, name: str, about: str, actions: list[str], groups: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a role with its policies.

    See: Argo CD's manual, "Projects", "Project Roles"; a policy's subject names project and role.
    """
    subject = f"proj:{project}:{name}"
    policies = [f"p, {subject}, applications, {one}, {project}/*, allow" for one in actions]
    made = {"name": name, "description": about, "policies": [Given(one) for one in policies]}
    return made | ({"groups": Words(Given(group) for group in groups)} if groups else {})


def _window(window: Window) -> dict[str, Any]:
    """Return a sync window for all Applications of the project.

    A sync that began in time goes on past the end: half a release would stay until it opens again.
    """
    return {
        "kind": window.kind,
        "schedule": Given(window.schedule),
        "duration": window.duration,
        "timeZone": Given(window.timezone),
        **({"manualSync": True} if window.manual else {}),
        "syncOverrun": True,
        "applications": Words(["*"]),
    }
