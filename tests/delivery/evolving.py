"""A template that goes on, and a repository that cruft made from it and its owners changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from delivery.verbs.update import Update, prepare
from delivery.workplace import Workplace

from tests.bake.template import FOLDER, copy_template, git
from tests.delivery.growing import say, with_environments
from tests.delivery.world import HELM_APP, World

CRUFT = str(Path(sys.executable).with_name("cruft"))
MODULE = "progression_forecast"
OVERLAYS = tuple(f"overlays/{name}/{HELM_APP}" for name in ("dev", "staging", "prod"))
Change = Mapping[str, str | None]
"""Files by path, `None` for one that goes."""


@dataclass(frozen=True)
class Template:
    """A template's repository, and the commit that `made` repositories were made of."""

    root: Path
    first: str

    @classmethod
    def copied(cls, folder: Path) -> Template:
        """Return one of a single commit, as the template stands."""
        root = copy_template(folder)
        return cls(root, git("rev-parse", "HEAD", cwd=root).strip())

    def text(self, path: str) -> str:
        """Return a generated file as it stands in the template."""
        return (self.root / FOLDER / path).read_text()

    def change(self, files: Change, subject: str = "Change") -> str:
        """Return the commit that changes generated files."""
        return self.commit({f"{FOLDER}/{path}": data for path, data in files.items()}, subject)

    def commit(self, files: Change, subject: str) -> str:
        """Return the commit that changes files of the template's own."""
        for path, data in files.items():
            if data is None:
                (self.root / path).unlink()
                continue
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(data)
        git("add", "--all", cwd=self.root)
        git("commit", "--quiet", "--message", subject, cwd=self.root)
        return git("rev-parse", "HEAD", cwd=self.root).strip()

    def state(self, **answers: str) -> dict[str, object]:
        """Return what `cruft link` writes of a repository with these answers."""
        given = {"project_name": "Acme Models", **answers}
        context = {"cookiecutter": given}
        return {"template": str(self.root), "commit": self.first, "context": context}

    def made(self, out: Path, environments: Path) -> World:
        """Return the repository that cruft makes from its first commit."""
        words = [CRUFT, "create", str(self.root), "--no-input", "--output-dir", str(out)]
        subprocess.run(words, check=True, capture_output=True)
        world = with_environments(World(out / "acme-models"), environments)
        world.git("init", "--quiet", "--initial-branch=main")
        for name, value in (("user.name", "Sam"), ("user.email", "sam@example.com")):
            world.git("config", name, value)
        world.commit("Bake the repository")
        return world


def prepared(world: World, to: str | None = None) -> Update:
    """Return what the template brings to a repository."""
    return prepare(Workplace.open(world.root), to, say, dry_run=False)


def without_app(world: World) -> None:
    """Remove one app's files, as owners do who have no use for it."""
    for folder in (f"apps/{HELM_APP}", f"acme_models/{MODULE}", *OVERLAYS):
        world.git("rm", "-r", "--quiet", folder)


def shown(world: World, ref: str, path: str) -> str:
    """Return a file of a commit."""
    return world.git("show", f"{ref}:{path}")


def paths(world: World, ref: str) -> set[str]:
    """Return the files of a commit."""
    return set(world.git("ls-tree", "-r", "--name-only", ref).splitlines())
