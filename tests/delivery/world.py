"""A baked repository in which releases move, for tests of what Git, records and rules do.

Rendering, Git and the rules are real. Images and verdicts are made up: which image answers how is
the gate's business, and has tests of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

from cookiecutter.main import cookiecutter
from delivery.canonical import sha256
from delivery.check import Report, check_change
from delivery.evidence import CheckResult, Evidence, Judged, TrainedOn
from delivery.git import Repository
from delivery.judging import inputs_for
from delivery.ledger import Line
from delivery.proposal import Proposal, Step, compose_judged, pin_sources, propose
from delivery.records import BuiltFrom, Kind, Model, Question, Release, release_id
from delivery.verbs.promote import candidate_for
from delivery.verbs.render import render_pending
from delivery.verbs.resume import resume
from delivery.verbs.rollback import rollback
from delivery.workplace import Workplace

TEMPLATE = Path(__file__).parent.parent.parent
KUSTOMIZE_APP = "tumour-classifier"
HELM_APP = "progression-forecast"
QUESTION = b'{"schema":1}\n'
TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""A Monday."""
IDENTITY = {
    "GIT_AUTHOR_NAME": "Sam",
    "GIT_AUTHOR_EMAIL": "sam@example.com",
    "GIT_COMMITTER_NAME": "Sam",
    "GIT_COMMITTER_EMAIL": "sam@example.com",
}


def bake(folder: Path, **answers: str) -> Path:
    """Return a baked repository with one commit on main."""
    root = Path(
        cookiecutter(str(TEMPLATE), no_input=True, extra_context=answers, output_dir=str(folder))
    )
    World(root).git("init", "--quiet", "--initial-branch=main")
    for name, value in (("user.name", "Sam"), ("user.email", "sam@example.com")):
        World(root).git("config", name, value)
    for bytecode in list(root.rglob("__pycache__")):  # of the template, baked along
        shutil.rmtree(bytecode)
    World(root).commit("Bake the repository")
    return root


@dataclass(frozen=True)
class World:
    """A repository with its main branch checked out."""

    root: Path

    def copy(self, folder: Path) -> Self:
        """Return a copy that a test may spoil."""
        shutil.copytree(self.root, folder, symlinks=True)
        return type(self)(folder)

    def git(self, *words: str) -> str:
        """Return what git printed."""
        done = subprocess.run(
            ["git", *words],
            cwd=self.root,
            env={**os.environ, **IDENTITY},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    @property
    def work(self) -> Workplace:
        """The workplace as main is now."""
        return Workplace.open(self.root)

    @property
    def repository(self) -> Repository:
        """The repository."""
        return Repository(self.root)

    def line(self, environment: str, app: str = KUSTOMIZE_APP) -> Line:
        """Return an app's line on main."""
        return self.work.ledger.line(environment, app)

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Put or remove files in the work tree."""
        for path, data in files.items():
            target = self.root / path
            if data is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data if isinstance(data, bytes) else data.encode())

    def commit(self, message: str = "Change by hand") -> str:
        """Commit everything on the branch that is checked out."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def change(self, files: Mapping[str, str | bytes | None], message: str = "Change") -> str:
        """Commit files on main."""
        self.write(files)
        return self.commit(message)

    def merge(self, proposal: Proposal) -> None:
        """Squash-merge a proposal into main and delete its branch."""
        self.git("merge", "--quiet", "--squash", proposal.branch)
        self.git("commit", "--quiet", "--message", f"Merge {proposal.branch}")
        self.git("branch", "--quiet", "-D", proposal.branch)

    def check(self, head: str, base: str = "main", now: datetime = NOW) -> Report:
        """Return the rules' verdict on a branch."""
        return check_change(self.repository, base, head, now)

    def codes(self, head: str, base: str = "main") -> set[str]:
        """Return the names of all refusals on a branch."""
        return {finding.code for finding in self.check(head, base).findings}

    def release(self, number: int, app: str = KUSTOMIZE_APP) -> Proposal:
        """Return the proposal of a release whose image and model are told by a number."""
        return self.release_of(self.make(number, app), app)

    def release_of(self, made: Release, app: str = KUSTOMIZE_APP) -> Proposal:
        """Return the proposal that brings a release into the first environment."""
        work = self.work
        line = work.ledger.line(work.settings.names[0], app)
        line.require_no_hold()
        return propose(work, [self._accept(line, "release", made, None)])

    def promote(self, environment: str, app: str = KUSTOMIZE_APP) -> Proposal:
        """Return the proposal that takes an app's release into an environment."""
        origin, release = candidate_for(self.work, app, environment)
        line = self.line(environment, app)
        return propose(self.work, [self._accept(line, "promote", release, origin)])

    def render(self, environment: str, *apps: str) -> list[Proposal]:
        """Return the proposals for what is pending in an environment."""
        return render_pending(self.work, environment, list(apps), reason="test", change=None)

    def rollback(
        self, environment: str, app: str = KUSTOMIZE_APP, to: int | None = None
    ) -> Proposal:
        """Return the proposal that goes back."""
        return rollback(self.work, app, environment, to=to, reason="test", change=None)

    def resume(self, environment: str, app: str = KUSTOMIZE_APP) -> Proposal:
        """Return the proposal that ends a hold."""
        return resume(self.work, app, environment, reason="test", change=None)

    def deliver_to(self, environment: str, number: int, app: str = KUSTOMIZE_APP) -> None:
        """Merge a release, and its promotions up to an environment."""
        self.merge(self.release(number, app))
        names = self.work.settings.names
        for name in names[1 : names.index(environment) + 1]:
            self.merge(self.promote(name, app))

    def make(self, number: int, app: str) -> Release:
        """Return a release of main's sources with a made-up image and model."""
        work = self.work
        owner = work.app(app)
        image = f"{work.settings.image(app)}@{sha256(f'image {app} {number}'.encode())}"
        model = sha256(f"model {app} {number}".encode())
        pins = pin_sources(work, owner)
        question = sha256(QUESTION)
        made_of = owner.made_of(work.settings)
        return Release(
            id=release_id(image, model, {p: pin.sha256 for p, pin in pins.items()}, question),
            image=image,
            model=Model(digest=model, name=app, version=str(number), run="0" * 32),
            sources=pins,
            question=Question(sha256=question),
            built_from=BuiltFrom(
                commit=work.main.commit,
                code=made_of.code,
                lock=made_of.lock,
                server=made_of.server,
                data=sha256(b"data"),
                base=sha256(b"base"),
            ),
        )

    def verdict(self, line: Line, kind: Kind, release: Release) -> Evidence:
        """Return evidence that passes, on what main says."""
        app = self.work.app(line.app)
        logged = {"roc_auc": 0.99} if kind == "release" else None
        seen = TrainedOn(sha256=sha256(b"rows"), rows=10) if kind == "release" else None
        return Evidence(
            app=line.app,
            environment=line.environment,
            inputs=inputs_for(app, line, Judged.of(release), logged, seen),
            policy=app.policy(line.environment).model_dump(mode="json"),
            metrics={"candidate": {"roc_auc": 0.99}},
            checks=[CheckResult(name="floor", outcome="PASS", figures={}, sentence="Fine.")],
            outcome="PASS",
        )

    def _accept(self, line: Line, kind: Kind, release: Release, origin: str | None) -> Step:
        return compose_judged(
            self.work,
            line,
            kind,
            release,
            reason="test",
            change=None,
            from_=origin,
            evidence=self.verdict(line, kind, release),
            question=QUESTION,
        )
