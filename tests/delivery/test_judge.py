from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delivery.canonical import canonical
from delivery.evidence import parse_evidence
from delivery.gate import Case, judge, known_question, same_question
from delivery.gate.question import ROWS, lattice
from delivery.models.answering import ServerScorer
from delivery.models.contract import ModelFiles
from delivery.policy import Limit
from sklearn.linear_model import LogisticRegression

from tests.delivery.judged import (
    GOOD,
    LABELS,
    WORSE,
    Image,
    ToldScorer,
    case,
    holdout,
    identity,
    model,
    signature,
)

TEMPLATE = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"


@pytest.fixture(scope="module")
def fitted() -> ModelFiles:
    """A real classifier of two columns, as training leaves it."""
    features = [[float(number), number / 2] for number in range(len(LABELS))]
    estimator = LogisticRegression(C=1e-6).fit(features, sorted(LABELS))
    shape = signature()
    raw = canonical(shape.model_dump(mode="json", by_alias=True))
    lock = b"# this environment\n"
    files = {
        "model.pkl": pickle.dumps(estimator),
        "signature.json": raw,
        "requirements.lock": lock,
    }
    return ModelFiles(files, shape)


@pytest.fixture
def served(fitted: ModelFiles, tmp_path: Path) -> ServerScorer:
    """The real server on that classifier, by process."""
    fitted.write(tmp_path / "model", identity(fitted))
    return ServerScorer(TEMPLATE, Path(sys.executable), tmp_path / "model")


def real_case(fitted: ModelFiles, served: ServerScorer) -> Case:
    rows = holdout(sorted(LABELS))
    return case(Image(fitted, ()), scorer=served, policy={"roc_auc": Limit(floor=0.9)}, rows=rows)


def test_real_server_is_judged_by_process(fitted: ModelFiles, served: ServerScorer) -> None:
    evidence = judge(real_case(fitted, served)).evidence
    assert evidence.outcome == "PASS"
    assert evidence.metrics["candidate"]["roc_auc"] == 1.0


def test_altered_payload_is_seen(fitted: ModelFiles, served: ServerScorer) -> None:
    payload = served.folder / "model.pkl"
    payload.write_bytes(payload.read_bytes() + b" ")
    evidence = judge(real_case(fitted, served)).evidence
    assert evidence.checks[0].figures["error"] == "image-other-model"


def test_payload_that_does_not_load_is_an_error(served: ServerScorer) -> None:
    broken = model(b"no pickle")
    broken.write(served.folder, identity(broken))
    evidence = judge(case(Image(broken, ()), scorer=served)).evidence
    assert evidence.checks[1].figures["error"] == "scoring-failed"
    assert "model.pkl" in evidence.checks[1].sentence


def test_evidence_is_the_same_bytes_each_time() -> None:
    found = {
        judge(case(Image(model(b"a"), WORSE), Image(model(b"b"), GOOD))).evidence.dump()
        for _ in range(5)
    }
    assert len(found) == 1
    assert parse_evidence(found.pop(), "evidence.json").outcome == "FAIL"


def test_question_lies_within_the_columns_ranges() -> None:
    shape = signature(columns=7)
    rows = lattice(shape)
    low = np.array([column.low for column in shape.inputs[0].columns])
    high = np.array([column.high for column in shape.inputs[0].columns])
    assert rows.shape == (ROWS, 7)
    assert ((rows > low) & (rows < high)).all()
    assert len(np.unique(rows[:, 0])) == ROWS


def test_question_holds_the_images_answers(fitted: ModelFiles, served: ServerScorer) -> None:
    question = known_question(served, "image", 1e-6)
    assert question == known_question(served, "image", 1e-6)
    assert question.data.startswith(b'{"answers":[0.')
    assert question.sha256.startswith("sha256:")
    assert fitted.signature.outputs[0].name.encode() in question.data


def test_question_of_another_model_is_another_question() -> None:
    images = [Image(model(b"a"), GOOD[:ROWS]), Image(model(b"a"), WORSE[:ROWS])]
    scorer = ToldScorer.of(*images)
    asked = [known_question(scorer, image.name, 1e-6).sha256 for image in images]
    assert asked[0] != asked[1]


def change_answer(apart: float) -> Callable[[dict[str, Any]], object]:
    def change(content: dict[str, Any]) -> None:
        content["answers"][2] += apart

    return change


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (change_answer(0.0), True),
        (change_answer(1e-8), True),
        (change_answer(1e-4), False),
        (change_answer(float("nan")), False),
        (lambda content: content["answers"].pop(), False),
        (lambda content: content.pop("answers"), False),
        (lambda content: content.update(tolerance=0.5), False),
        (lambda content: content["request"]["parameters"].clear(), False),
        (lambda content: content.update(extra=1), False),
    ],
)
def test_altered_question_is_another_one(
    change: Callable[[dict[str, Any]], object], same: bool
) -> None:
    image = Image(model(b"a"), GOOD[:ROWS])
    question = known_question(ToldScorer.of(image), image.name, 1e-6)
    content = json.loads(question.data)
    change(content)
    assert same_question(json.dumps(content).encode(), question) is same


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"7"])
def test_file_that_holds_no_question_is_another_one(data: bytes) -> None:
    image = Image(model(b"a"), GOOD[:ROWS])
    assert not same_question(data, known_question(ToldScorer.of(image), image.name, 1e-6))
