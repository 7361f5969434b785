"""The repository as the tests see it, and its models, each trained in the app's own environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from delivery.app import AppFile
from delivery.files import parse_model
from delivery.models.environment import CHILD_ENV, app_python
from delivery.process import run
from delivery.settings import Settings

ROOT = Path(__file__).parents[1]
APPS = sorted(path.parent.name for path in ROOT.glob("apps/*/app.yaml"))
SETTINGS = parse_model(Settings, (ROOT / "delivery.yaml").read_bytes(), "delivery.yaml")


@dataclass(frozen=True)
class Subject:
    """An app under test: its name, its app.yaml, and the Python that its lock describes."""

    name: str
    file: AppFile
    python: Path

    @property
    def folder(self) -> Path:
        return ROOT / "apps" / self.name

    @property
    def module(self) -> str:
        return f"{SETTINGS.package}.{self.file.module}"

    def run(self, *words: str | Path, cwd: Path = ROOT) -> str:
        return run(self.python, *words, cwd=cwd, env=CHILD_ENV).text


@pytest.fixture(scope="session", params=APPS)
def app(request: pytest.FixtureRequest) -> Subject:
    folder = ROOT / "apps" / request.param
    file = parse_model(AppFile, (folder / "app.yaml").read_bytes(), f"{folder}/app.yaml")
    lock = (folder / "requirements.lock").read_bytes()
    return Subject(request.param, file, app_python(ROOT, request.param, lock))


@pytest.fixture(scope="session")
def trained(app: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the app's training wrote."""
    return train(app, tmp_path_factory.mktemp(app.name) / "model")


@pytest.fixture(scope="session")
def train_again(app: Subject) -> Callable[[Path], Path]:
    return lambda out: train(app, out)


def train(app: Subject, out: Path) -> Path:
    app.run("-m", app.module, "train", "--out", out)
    return out
