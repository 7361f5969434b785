"""The contract between `deliver` and model code, and a model's digest (FORMATS section 2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from ..app import AppFile, FileName, Format, Sha256, format_of
from ..canonical import canonical, digest, sha256
from ..errors import Refused
from ..policy import Task
from ..settings import Strict

SIGNATURE, TRAINING, ROWS, LOCK, IDENTITY = (
    "signature.json",
    "training.json",
    "training-rows.txt",
    "requirements.lock",
    "model.json",
)
ONNX_FILE = "model.onnx"
"""What a payload becomes by conversion."""

OUTPUTS: Mapping[Task, str] = {
    "binary-classification": "probability",
    "multiclass-classification": "probabilities",
    "regression": "prediction",
}
"""The name of the one output: of label 1, of every class, or a value in the label's unit."""

DIGEST = re.compile(r"[0-9a-f]{64}")
Finite = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
Model = TypeVar("Model", bound=BaseModel)


class Column(Strict):
    """One feature: its unit (`1` for none) and the range that training saw."""

    name: Text
    unit: Text
    low: Finite
    high: Finite

    @model_validator(mode="after")
    def _ordered(self) -> Column:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class InputSpec(Strict):
    """The one input tensor: any number of rows, one column a feature."""

    name: Text
    datatype: Literal["FP64"]
    shape: tuple[Literal[-1], Annotated[int, Field(gt=0)]]
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> InputSpec:
        names = {column.name for column in self.columns}
        if not len(names) == len(self.columns) == self.shape[1]:
            raise ValueError(f"{self.shape[1]} columns of different names are needed")
        return self


class OutputSpec(Strict):
    """The one output tensor: a number a row, or one for each of `classes`, within `low` and `high`.

    Label 0 is the first of the classes; they are three or more, of different names.
    """

    name: Text
    datatype: Literal["FP64"]
    shape: tuple[Literal[-1]] | tuple[Literal[-1], Annotated[int, Field(ge=3)]]
    unit: Text
    low: Finite | None = None
    high: Finite | None = None
    classes: tuple[Text, ...] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> OutputSpec:
        names = self.classes or ()
        if self.shape[1:] != ((len(names),) if self.classes is not None else ()):
            raise ValueError("the shape has as many columns as there are classes, or none")
        if len(set(names)) != len(names):
            raise ValueError("classes are of different names")
        return self


class Signature(Strict):
    """The whole of signature.json: what the model takes and what it answers."""

    schema_: Literal[1] = Field(alias="schema")
    task: Task
    inputs: tuple[InputSpec]
    outputs: tuple[OutputSpec]

    @model_validator(mode="after")
    def _named(self) -> Signature:
        if self.outputs[0].name != OUTPUTS[self.task]:
            raise ValueError(f"the output of {self.task} is named {OUTPUTS[self.task]}")
        if bool(self.classes) != (self.task == "multiclass-classification"):
            raise ValueError("the output of multiclass-classification has classes, of others none")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, label 0 first; none where a row has one number."""
        return self.outputs[0].classes or ()

    @property
    def width(self) -> int:
        """How many numbers the answer to a row has."""
        return len(self.classes) or 1

    @property
    def names(self) -> tuple[str, ...]:
        """The feature columns' names, in the order that requests hold them."""
        return tuple(column.name for column in self.inputs[0].columns)

    @property
    def units(self) -> tuple[str, ...]:
        """Their units, in the same order."""
        return tuple(column.unit for column in self.inputs[0].columns)


class TrainingData(Strict):
    """What the model was fitted to: the digest of the training rows, and how many they are."""

    sha256: Sha256
    rows: int = Field(gt=0)


class Training(Strict):
    """The whole of training.json: what the model code says about its own run."""

    schema_: Literal[1] = Field(alias="schema")
    data: TrainingData
    metrics: dict[Text, Finite]
    parameters: dict[Text, str | int | float | bool | None]


class ServedPayload(Strict):
    """The file that the server loads, and how; `allowed` is the app's word on what runs code."""

    file: FileName
    format: Format
    trusted: tuple[Text, ...] = ()
    allowed: bool = False


def served_payload(app: AppFile, file: str) -> ServedPayload:
    """Return how the server loads a model's file, by what app.yaml says."""
    format_ = format_of(file)
    trusted = app.payload.trusted if format_ == "skops" else ()
    return ServedPayload(file=file, format=format_, trusted=trusted, allowed=format_ in app.allow)


