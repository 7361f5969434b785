"""What things are called in Argo CD, and where their files are. One spelling for all verbs.

A name may be longer than the 63 characters of a label's value: Argo CD's own names are those of
objects, and since 3.0 it tracks by annotation. What labels hold are the parts of a name.
"""

from __future__ import annotations

from ..settings import NAMESPACE, Environment, Settings

FOLDER = "argocd"
HOME = "argocd"
"""The namespace that Argo CD runs in."""
SELF = "https://kubernetes.default.svc"
"""What Argo CD calls the cluster that it runs in."""
READER = "reader"
OPERATOR = "operator"
PULL_SECRET = "registry"  # noqa: S105 - the name of a Secret


def project_name(settings: Settings, environment: str) -> str:
    """Return the name of an environment's AppProject and of its ApplicationSet."""
    return f"{settings.project}-{environment}"


def application_name(settings: Settings, environment: str, app: str) -> str:
    """Return the name of the Application that runs an app in an environment."""
    return f"{settings.project}-{environment}-{app}"


def namespace_application(settings: Settings, environment: str) -> str:
    """Return the name of the Application that owns an environment's namespace."""
    return application_name(settings, environment, NAMESPACE)


def root_name(settings: Settings) -> str:
    """Return the name of the root Application and of its AppProject."""
    return f"{settings.project}-root"


def root_path(environment: Environment) -> str:
    """Return the file of the root Application that brings an environment's own."""
    which = f"-{environment.argocd}" if environment.argocd else ""
    return f"{FOLDER}/root{which}.yaml"
