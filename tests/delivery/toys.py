"""A repository with one tiny app, whose model is a mean: training and serving take no library."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from delivery.app import App, read_app
from delivery.canonical import sha256, short
from delivery.errors import Refused
from delivery.git import Repository
from delivery.models.environment import FOLDER, MARKER
from delivery.models.registry import Registry
from delivery.settings import Settings, read_settings

TEMPLATE = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
LOCK = b"# what the tests' own environment holds\n"
SETTINGS = """\
schema: 1
project: lab
package: lab
repository: https://git.example.com/lab.git
registry: 127.0.0.1:5000/lab
mlflow: sqlite:///.local/mlflow/mlflow.db
renderer: {kustomize: 5.8.1, helm: 3.22.0}
environments:
  - {name: dev, cluster: https://k, namespace: lab-dev, kubernetes: "1.36"}
"""
APP = """\
schema: 1
module: toy
task: regression
style: kustomize
payload: {file: model.pkl, format: pickle}
serve: native
allow: [pickle]
owners: ["@lab"]
gate: {metrics: {mae: {floor: 10.0}}}
"""
MODEL = """\
class Mean:
    def predict(self, rows):
        return rows.mean(axis=1)
"""
TRAIN = """\
import argparse, hashlib, json, pathlib, pickle
from .model import Mean

parser = argparse.ArgumentParser()
parser.add_argument("verb")
parser.add_argument("--out", type=pathlib.Path)
out = parser.parse_args().out
columns = [{"name": name, "unit": "1", "low": 0.0, "high": 9.0} for name in ("c0", "c1")]
tensor = {"name": "features", "datatype": "FP64", "shape": [-1, 2], "columns": columns}
output = {"name": "prediction", "datatype": "FP64", "shape": [-1], "unit": "1"}
signature = {"schema": 1, "task": "regression", "inputs": [tensor], "outputs": [output]}
data = {"sha256": "sha256:" + "d" * 64, "rows": 10}
training = {"schema": 1, "data": data, "metrics": {"fit_mae": 0.5}, "parameters": {"depth": 1}}
(out / "model.pkl").write_bytes(pickle.dumps(Mean()))
(out / "signature.json").write_text(json.dumps(signature))
(out / "training.json").write_text(json.dumps(training))
rows = sorted(hashlib.sha256(bytes([number])).hexdigest() for number in range(10))
(out / "training-rows.txt").write_text("".join(row + "\\n" for row in rows))
"""
FEATURES = b"row_id,c0,c1\nr0,0,2\nr1,3,5\nr2,4,4\n"
LABELS = b"row_id,label\nr0,1.5\nr1,4\nr2,4\n"
HOLDOUT = f"""\
schema: 1
rows: 3
format: csv
location: apps/toy/holdout
features: {{file: features.csv, sha256: "{sha256(FEATURES)}"}}
labels: {{file: labels.csv, sha256: "{sha256(LABELS)}"}}
"""
FILES: dict[str, str | bytes] = {
    "delivery.yaml": SETTINGS,
    ".gitignore": ".local/\n__pycache__/\n",
    "Dockerfile": (
        "ARG BASE=scratch\nFROM ${BASE}\n"
        "COPY model /model\nCOPY server /app/server\nCOPY sbom.cdx.json /sbom.cdx.json\n"
    ),
    "apps/toy/app.yaml": APP,
    "apps/toy/holdout.yaml": HOLDOUT,
    "apps/toy/holdout/features.csv": FEATURES,
    "apps/toy/holdout/labels.csv": LABELS,
    "apps/toy/requirements.lock": LOCK,
    "apps/toy/deploy/kustomization.yaml": "resources: []\n",
    "lab/__init__.py": "",
    "lab/toy/__init__.py": "",
    "lab/toy/__main__.py": TRAIN,
    "lab/toy/model.py": MODEL,
}


def git(root: Path, *words: str) -> str:
    """Return what git printed; commits need no setting of the machine."""
    who = ("-c", "user.name=Sam", "-c", "user.email=sam@example.com")
    done = subprocess.run(
        ["git", *who, *words], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def write(root: Path, files: dict[str, str | bytes]) -> None:
    """Put files into the work tree."""
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data if isinstance(data, bytes) else data.encode())


def commit(root: Path, files: dict[str, str | bytes] | None = None) -> None:
    """Commit everything, after putting files into the work tree."""
    write(root, files or {})
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Change")


def database(folder: Path) -> Path:
    """Return a database as MLflow makes it on first use, which takes it seconds."""
    path = folder / "mlflow.db"
    path.touch()
    with pytest.raises(Refused, match="no-model"):
        Registry(f"sqlite:///{path}", "lab", None).find("toy", None)
    return path


def make(root: Path, database: Path) -> Repository:
    """Return a repository with the toy app, its server and its environment, committed on main."""
    (root / ".local/mlflow").mkdir(parents=True)
    shutil.copy(database, root / ".local/mlflow/mlflow.db")
    write(root, FILES)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TEMPLATE / "delivery/server", root / "delivery/server", ignore=ignored)
    (root / "delivery/__init__.py").touch()
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    give_environment(root, LOCK)
    return Repository(root)


def give_environment(root: Path, lock: bytes) -> None:
    """Have the environment of a lock be the one that the tests run in, so that none is made."""
    folder = root / FOLDER / short(sha256(lock))
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / MARKER).touch()


def read(repository: Repository) -> tuple[Settings, App]:
    """Return settings and app as they are committed."""
    snapshot = repository.snapshot("HEAD")
    settings = read_settings(snapshot)
    return settings, read_app(snapshot, settings, "toy")
