"""CODEOWNERS: whose approval a change needs, by the paths that it touches.

It is written from delivery.yaml and each app's app.yaml, for the one host that the repository is
on: GitHub reads paths, of which the last that fits counts, Gitea regular expressions, of which each
one counts. What needs no approval is left out, and no path stands in it twice, so that both agree.

See: GitHub's manual, "About code owners"; `ParseCodeOwnersLine` of Gitea 1.26.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .app import AppFile
from .settings import Environment, Settings

WRITTEN = (
    "# Written by `deliver owners` from delivery.yaml and apps/*/app.yaml: edit those instead."
)
PATHS = {"github": ".github/CODEOWNERS", "gitea": ".gitea/CODEOWNERS"}
READ_BEFORE = {"github": (), "gitea": ("CODEOWNERS", "docs/CODEOWNERS")}
"""Files that a host would read in place of ours."""
JUDGE_FOLDERS = ("delivery/", ".github/", ".gitea/", "argocd/", "keys/")
"""What judges, beside each app's policy: no pull request brings it together with a release."""
ROOT_FILES = "*"
"""Trusted jobs call the Makefile, make takes a GNUmakefile before it, pip asks pyproject.toml."""
OWNED = (*JUDGE_FOLDERS, "charts/", "components/", "tests/", ROOT_FILES)


@dataclass(frozen=True)
class Owned:
    """A folder, whose path ends in a slash, or files, and who owns it; `*` is any one name."""

    path: str
    owners: tuple[str, ...]

    def covers(self, path: str) -> bool:
        """Return whether a file's path is in it, or is it."""
        expression = re.escape(self.path).replace(r"\*", "[^/]+")
        found = re.match(expression, path)
        return found is not None and (self.path.endswith("/") or found.end() == len(path))


def owners_path(settings: Settings) -> str:
    """Return where the repository's host reads owners."""
    return PATHS[_kind(settings)]


def owners_file(settings: Settings, apps: Mapping[str, AppFile]) -> bytes:
    """Return the bytes of CODEOWNERS; `apps` holds every app's app.yaml by its name."""
    rows = owned(settings, apps)
    lines = (f"{_pattern(settings, row.path)} {' '.join(row.owners)}" for row in rows)
    return "\n".join([WRITTEN, *lines, ""]).encode()


def owned(settings: Settings, apps: Mapping[str, AppFile]) -> Iterator[Owned]:
    """Yield what is owned: each app's folders, its records where they need approval, the rest.

    The rest is the judge, and what apps share; pages of `docs/` belong to nobody.

    An environment's approvers, where there are any, take the place of an app's owners for records.
    """
    for name, app in sorted(apps.items()):
        for folder in (f"apps/{name}/", f"{settings.package}/{app.module}/", f"overlays/*/{name}/"):
            yield Owned(folder, tuple(app.owners))
    for environment in settings.environments:
        yield from _records(environment, apps)
    judges = judge_owners(settings, apps)
    for path in (*OWNED, f"{settings.package}/*") if judges else ():
        yield Owned(path, judges)


def touched(
    settings: Settings, apps: Mapping[str, AppFile], paths: Sequence[str]
) -> Iterator[Owned]:
    """Yield what is owned and holds one of some paths."""
    for row in owned(settings, apps):
        if any(row.covers(path) for path in paths):
            yield row


def judge_owners(settings: Settings, apps: Mapping[str, AppFile]) -> tuple[str, ...]:
    """Return who owns the judge: delivery.yaml's `owners`, else those of all apps."""
    found = settings.owners or [one for _, app in sorted(apps.items()) for one in app.owners]
    return tuple(dict.fromkeys(found))


def _records(environment: Environment, apps: Mapping[str, AppFile]) -> Iterator[Owned]:
    if environment.approvals == 0:
        return
    folder = f"releases/{environment.name}/"
    if environment.approvers:
        yield Owned(folder, tuple(environment.approvers))
        return
    for name, app in sorted(apps.items()):
        yield Owned(f"{folder}{name}/", tuple(app.owners))


def _pattern(settings: Settings, path: str) -> str:
    if _kind(settings) == "github":
        return f"/{path}"
    expression = path.replace("*", "[^/]+")
    return f"{expression}.*" if path.endswith("/") else expression


def _kind(settings: Settings) -> str:
    return settings.host.kind if settings.host else "github"
