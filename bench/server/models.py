"""The one model that all serve: the shipped classifier, made as `deliver train` makes it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from delivery.process import run

from .environments import CONVERSION, HERE, LOCKS, NATIVE, TEMPLATE, python_of

NAME, MODULE = "tumour-classifier", "models.tumour_classifier"
DATATYPE = "float64"
"""What the shipped classifier converts to."""


def save(folder: Path) -> Path:
    """Write the model as each server wants it, a folder each, and `rows.json`; return the folder.

    The latter holds the hold-out's rows, and the probability that scikit-learn gives each.
    """
    shutil.copytree(TEMPLATE / "{{cookiecutter.package_name}}", folder / "code/models")
    importable = {"PYTHONPATH": f"{folder / 'code'}:{TEMPLATE}", "OMP_NUM_THREADS": "1"}
    for command in ("train", "holdout"):
        words = ["-m", MODULE, command, "--out", folder / command]
        run(python_of(NATIVE), *words, env=importable)
    signature = json.loads((folder / "train/signature.json").read_text())
    converted = folder / "model.onnx"
    words = ["--payload", folder / "train/model.skops", "--format", "skops", "--out", converted]
    words += ["--columns", str(signature["inputs"][0]["shape"][1]), "--datatype", DATATYPE]
    run(python_of(CONVERSION), "-m", "delivery.conversion", *words, env=importable)
    _model(folder / "onnx", converted, signature)
    _model(folder / "native", folder / "train/model.skops", signature)
    run(python_of(LOCKS / "mlflow.lock"), HERE / "peers/save.py", folder)
    return folder


def _model(folder: Path, payload: Path, signature: object) -> None:
    """Write a model folder of this repository's server."""
    folder.mkdir()
    shutil.copy(payload, folder)
    described = {"file": payload.name, "format": payload.suffix[1:]}
    who = {"name": NAME, "version": "1", "run": "bench", "commit": "0" * 40}
    identity = {**who, "digest": "sha256:" + "0" * 64, "payload": described}
    (folder / "signature.json").write_text(json.dumps(signature))
    (folder / "model.json").write_text(json.dumps(identity))
