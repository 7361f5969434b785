"""Applications and ApplicationSets: what Argo CD reads from Git, and how it brings that about."""

from __future__ import annotations

from typing import Any

from ..settings import Environment, Settings
from .document import Given, Object, Row, Words
from .names import (
    FOLDER,
    HOME,
    SELF,
    application_name,
    namespace_application,
    project_name,
    root_name,
    root_path,
)

API = "argoproj.io/v1alpha1"
OWN_FILES = Row({"argocd.argoproj.io/manifest-generate-paths": "."})
"""A commit that changes none of an Application's own files leaves what was read before as it is."""
KEEPS_APPS = "resources-finalizer.argocd.argoproj.io"
"""With it, an ApplicationSet that may not delete leaves its Applications when it is deleted."""
FOR_EVER, SOME_TIME = -1, 20
"""How often a sync is tried again: until it works, or for about a quarter of an hour.

After its last attempt Argo CD leaves a record alone, also when the reason is gone. While attempts
are left it deletes no Application, and goes on past the end of a window with what was merged since.
So attempts have an end where Applications may be deleted, and where there are windows.
"""
POLL_S = 60
"""How often an ApplicationSet asks Git; Applications ask every two to three minutes, or later."""
SHOWN = {
    "record": "{{.environment}}/{{.record}} ({{.kind}})",
    "release": "{{.release}}",
    "model": "{{.model}}",
    "run": "{{.run}}",
    "image": "{{.image}}",
}
"""What an Application's page tells, from the keys of current.yaml."""
BY_API = Row(
    group="argoproj.io", kind="AppProject", jqPathExpressions=Words([".spec.roles[].jwtTokens"])
)
"""Argo CD's API notes tokens there that it gave out. Those that it keeps to are in the status."""


def root_application(settings: Settings, environments: list[Environment]) -> Object:
    """Return the Application that keeps the files of its environments, and its own, as in Git."""
    files: dict[str, str | bool] = {
        "recurse": True,
        "exclude": "*/namespace/*",
    }  # an asterisk stands for slashes too
    if environments != settings.environments:  # the others' have an Argo CD of their own
        own = [root_path(environments[0]).removeprefix(f"{FOLDER}/")]
        files["include"] = f"{{{','.join(own + [f'{env.name}/*' for env in environments])}}}"
    made = _application(settings, root_name(settings))
    made["spec"] |= {
        "source": _source(settings, FOLDER, **files),
        "destination": Row(server=Given(SELF), namespace=HOME),
        "ignoreDifferences": [BY_API],
        "syncPolicy": _sync_policy(prune=False, attempts=FOR_EVER),
    }
    return made


def namespace_owner(settings: Settings, environment: Environment) -> Object:
    """Return the Application that owns an environment's namespace, and takes nothing away."""
    made = _application(settings, namespace_application(settings, environment.name))
    made["spec"] |= {
        "source": _source(settings, f"{FOLDER}/{environment.name}/namespace", include="*.yaml"),
        "destination": _destination(environment),
        "syncPolicy": _sync_policy(prune=False, attempts=FOR_EVER),
    }
    return made


def application_set(settings: Settings, environment: Environment, may_delete: bool) -> Object:
    """Return the ApplicationSet of an environment: an Application for each app that runs there.

    Without `may_delete`, neither a folder that vanishes from Git nor this ApplicationSet's own end
    takes anything off the cluster.
    """
    files = f"releases/{environment.name}/*/current.yaml"
    attempts = SOME_TIME if may_delete or environment.windows else FOR_EVER
    keep = {"applicationsSync": "create-update", "preserveResourcesOnDeletion": True}
    metadata: dict[str, Any] = {
        "name": Given(project_name(settings, environment.name)),
        "namespace": HOME,
    }
    return {
        "apiVersion": API,
        "kind": "ApplicationSet",
        "metadata": metadata | ({} if may_delete else {"finalizers": [KEEPS_APPS]}),
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": Words(["missingkey=error"]),
            **({} if may_delete else {"syncPolicy": keep}),
            "generators": [
                {
                    "git": {
                        "repoURL": Given(settings.repository),
                        "revision": _revision(settings),
                        "requeueAfterSeconds": POLL_S,
                        "files": [{"path": files}],
                    }
                }
            ],
            "template": _template(settings, environment, attempts),
        },
    }


def _template(settings: Settings, environment: Environment, attempts: int) -> Object:
    """Return the Application of one app; what it is called and reads follows from the folder.

    What current.yaml says is for people to see, in the page's details and as labels to filter by.
    The source's name too: but each record gives another source, and that has Argo CD sync whole,
    with the question afterwards. What was merged during a sync, or outside a window, it would else
    take for healing, which asks nothing, or for tried before.
    See: https://github.com/argoproj/argo-cd/issues/27875 and 22795.
    """
    folder = f"releases/{environment.name}/{{{{.path.basename}}}}"
    return {
        "metadata": {
            "name": Given(application_name(settings, environment.name, "{{.path.basename}}")),
            "labels": {
                "deliver.io/project": Given(settings.project),
                "deliver.io/environment": Given(environment.name),
                "deliver.io/app": Given("{{.path.basename}}"),
                "deliver.io/record": Given("{{.record}}"),
            },
            "annotations": {
                **OWN_FILES,
                **{f"deliver.io/{key}": Given(SHOWN[key]) for key in ("release", "model", "run")},
            },
        },
        "spec": {
            "project": Given(project_name(settings, environment.name)),
            "source": {
                "name": Given("{{.record}}"),
                **_source(settings, f"{folder}/manifests", include="*.yaml"),
            },
            "destination": _destination(environment),
            "info": [Row(name=key, value=Given(value)) for key, value in SHOWN.items()],
            "syncPolicy": _sync_policy(
                prune=True,
                attempts=attempts,
                options=["FailOnSharedResource=true", "PruneLast=true"],
            ),
        },
    }


def _application(settings: Settings, name: str) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": "Application",
        "metadata": {"name": Given(name), "namespace": HOME, "annotations": OWN_FILES},
        "spec": {"project": Given(root_name(settings))},
    }


def _source(settings: Settings, path: str, **directory: str | bool) -> Object:
    """Return a folder of plain YAML. Said to be one, Argo CD looks for no Helm or Kustomize."""
    return {
        "repoURL": Given(settings.repository),
        "targetRevision": _revision(settings),
        "path": Given(path),
        "directory": Row(directory),
    }


def _revision(settings: Settings) -> Given:
    """Return main, in full: a tag of the same name is not meant."""
    return Given(f"refs/heads/{settings.main}")


def _destination(environment: Environment) -> Row:
    return Row(server=Given(environment.cluster), namespace=Given(environment.namespace))


def _sync_policy(prune: bool, attempts: int, options: list[str] | None = None) -> Object:
    """Return when and how to sync; an attempt takes what Git holds by then."""
    return {
        "automated": Row(prune=prune, selfHeal=True),
        **({"syncOptions": Words(options)} if options else {}),
        "retry": {
            "limit": attempts,
            "refresh": True,
            "backoff": Row(duration="5s", factor=2, maxDuration="1m"),
        },
    }
