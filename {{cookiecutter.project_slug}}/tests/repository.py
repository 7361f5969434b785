"""The repository under test: its settings, and its apps with the Python of each one's lock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    """An app under test, as it stands in the work tree."""

    name: str
    file: AppFile
    python: Path

    @property
    def folder(self) -> Path:
        return ROOT / "apps" / self.name

    @property
    def lock(self) -> bytes:
        return (self.folder / "requirements.lock").read_bytes()

    @property
    def module(self) -> str:
        return f"{SETTINGS.package}.{self.file.module}"

    def run(self, *words: str | Path, cwd: Path = ROOT) -> str:
        return run(self.python, *words, cwd=cwd, env=CHILD_ENV).text

    def train(self, out: Path) -> Path:
        self.run("-m", self.module, "train", "--out", out)
        return out


def subject(name: str) -> Subject:
    """Return an app with its environment made."""
    folder = ROOT / "apps" / name
    file = parse_model(AppFile, (folder / "app.yaml").read_bytes(), f"{folder}/app.yaml")
    return Subject(name, file, app_python(ROOT, name, (folder / "requirements.lock").read_bytes()))
