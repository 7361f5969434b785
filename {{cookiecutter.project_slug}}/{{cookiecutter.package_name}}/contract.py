"""What `deliver` and model code agree on: two commands, and the files that they write.

    python -m <package>.<model> train --out FOLDER       payload, signature.json, training.json,
                                                         training-rows.txt
    python -m <package>.<model> holdout --out FOLDER     features.csv, labels.csv

Both run from the repository's root, in the app's own environment, with OMP_NUM_THREADS=1, and write
into an empty folder. Equal code, data and environment give equal bytes. `deliver` reads the files
and imports nothing from here. What serves a payload has not got this package, so a payload is built
of what the app's requirements install.

Shapes: a table of n rows and k columns is (n, k) float64; labels are (n,) float64. Binary labels
are 0 and 1, and 1 is the positive class; of three classes or more, a label is the place of its
class in the signature, from 0 on. Units stand in the signature, `1` for plain numbers.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .payload import Format, payload_file

Floats = NDArray[np.float64]
Task = Literal["binary-classification", "multiclass-classification", "regression"]


@dataclass(frozen=True)
class Column:
    """A feature: its unit, and the lowest and highest value that training saw, in that unit."""

    name: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Output:
    """What a model answers per row, and its bounds where it has some.

    One number, named `probability` (of the positive class) for two classes and `prediction` for a
    regression; `probabilities`, one for each of `classes`, for three or more.
    """

    name: Literal["probability", "probabilities", "prediction"]
    unit: str
    low: float | None = None
    high: float | None = None
    classes: Sequence[str] | None = None


@dataclass(frozen=True)
class Signature:
    """What a model takes and gives; columns are in the order of the payload's input."""

    task: Task
    columns: Sequence[Column]
    output: Output

    def as_json(self) -> dict[str, object]:
        """Return signature.json: Open Inference tensors, with a unit and a range to each column."""
        columns = [vars(column) for column in self.columns]
        features = {"name": "features", "datatype": "FP64", "shape": [-1, len(columns)]}
        output = {key: value for key, value in vars(self.output).items() if value is not None}
        shape = [-1] if self.output.classes is None else [-1, len(self.output.classes)]
        return {
            "schema": 1,
            "task": self.task,
            "inputs": [{**features, "columns": columns}],
            "outputs": [{**output, "datatype": "FP64", "shape": shape}],
        }


@dataclass(frozen=True)
class Rows:
    """Labelled rows: n ids, k names, `X` of shape (n, k) and `y` of shape (n,)."""

    ids: Sequence[str]
    names: Sequence[str]
    X: Floats
    y: Floats

    def features_csv(self) -> bytes:
        """Return `row_id` and the features; numbers are the shortest that read back the same."""
        return _csv(["row_id", *self.names], zip(self.ids, *self.X.T.tolist(), strict=True))

    def labels_csv(self) -> bytes:
        """Return `row_id,label`, in the same order."""
        return _csv(["row_id", "label"], zip(self.ids, self.y.tolist(), strict=True))

    @property
    def sha256(self) -> str:
        """The digest of both files' bytes, one after the other."""
        return _sha256(self.features_csv() + self.labels_csv())

    def digests(self) -> bytes:
        """Return the SHA-256 of each row's features, a line each, sorted: their order is no matter.

        A row is spelled as its numbers one after the other: float64, little-endian, -0.0 as 0.0.
        """
        spelled = (self.X + 0.0).astype("<f8")
        lines = sorted(hashlib.sha256(row.tobytes()).hexdigest() for row in spelled)
        return "".join(f"{line}\n" for line in lines).encode()

    def ranges(self, units: Mapping[str, str]) -> list[Column]:
        """Return each feature with its unit and its range in these rows."""
        low, high = self.X.min(axis=0).tolist(), self.X.max(axis=0).tolist()
        return [
            Column(name, units[name], *bounds)
            for name, *bounds in zip(self.names, low, high, strict=True)
        ]


@dataclass(frozen=True)
class Training:
    """What `train` made.

    payload: answers `predict_proba(X)`, (n, classes), for a classifier; `predict(X)`, (n,), for a
    regression. metrics: what training measured on its own rows, such as `cv_roc_auc`. format: that
    of the payload in app.yaml.
    """

    payload: object
    signature: Signature
    rows: Rows
    metrics: Mapping[str, float]
    parameters: Mapping[str, object]
    format: Format = "skops"

    def as_json(self) -> dict[str, object]:
        """Return training.json."""
        return {
            "schema": 1,
            "data": {"sha256": self.rows.sha256, "rows": len(self.rows.ids)},
            "metrics": dict(self.metrics),
            "parameters": dict(self.parameters),
        }


def main(
    train: Callable[[], Training],
    holdout: Callable[[], Rows],
    argv: Sequence[str] | None = None,
) -> int:
    """Run one of the two commands, and return the exit status."""
    parser = argparse.ArgumentParser(description="Train this model, or draw its hold-out.")
    parser.add_argument("command", choices=["train", "holdout"])
    parser.add_argument("--out", type=Path, required=True, help="an empty folder")
    called = parser.parse_args(argv)
    called.out.mkdir(parents=True, exist_ok=True)
    if any(called.out.iterdir()):
        parser.error(f"{called.out} is not empty")
    files = _train(train()) if called.command == "train" else _holdout(holdout())
    for name, data in files.items():
        (called.out / name).write_bytes(data)
    return 0


def _train(made: Training) -> dict[str, bytes]:
    name, payload = payload_file(made.payload, made.format)
    return {
        name: payload,
        "signature.json": _json(made.signature.as_json()),
        "training.json": _json(made.as_json()),
        "training-rows.txt": made.rows.digests(),
    }


def _holdout(rows: Rows) -> dict[str, bytes]:
    return {"features.csv": rows.features_csv(), "labels.csv": rows.labels_csv()}


def _csv(header: Sequence[str], lines: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue().encode()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def _sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
