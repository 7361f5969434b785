"""A real model of three classes behind the server: answers, metadata, the known question."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from delivery.server.folder import ModelError
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from tests.server.model_server import (
    DIGEST,
    TEMPLATE,
    Server,
    command,
    load,
    model_files,
    request_of,
    save_model,
)

TASK = "multiclass-classification"
ROWS = load_iris().data[[0, 60, 70, 120]]
IDS = list("abcd")


@pytest.fixture(scope="module")
def estimator() -> LogisticRegression:
    data = load_iris()
    return LogisticRegression(max_iter=1000).fit(data.data, data.target)


@pytest.fixture(scope="module")
def folder(estimator: LogisticRegression, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("iris"), estimator, TASK, 4)


@pytest.fixture(scope="module")
def iris(folder: Path) -> Iterator[Server]:
    running = Server(folder)
    yield running
    running.stop()


def test_answer_has_a_row_of_probabilities_for_each_row(
    estimator: LogisticRegression, iris: Server
) -> None:
    output = iris.infer(request_of(ROWS)).json()["outputs"][0]
    assert (output["name"], output["shape"], output["datatype"]) == (
        "probabilities",
        [4, 3],
        "FP64",
    )
    assert np.array_equal(output["data"], estimator.predict_proba(ROWS).ravel())


def test_metadata_names_the_classes(iris: Server) -> None:
    found = httpx.get(f"{iris.url}/v2/models/tumour-classifier").json()["outputs"][0]
    assert found["shape"] == [-1, 3]
    assert found["classes"] == ["setosa", "versicolor", "virginica"]


def asked(iris: Server, folder: Path, answers: list[float]) -> subprocess.CompletedProcess[str]:
    """Return how asking a question with these answers ended."""
    request = msgspec.json.decode(request_of(ROWS)) | {"parameters": {"row_ids": IDS}}
    named: dict[str, Any] = {"schema": 1, "output": "probabilities", "tolerance": 1e-6}
    path = folder / "question.json"
    path.write_bytes(msgspec.json.encode({**named, "request": request, "answers": answers}))
    words, environment = command(folder, "ask", ASK_S="0")
    where = httpx.URL(iris.url)
    words += [where.host, str(where.port), "tumour-classifier", DIGEST, str(path)]
    return subprocess.run(
        words, cwd=TEMPLATE, env=environment, capture_output=True, text=True, check=False
    )


def test_known_question_is_asked_of_every_class(
    estimator: LogisticRegression, iris: Server, tmp_path: Path
) -> None:
    answers = [float(f"{number:.9g}") for number in estimator.predict_proba(ROWS).ravel()]
    done = asked(iris, tmp_path, answers)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"4 answers of model {DIGEST}")
    answers[7] += 1e-4
    assert "outputs[0].data[7]: got" in asked(iris, tmp_path, answers).stderr
    assert "or one for each class" in asked(iris, tmp_path, answers[:-1]).stderr


def test_payload_of_other_classes_than_its_signature_is_refused(tmp_path: Path) -> None:
    data = load_iris()
    two = data.target < 2
    fewer = LogisticRegression().fit(data.data[two], data.target[two])
    with pytest.raises(ModelError, match=r"answered shape \[1, 2\], expected \[1, 3\]"):
        load(save_model(tmp_path, fewer, TASK, 4))


@pytest.mark.parametrize("shape", [[-1], [-1, 2], [3, 3]])
def test_output_of_another_shape_than_its_classes_is_refused(
    estimator: LogisticRegression, tmp_path: Path, shape: list[int]
) -> None:
    made = save_model(tmp_path, estimator, TASK, 4)
    content = model_files(TASK, 4)["signature.json"]
    content["outputs"][0] = {**content["outputs"][0], "shape": shape}
    (made / "signature.json").write_bytes(msgspec.json.encode(content))
    with pytest.raises(ModelError, match="the output's shape is"):
        load(made)