class Identity(Strict):
    """The whole of model.json: which model this is; not part of the model's digest."""

    name: Text
    version: str
    run: str
    commit: str
    digest: Sha256
    payload: ServedPayload

    def dump(self) -> bytes:
        """Return the file's only spelling."""
        return canonical(self.model_dump(mode="json", exclude_defaults=True))


@dataclass(frozen=True)
class ModelFiles:
    """The files that a model is made of, by name: payload, signature.json, requirements.lock."""

    files: Mapping[str, bytes]
    signature: Signature

    @property
    def digest(self) -> str:
        """The model's digest."""
        return model_digest(self.files)

    @property
    def payload_file(self) -> str:
        """The name of the file that holds the trained model."""
        (name,) = set(self.files) - {SIGNATURE, LOCK}
        return name

    def write(self, folder: Path, identity: Identity) -> None:
        """Put the model and its model.json into a folder, as an image carries them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in {**self.files, IDENTITY: identity.dump()}.items():
            (folder / name).write_bytes(data)


@dataclass(frozen=True)
class StatedRows:
    """The list of rows that a registry holds for a model, and the digest it was logged with."""

    sha256: str | None
    data: bytes | None


def model_digest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of the canonical JSON of each file's SHA-256, by name."""
    hexes = {name: sha256(data).removeprefix("sha256:") for name, data in files.items()}
    return digest({"files": hexes})


def read_output(folder: Path, app: AppFile, lock: bytes) -> tuple[ModelFiles, Training]:
    """Return what training left in its folder; raises Refused (`contract-broken`).

    `lock` is the lock that trained the model: it belongs to it as much as the payload.
    """
    payload = _read(folder, app.payload.file, _instead(folder, app.payload.format))
    raw = _read(folder, SIGNATURE)
    signature = parse(Signature, raw, SIGNATURE)
    if signature.task != app.task:
        raise broken(SIGNATURE, f"task is {signature.task}, app.yaml says {app.task}")
    training = parse(Training, _read(folder, TRAINING), TRAINING)
    files = {app.payload.file: payload, SIGNATURE: raw, LOCK: lock}
    return ModelFiles(files, signature), training


def read_rows(folder: Path, training: Training) -> bytes:
    """Return the list of training rows' digests; raises Refused (`contract-broken`).

    It has a line for each row that training.json counts.
    """
    data = _read(folder, ROWS)
    try:
        count = len(row_digests(data))
    except ValueError as err:
        raise broken(ROWS, str(err)) from err
    if count != training.data.rows:
        raise broken(ROWS, f"{count} rows, {TRAINING} says {training.data.rows}")
    return data


def row_digests(data: bytes) -> list[str]:
    """Return the digests in a list of rows; raises ValueError unless it is spelled as agreed.

    One SHA-256 in hexadecimal a line, sorted; a row that training saw twice stands there twice.
    """
    lines = data.decode("ascii", "replace").split("\n")
    if lines.pop() or not lines:
        raise ValueError("it does not end with a line's end")
    bad = next((n for n, line in enumerate(lines, start=1) if not DIGEST.fullmatch(line)), None)
    if bad is not None:
        raise ValueError(f"line {bad} is no SHA-256 in hexadecimal")
    if lines != sorted(lines):
        raise ValueError("its lines are not sorted")
    return lines


def parse(model: type[Model], data: bytes, name: str) -> Model:
    """Return JSON bytes as a typed model; raises Refused (`contract-broken`) naming the field."""
    try:
        return model.model_validate(json.loads(data))
    except ValidationError as err:
        first = err.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise broken(name, f"{field}: {first['msg']}") from err
    except ValueError as err:
        raise broken(name, f"it is not JSON ({err})") from err


def broken(name: str, what: str) -> Refused:
    """Return the error for a model that is not what the contract asks for."""
    return Refused(
        "contract-broken",
        f"{name}: {what}.",
        "Training writes its payload and what goes with it as the contract says.",
        "mend the app's `train` command (docs/add-a-model.md has the contract)",
    )


def _instead(folder: Path, format_: str) -> str:
    """Return what training wrote, and how it writes a payload of the format of app.yaml."""
    written = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
    return f'; it wrote {written}. The payload is {format_} by `Training(…, format="{format_}")`'


def _read(folder: Path, name: str, instead: str = "") -> bytes:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise broken(name, f"training did not write it{instead}")
    data = path.read_bytes()
    if not data:
        raise broken(name, "it is empty")
    return data
