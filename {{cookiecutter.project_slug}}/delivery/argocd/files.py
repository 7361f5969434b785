"""The files of `argocd/`: a pure function of delivery.yaml, all of them and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..settings import Environment, Settings
from .application import application_set, namespace_owner, root_application
from .document import document
from .names import FOLDER, root_path
from .namespace import namespace_files
from .project import environment_project, root_project


@dataclass(frozen=True)
class Difference:
    """A file of `argocd/` that is not what delivery.yaml gives, and how."""

    path: str
    how: str
    action: str
    """What puts it right: `written` or `removed`."""


def argocd_files(settings: Settings) -> dict[str, bytes]:
    """Return every file of `argocd/` by its path in the repository, sorted."""
    made = dict(_roots(settings))
    for environment in settings.environments:
        made |= _environment(settings, environment)
    return dict(sorted(made.items()))


def differences(settings: Settings, found: Mapping[str, bytes]) -> list[Difference]:
    """Return where the files of a folder, by their path in the repository, are not as they should.

    `found` holds all that lies below `argocd/`.
    """
    wanted = argocd_files(settings)
    return [
        _difference(path, path in wanted, path in found)
        for path in sorted(wanted.keys() | found.keys())
        if wanted.get(path) != found.get(path)
    ]


def _difference(path: str, wanted: bool, found: bool) -> Difference:
    if not wanted:
        return Difference(path, "is one file too many", "removed")
    return Difference(path, "differs" if found else "is missing", "written")


def _roots(settings: Settings) -> Iterator[tuple[str, bytes]]:
    """Yield the root of each Argo CD: one, unless environments name others."""
    groups: dict[str, list[Environment]] = {}
    for environment in settings.environments:
        groups.setdefault(root_path(environment), []).append(environment)
    for path, environments in groups.items():
        about = "Applied once, by `deliver bootstrap`; then it keeps itself as it is in Git."
        project = root_project(settings, environments)
        yield path, document(about, project, root_application(settings, environments))


def _environment(settings: Settings, environment: Environment) -> dict[str, bytes]:
    folder, name = f"{FOLDER}/{environment.name}", environment.name
    # What may go from the first environment, when its folder goes, is not left of several.
    may_delete = len(settings.environments) > 1 and settings.before(name) is None
    made = {
        "project": document(
            f"What Argo CD may do in {name}: read one repository, write these kinds to one place.",
            environment_project(settings, environment),
        ),
        "applicationset": document(
            f"An Application for each app that runs in {name}.{'' if may_delete else KEPT}",
            application_set(settings, environment, may_delete),
        ),
        "namespace": document(
            f"Brings what is in namespace/ to the cluster of {name}.",
            namespace_owner(settings, environment),
        ),
    }
    for file, about, one in namespace_files(settings, environment):
        made[f"namespace/{file}"] = document(about, one)
    return {f"{folder}/{file}.yaml": data for file, data in made.items()}


KEPT = " What vanishes from Git stays on the cluster."
