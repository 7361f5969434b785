from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.pipeline import Pipeline

from tests.server.model_server import DIGEST, TEMPLATE, command, overflowing, request_of


def score(folder: Path, *lines: bytes) -> subprocess.CompletedProcess[bytes]:
    words, environment = command(folder, "score")
    sent = b"".join(line + b"\n" for line in lines)
    return subprocess.run(
        words, cwd=TEMPLATE, env=environment, input=sent, capture_output=True, check=False
    )


def test_scorer_answers_each_line_exactly(classifier: Pipeline, classifier_dir: Path) -> None:
    rows = load_breast_cancer().data[:4]
    asked = msgspec.json.decode(request_of(rows)) | {"parameters": {"row_ids": list("abcd")}}
    done = score(classifier_dir, *[msgspec.json.encode(asked)] * 2)
    answers = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    assert (done.returncode, len(answers)) == (0, 2)
    assert answers[0]["parameters"] == {"row_ids": list("abcd"), "model_digest": DIGEST}
    assert answers[0]["outputs"][0]["shape"] == [4]
    assert np.array_equal(answers[0]["outputs"][0]["data"], classifier.predict_proba(rows)[:, 1])


def test_scorer_answers_a_regression(regressor_dir: Path) -> None:
    done = score(regressor_dir, request_of(load_diabetes().data[:3]))
    output = msgspec.json.decode(done.stdout)["outputs"][0]
    assert (output["name"], len(output["data"])) == ("prediction", 3)


def test_scorer_writes_answers_that_are_not_finite_as_null(tmp_path: Path) -> None:
    done = score(overflowing(tmp_path), request_of([[1e200], [-1.0]]))
    assert msgspec.json.decode(done.stdout)["outputs"][0]["data"] == [None, -1e200]


def test_request_that_does_not_fit_ends_the_scorer(classifier_dir: Path) -> None:
    done = score(classifier_dir, request_of([[1.0] * 30]), request_of([[1.0] * 29]))
    assert done.returncode == 1
    assert done.stderr == b"line 2: inputs[0].shape[1]: got 29, expected 30\n"
    assert len(done.stdout.splitlines()) == 1


def test_model_that_can_not_be_loaded_ends_the_scorer(tmp_path: Path) -> None:
    done = score(tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"model.json: ")


@pytest.mark.parametrize("verb", ["", "train"])
def test_unknown_verb_shows_the_usage(tmp_path: Path, verb: str) -> None:
    words, environment = command(tmp_path, verb)
    done = subprocess.run(words, cwd=TEMPLATE, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr[:6]) == (2, b"usage:")
