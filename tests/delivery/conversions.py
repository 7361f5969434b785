"""An app whose models are fitted here and converted for real, in the tests' own environment."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from delivery.app import App
from delivery.canonical import canonical
from delivery.console import Say
from delivery.gate.holdout import Rows
from delivery.git import Repository
from delivery.models.contract import OUTPUTS, ModelFiles, Signature
from delivery.models.converting import Converter, Served
from delivery.policy import Task
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from tests.delivery import toys

METRIC = {
    "binary-classification": "brier",
    "multiclass-classification": "accuracy",
    "regression": "mae",
}
SOURCES = {
    "binary-classification": load_breast_cancer,
    "multiclass-classification": load_wine,
    "regression": load_diabetes,
}
HELD = 60
"""So many rows are kept from training."""


def quiet(text: str) -> None:
    """Take what the verb says while it works."""
    assert text


def make(root: Path) -> Path:
    """Return a repository with the server and the converter, without an app yet."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("server", "conversion"):
        shutil.copytree(
            toys.TEMPLATE / f"delivery/{name}", root / f"delivery/{name}", ignore=ignored
        )
    (root / "delivery/__init__.py").touch()
    onnx = (root / "delivery/server/onnx.lock").read_bytes()
    toys.git(root, "init", "--quiet", "--initial-branch=main")
    for lock in (toys.LOCK, onnx):
        toys.give_environment(root, lock)
    return root


def app(root: Path, task: Task, keys: str = "", files: Mapping[str, str] | None = None) -> App:
    """Return the app `toy` of a task, committed with more lines of app.yaml and more files."""
    payload = "" if "payload:" in keys else "payload: {file: model.skops, format: skops}\n"
    text = f"""\
schema: 1
module: toy
task: {task}
style: kustomize
{payload}{keys}
owners: ["@lab"]
gate: {{metrics: {{{METRIC[task]}: {{margin: 0.1}}}}}}
"""
    toys.commit(
        root,
        {
            "delivery.yaml": toys.SETTINGS,
            ".gitignore": toys.FILES[".gitignore"],
            "apps/toy/app.yaml": text,
            "apps/toy/requirements.lock": toys.LOCK,
            "apps/toy/conversion.lock": toys.LOCK,
            "lab/__init__.py": "",
            "lab/toy/__init__.py": "",
            **(files or {}),
        },
    )
    return toys.read(Repository(root))[1]


def fit(task: Task, estimator: Any) -> tuple[Any, Rows]:
    """Return an estimator fitted to real data, and the rows that were kept from it."""
    X, y = SOURCES[task](return_X_y=True)
    order = np.random.default_rng(3).permutation(len(X))
    X, y = X[order], y[order].astype(float)
    columns = tuple(f"c{number}" for number in range(X.shape[1]))
    ids = tuple(f"row-{number}" for number in range(HELD))
    return estimator.fit(X[HELD:], y[HELD:]), Rows(ids, columns, X[:HELD], y[:HELD])


def made(app: App, model: Any, rows: Rows, payload: bytes | None = None) -> ModelFiles:
    """Return what training would have left: the payload in the app's format, its signature."""
    format_ = app.file.payload.format
    if payload is None:
        payload = pickle.dumps(model) if format_ == "pickle" else skops.io.dumps(model)
    shape = _signature(app.file.task, rows)
    raw = canonical(shape.model_dump(mode="json", by_alias=True))
    lock = app.engine_lock() if format_ == "onnx" else app.lock()
    files = {app.file.payload.file: payload, "signature.json": raw, "requirements.lock": lock}
    return ModelFiles(files, shape)


def serve(root: Path, app: App, model: Any, rows: Rows, say: Say = quiet) -> Served:
    """Return what is served of a fitted model."""
    return Converter(root, "lab", app, rows).served(made(app, model, rows), say)


def _signature(task: Task, rows: Rows) -> Signature:
    columns = [
        {"name": name, "unit": "1", "low": float(column.min()), "high": float(column.max())}
        for name, column in zip(rows.columns, rows.features.T, strict=True)
    ]
    width = len(columns)
    tensor = {"name": "features", "datatype": "FP64", "shape": [-1, width], "columns": columns}
    output: dict[str, Any] = {"name": OUTPUTS[task], "datatype": "FP64", "shape": [-1], "unit": "1"}
    if task == "multiclass-classification":
        output |= {"shape": [-1, 3], "classes": ["a", "b", "c"]}
    content = {"schema": 1, "task": task, "inputs": [tensor], "outputs": [output]}
    return Signature.model_validate(content)
