"""A model folder, loaded: whatever its format, it answers through one `predict`.

A model folder holds the payload, `signature.json` (what goes in and comes out, by name, type and
unit) and `model.json` (which model this is, and the payload's file and format).
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Literal, TypeVar

import msgspec
import numpy as np

from .protocol import Answer, Floats, OutputTensor, Request, check_outputs, features, row_ids

Task = Literal["binary-classification", "multiclass-classification", "regression"]
Predict = Callable[[Floats], Floats]
Part = TypeVar("Part", bound=msgspec.Struct)


class ModelError(RuntimeError):
    """A model that can't be loaded, or that didn't answer as its signature says."""


class Column(msgspec.Struct, frozen=True):
    """A feature: its unit, and the range of its values in training."""

    name: str
    unit: str
    low: float
    high: float


class InputSpec(msgspec.Struct, frozen=True):
    """The one input: a row per case, its columns in this order."""

    name: str
    datatype: Literal["FP64"]
    shape: tuple[Literal[-1], int]
    columns: tuple[Column, ...]


class OutputSpec(msgspec.Struct, frozen=True):
    """The one output: a number a row, or one for each class."""

    name: str
    datatype: Literal["FP64"]
    shape: tuple[int, ...]
    unit: str = "1"
    classes: tuple[str, ...] | msgspec.UnsetType | None = msgspec.UNSET


class Signature(msgspec.Struct, frozen=True):
    """What the model takes and gives."""

    schema: Literal[1]
    task: Task
    inputs: tuple[InputSpec]
    outputs: tuple[OutputSpec]


class Payload(msgspec.Struct, frozen=True):
    """The file that holds the trained model, and how it is read."""

    file: str
    format: str


class Identity(msgspec.Struct, frozen=True):
    """Which model this is: `digest` is of its content, `run` and `commit` say where it is from."""

    name: str
    version: str
    run: str
    commit: str
    digest: str
    payload: Payload


class Model:
    """A loaded model: its identity, its signature, and its answers."""

    def __init__(self, identity: Identity, signature: Signature, predict: Predict) -> None:
        self.identity = identity
        self.signature = signature
        self.input = signature.inputs[0]
        self.output = signature.outputs[0]
        self._predict = predict

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Return the model in a folder, after it has answered one row; raises ModelError."""
        identity = _read(folder / "model.json", Identity)
        signature = _read(folder / "signature.json", Signature)
        spec = signature.inputs[0]
        if len(spec.columns) != spec.shape[1]:
            raise ModelError(
                f"signature.json: {len(spec.columns)} columns, but the shape says {spec.shape[1]}"
            )
        _check_output(signature)
        model = cls(identity, signature, _load(folder, identity.payload, signature.task))
        # The first answer is slow and may show a broken payload: better now than to a caller.
        model.predict(np.array([[column.low for column in spec.columns]]))
        return model

    def predict(self, rows: Floats) -> Floats:
        """Return a number a row, or one for each class, finite or not.

        rows: (n, columns) float64; returns (n,) or (n, K) float64; raises ModelError if the payload
        fails.
        """
        try:
            numbers = np.asarray(self._predict(rows), dtype=np.float64)
        except Exception as error:  # whatever a payload's library may raise
            raise ModelError(f"the model failed: {type(error).__name__}: {error}") from error
        expected = [len(rows), *self.output.shape[1:]]
        if list(numbers.shape) != expected:
            raise ModelError(f"the model answered shape {list(numbers.shape)}, expected {expected}")
        return numbers

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request; raises RequestError or ModelError."""
        rows = features(request, self.input.name, self.input.datatype, len(self.input.columns))
        check_outputs(request, self.output.name)
        ids = row_ids(request, len(rows))
        numbers = self.predict(rows)
        named = {} if ids is None else {"row_ids": ids}
        return Answer(
            model_name=self.identity.name,
            model_version=self.identity.version,
            parameters={**named, "model_digest": self.identity.digest},
            outputs=[
                OutputTensor(
                    self.output.name,
                    self.output.datatype,
                    list(numbers.shape),
                    numbers.ravel().tolist(),
                )
            ],
            id=request.id,
        )


def _check_output(signature: Signature) -> None:
    output = signature.outputs[0]
    expected = [-1]
    if signature.task == "multiclass-classification":
        expected.append(len(output.classes or ()))
    if list(output.shape) != expected:
        raise ModelError(
            f"signature.json: the output's shape is {list(output.shape)}, expected {expected}"
        )


def _read(path: Path, kind: type[Part]) -> Part:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"{path.name}: {error}") from None


def _load(folder: Path, payload: Payload, task: Task) -> Predict:
    if payload.format not in LOADERS:
        known = ", ".join(sorted(LOADERS))
        raise ModelError(f"model.json: payload.format {payload.format!r}, expected one of {known}")
    if PurePath(payload.file).name != payload.file:
        raise ModelError(f"model.json: payload.file {payload.file!r}, expected a plain file name")
    try:
        return LOADERS[payload.format](folder / payload.file, task)
    except Exception as error:  # a pickle may raise anything
        raise ModelError(f"{payload.file}: {type(error).__name__}: {error}") from error


def _load_pickle(path: Path, task: Task) -> Predict:
    """Return the answers of a pickled estimator.

    They are the positive class's probability, all classes' in the order of the labels, or a value.
    """
    with path.open("rb") as file:
        estimator = pickle.load(file)  # noqa: S301  ours, and pinned by digest
    if task == "regression":
        predict: Predict = estimator.predict
        return predict
    probabilities: Predict = estimator.predict_proba
    if task == "multiclass-classification":
        return probabilities

    def positive(rows: Floats) -> Floats:
        return probabilities(rows)[:, 1]

    return positive


LOADERS: dict[str, Callable[[Path, Task], Predict]] = {"pickle": _load_pickle}
