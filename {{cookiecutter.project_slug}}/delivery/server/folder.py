"""A model folder's descriptions: `signature.json` and `model.json`, read without the model.

They say what goes in and comes out, by name, type and unit; and which model this is, and the
payload's file and format.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal, TypeVar

import msgspec

Task = Literal["binary-classification", "multiclass-classification", "regression"]
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
    """The one output: a number a row, or one for each class; `low` and `high` bound it."""

    name: str
    datatype: Literal["FP64"]
    shape: tuple[int, ...]
    unit: str = "1"
    low: float | None = None
    high: float | None = None
    classes: tuple[str, ...] | msgspec.UnsetType | None = msgspec.UNSET


class Signature(msgspec.Struct, frozen=True):
    """What the model takes and gives."""

    schema: Literal[1]
    task: Task
    inputs: tuple[InputSpec]
    outputs: tuple[OutputSpec]


class Payload(msgspec.Struct, frozen=True):
    """The file that holds the trained model, and how it is read.

    `trusted` names types that skops loads besides those it knows; `allowed` lets a format run code.
    """

    file: str
    format: str
    trusted: tuple[str, ...] = ()
    allowed: bool = False


class Identity(msgspec.Struct, frozen=True):
    """Which model this is: `digest` is of its content, `run` and `commit` say where it is from."""

    name: str
    version: str
    run: str
    commit: str
    digest: str
    payload: Payload


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that agrees with itself; its payload is not loaded yet."""

    path: Path
    identity: Identity
    signature: Signature

    @classmethod
    def read(cls, path: Path) -> ModelFolder:
        """Return what a folder says about its model; raises ModelError."""
        identity = _read(path / "model.json", Identity)
        signature = _read(path / "signature.json", Signature)
        file = identity.payload.file
        if PurePath(file).name != file:
            raise ModelError(f"model.json: payload.file {file!r}, expected a plain file name")
        _check(signature)
        return cls(path, identity, signature)


def _check(signature: Signature) -> None:
    given, output, expected = signature.inputs[0], signature.outputs[0], [-1]
    if len(given.columns) != given.shape[1]:
        raise ModelError(
            f"signature.json: {len(given.columns)} columns, but the shape says {given.shape[1]}"
        )
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
