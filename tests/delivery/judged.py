"""Cases for the judge without containers: models of numpy alone, images that answer as told."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delivery.app import Holdout, format_of
from delivery.canonical import canonical, sha256
from delivery.evidence import Champion, Judged, TrainedOn
from delivery.gate import Case, Scorer
from delivery.judging import Compared
from delivery.models.bounded import run_bounded
from delivery.models.container import read_ending
from delivery.models.contract import OUTPUTS, Identity, ModelFiles, ServedPayload, Signature
from delivery.policy import Limit, Policy, Task

ROWS = 240
LABELS = tuple(float(number % 2) for number in range(ROWS))


def answers(wrong: int) -> tuple[float, ...]:
    """Return a probability for each row, of which every so many-th is on the wrong side."""
    far = [0.05 + 0.4 * (number * 37 % ROWS) / ROWS for number in range(ROWS)]
    misses = {number * 7 % ROWS for number in range(wrong)}
    return tuple(
        round(abs(label - (0.9 - off / 2 if number in misses else off)), 6)
        for number, (label, off) in enumerate(zip(LABELS, far, strict=True))
    )


GOOD = answers(wrong=12)
"""Right in 228 of 240 rows."""
WORSE = answers(wrong=72)
"""Right in 168 of them."""
IDS = tuple(f"row-{number}" for number in range(ROWS))
POLICY = {"roc_auc": Limit(floor=0.6, margin=0.02), "accuracy": Limit(margin=0.04)}


def signature(
    columns: int = 2, task: Task = "binary-classification", classes: Sequence[str] = "abc"
) -> Signature:
    """Return the signature of a model with so many columns, `c0` and on."""
    names = [{"name": f"c{n}", "unit": "1", "low": 0.0, "high": 5000.0 + n} for n in range(columns)]
    tensor = {"datatype": "FP64", "shape": [-1, columns], "name": "features", "columns": names}
    output: dict[str, Any] = {"name": OUTPUTS[task], "datatype": "FP64", "shape": [-1], "unit": "1"}
    if task == "multiclass-classification":
        output |= {"shape": [-1, len(classes)], "classes": list(classes)}
    content = {"schema": 1, "task": task, "inputs": [tensor], "outputs": [output]}
    return Signature.model_validate(content)


def model(
    payload: bytes = b"one", task: Task = "binary-classification", classes: Sequence[str] = "abc"
) -> ModelFiles:
    """Return a model whose payload is any bytes."""
    shape = signature(task=task, classes=classes)
    raw = canonical(shape.model_dump(mode="json", by_alias=True))
    files = {"model.pkl": payload, "signature.json": raw, "requirements.lock": b"# none\n"}
    return ModelFiles(files, shape)


def identity(files: ModelFiles) -> Identity:
    """Return what model.json says of a model."""
    file = files.payload_file
    payload = ServedPayload(file=file, format=format_of(file), allowed=True)
    return Identity(
        name="app", version="1", run="r", commit="c" * 40, digest=files.digest, payload=payload
    )


@dataclass(frozen=True)
class Image:
    """What an image holds and answers: each row's number or numbers, row by row."""

    files: ModelFiles
    answers: Sequence[float]
    extra: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The image by a digest that stands for its content."""
        digest = sha256(canonical([self.files.digest, str(self.answers)]))
        return f"registry.example.com/acme/app@{digest}"


@dataclass(frozen=True)
class ToldScorer:
    """A scorer whose images answer in well-formed lines what they were told to."""

    images: Mapping[str, Image]

    @classmethod
    def of(cls, *images: Image) -> ToldScorer:
        """Return the scorer of some images."""
        return cls({image.name: image for image in images})

    def answers(self, image: str, requests: bytes) -> bytes:
        """Return one answer a request, as the server writes it."""
        told = self.images[image]
        left = iter(told.answers)
        lines = []
        for request in map(json.loads, requests.splitlines()):
            rows = request["parameters"]["row_ids"]
            numbers = [next(left) for _ in range(len(rows) * told.files.signature.width)]
            lines.append(answer_line(told.files, request["id"], rows, numbers))
        return b"".join(lines)

    def model(self, image: str) -> dict[str, bytes]:
        """Return the files of an image's model folder."""
        told = self.images[image]
        named = {"model.json": identity(told.files).dump()}
        return {**told.files.files, **named, **told.extra}


@dataclass(frozen=True)
class ScriptScorer:
    """A scorer whose image is a Python script, run as a process under the judge's limits."""

    script: Path
    files: ModelFiles
    timeout_s: float = 10

    def answers(self, image: str, requests: bytes) -> bytes:
        """Return what the script wrote; its argument is the model's digest."""
        words: list[str | Path] = [sys.executable, "-I", self.script, self.files.digest]
        done = run_bounded(words, requests, timeout_s=self.timeout_s, output_bytes=100_000)
        assert image
        return read_ending(done, self.timeout_s)

    def model(self, image: str) -> dict[str, bytes]:
        """Return the files of the model folder."""
        assert image
        return {**self.files.files, "model.json": identity(self.files).dump()}


def answer_line(
    files: ModelFiles, id_: str, rows: Sequence[str], numbers: Sequence[float]
) -> bytes:
    """Return an answer as the server writes it."""
    output = {
        "name": files.signature.outputs[0].name,
        "datatype": "FP64",
        "shape": [len(rows), *files.signature.outputs[0].shape[1:]],
        "data": list(numbers),
    }
    answer = {
        "model_name": "app",
        "model_version": "1",
        "id": id_,
        "parameters": {"row_ids": list(rows), "model_digest": files.digest},
        "outputs": [output],
    }
    return json.dumps(answer).encode() + b"\n"


def holdout(labels: Sequence[float] = LABELS) -> Holdout:
    """Return a hold-out with the columns c0 and c1."""
    ids = [f"row-{number}" for number in range(len(labels))]
    features = "row_id,c0,c1\n" + "".join(f"{row},{n},{n / 2}\n" for n, row in enumerate(ids))
    answers = "row_id,label\n" + "".join(f"{row},{n}\n" for row, n in zip(ids, labels, strict=True))
    data = features.encode(), answers.encode()
    return Holdout(len(labels), *data, sha256(data[0]), sha256(data[1]))


def judged(image: Image, release: str = "1") -> Judged:
    """Return an image as a release names it."""
    return Judged(release="sha256:" + release * 64, image=image.name, model=image.files.digest)


def case(
    candidate: Image,
    champion: Image | None = None,
    *,
    policy: Mapping[str, Limit] | Policy = POLICY,
    logged: Mapping[str, float] | None = None,
    scorer: Scorer | None = None,
    rows: Holdout | None = None,
    task: Task = "binary-classification",
    trained_on: TrainedOn | None = None,
    compared: Compared | None = None,
) -> Case:
    """Return a case for the environment dev."""
    images = [image for image in (candidate, champion) if image is not None]
    against = None
    if champion is not None:
        against = Champion(record="dev/0001", **judged(champion, "2").model_dump())
    return Case(
        app="app",
        environment="dev",
        task=task,
        tolerance=1e-6,
        candidate=judged(candidate),
        champion=against,
        policy=policy if isinstance(policy, Policy) else Policy(metrics=dict(policy)),
        holdout=holdout() if rows is None else rows,
        logged=logged,
        scorer=ToldScorer.of(*images) if scorer is None else scorer,
        trained_on=trained_on,
        compared=compared,
    )
