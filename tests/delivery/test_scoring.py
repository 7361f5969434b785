from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from delivery.gate import ScoringError, judge
from delivery.gate.metrics import Floats
from delivery.gate.scoring import ROWS_PER_REQUEST, predict, requests_for
from delivery.models.container import answer_bytes
from delivery.models.contract import OUTPUTS
from delivery.policy import Task

from tests.delivery.judged import (
    GOOD,
    Image,
    ScriptScorer,
    ToldScorer,
    answer_line,
    case,
    model,
    signature,
)

CLASSES: Task = "multiclass-classification"

# Each script reads requests and answers well, but for what the table below puts in.
SCRIPT = """
import json, sys, time
lines = []
for line in sys.stdin:
    request = json.loads(line)
    rows = request["parameters"]["row_ids"]
    data = [(n + 1) / 100 for n in range(len(rows))]
    id_, digest, name, datatype = request["id"], sys.argv[1], "{name}", "FP64"
    shape = [len(rows)]
    if name == "probabilities":
        data, shape = [0.5, 0.25, 0.25] * len(rows), [len(rows), 3]
    {change}
    output = {{"name": name, "datatype": datatype, "shape": shape, "data": data}}
    parameters = {{"row_ids": rows, "model_digest": digest}}
    answer = {{"id": id_, "parameters": parameters, "outputs": [output]}}
    lines.append(json.dumps(answer))
{end}
print("\\n".join(lines))
"""
ROW = "rows = {}; data = data[:len(rows)]; shape = [len(rows)]"
BROKEN = {
    "NaN": ("answers-not-finite", "data[3] = float('nan')", ""),
    "infinity": ("answers-not-finite", "data[3] = float('inf')", ""),
    "null": ("answers-not-finite", "data[3] = None", ""),
    "a number beyond all floats": ("answers-not-finite", "data[3] = 10 ** 400", ""),
    "text for a number": ("output-wrong-datatype", "data[3] = '0.5'", ""),
    "true for a number": ("output-wrong-datatype", "data[3] = True", ""),
    "no probability": ("answers-out-of-range", "data[3] = 1.5", ""),
    "a row missing": ("rows-missing", ROW.format("rows[:-1]"), ""),
    "a row too many": (
        "rows-extra",
        "rows = rows + ['x']; data.append(0.5); shape = [len(rows)]",
        "",
    ),
    "a row twice": ("rows-doubled", "rows = rows[:1] + rows[:-1]", ""),
    "rows in another order": ("rows-reordered", "rows = rows[::-1]", ""),
    "rows not named": ("rows-missing", "rows = None", ""),
    "rows named by numbers": ("rows-missing", "rows = list(range(len(rows)))", ""),
    "another shape": ("output-wrong-shape", "shape = [len(rows), 1]", ""),
    "too few numbers": ("output-wrong-shape", "data = data[:-1]", ""),
    "a number for a list": ("output-wrong-shape", "data = 0.5", ""),
    "another datatype": ("output-wrong-datatype", "datatype = 'FP32'", ""),
    "another output": ("output-missing", "name = 'score'", ""),
    "another model": ("answers-other-model", "digest = 'sha256:' + '0' * 64", ""),
    "no digest": ("answers-other-model", "digest = None", ""),
    "another request": ("answers-reordered", "id_ = '7'", ""),
    "no answer": ("answers-missing", "", "lines.clear(); sys.exit(0)"),
    "an answer twice": ("answers-extra", "", "lines *= 2"),
    "a line of garbage": ("answers-not-json", "", "lines.append('loading model...')"),
    "a line that is no object": ("answers-not-json", "", "lines = ['[]']"),
    "deep nesting": ("answers-not-json", "", "lines = ['[' * 50000]"),
    "exit 1": ("scoring-failed", "", "sys.exit('no such file: model.pkl')"),
    "an endless loop": ("scoring-timeout", "", "time.sleep(600)"),
    "huge output": ("answers-too-long", "", "[print('x' * 1000) for _ in iter(int, 1)]"),
    "input not read": ("scoring-failed", "", "raise SystemExit(3)"),
}


BROKEN_OF_CLASSES = {
    "a sum beside 1": ("answers-sum-not-one", "data[4] = 0.2501"),
    "a sum of 0": ("answers-sum-not-one", "data[:3] = [0.0, 0.0, 0.0]"),
    "a negative probability": ("answers-out-of-range", "data[:3] = [1.25, -0.5, 0.25]"),
    "a class NaN": ("answers-not-finite", "data[5] = float('nan')"),
    "the likeliest class alone": (
        "output-wrong-shape",
        "data = [0.0] * len(rows); shape = [len(rows)]",
    ),
    "a class too few": ("output-wrong-shape", "data = [0.5] * 2 * len(rows); shape[1] = 2"),
    "a shape turned round": ("output-wrong-shape", "shape = shape[::-1]"),
    "a list for each row": (
        "output-wrong-shape",
        "data = [data[n * 3 : n * 3 + 3] for n in range(len(rows))]",
    ),
    "a number too few": ("output-wrong-shape", "data = data[:-1]"),
    "rows of classes in another order": ("rows-reordered", "rows = rows[::-1]"),
}


def scorer(
    folder: Path,
    change: str = "",
    end: str = "",
    timeout_s: float = 20,
    task: Task = "binary-classification",
) -> ScriptScorer:
    script = folder / "image.py"
    script.write_text(SCRIPT.format(change=change or "pass", end=end, name=OUTPUTS[task]))
    return ScriptScorer(script, model(task=task), timeout_s)


def answers(scorer: ScriptScorer) -> list[float]:
    return answered(scorer).ravel().tolist()


def answered(scorer: ScriptScorer) -> Floats:
    files, ids = scorer.files, [f"row-{n}" for n in range(10)]
    features = np.arange(20.0).reshape(10, 2)
    return predict(scorer, "image", files.signature, files.digest, ids, features)


def test_sound_answers_are_read_in_order(tmp_path: Path) -> None:
    assert answers(scorer(tmp_path)) == [(n + 1) / 100 for n in range(10)]


@pytest.mark.parametrize("what", BROKEN)
def test_broken_answers_have_their_own_name(what: str, tmp_path: Path) -> None:
    code, change, end = BROKEN[what]
    with pytest.raises(ScoringError) as found:
        answers(scorer(tmp_path, change, end, timeout_s=2 if "loop" in what else 20))
    assert found.value.code == code
    assert found.value.exit_code == 3


def test_sound_probabilities_are_read_by_row_and_class(tmp_path: Path) -> None:
    near = "data[3:6] = [0.1, 0.2, 0.7000009]"
    found = answered(scorer(tmp_path, near, task=CLASSES))
    assert found.shape == (10, 3)
    assert found[:3].tolist() == [[0.5, 0.25, 0.25], [0.1, 0.2, 0.7000009], [0.5, 0.25, 0.25]]


@pytest.mark.parametrize("what", BROKEN_OF_CLASSES)
def test_broken_probabilities_have_their_own_name(what: str, tmp_path: Path) -> None:
    code, change = BROKEN_OF_CLASSES[what]
    with pytest.raises(ScoringError) as found:
        answers(scorer(tmp_path, change, task=CLASSES))
    assert found.value.code == code


def test_answers_of_many_classes_fit_into_what_is_read() -> None:
    many = model(task=CLASSES, classes=[f"c{n}" for n in range(300)])
    made = requests_for(many.signature, [str(n) for n in range(700)], np.zeros((700, 2)))
    requests = b"".join(one.line for one in made)
    long = [-1.2345678901234567e-300] * 300
    lines = [answer_line(many, one.id, one.rows, long * len(one.rows)) for one in made]
    assert len(requests) < sum(map(len, lines)) < answer_bytes(requests, many.files)
    assert answer_bytes(requests, model().files) == answer_bytes(requests, {}) == len(requests)


@pytest.mark.parametrize("what", ["NaN", "a row missing", "exit 1"])
def test_broken_answers_make_the_verdict_an_error(what: str, tmp_path: Path) -> None:
    code, change, end = BROKEN[what]
    broken = scorer(tmp_path, change, end)
    verdict = judge(case(Image(model(), GOOD), scorer=broken))
    result = next(c for c in verdict.evidence.checks if c.name == "candidate-answers")
    assert (result.outcome, result.figures["error"]) == ("ERROR", code)
    assert verdict.evidence.outcome == "ERROR"


def test_requests_hold_at_most_500_rows() -> None:
    ids = [str(n) for n in range(1201)]
    made = requests_for(signature(), ids, np.zeros((1201, 2)))
    assert [len(request.rows) for request in made] == [ROWS_PER_REQUEST, ROWS_PER_REQUEST, 201]
    assert [row for request in made for row in request.rows] == ids


def test_request_is_an_open_inference_request() -> None:
    made = requests_for(signature(), ["a"], np.array([[0.1, 1 / 3]]))
    assert json.loads(made[0].line) == {
        "id": "0",
        "parameters": {"row_ids": ["a"]},
        "inputs": [{"name": "features", "datatype": "FP64", "shape": [1, 2], "data": [0.1, 1 / 3]}],
    }


def test_answers_over_several_requests_are_joined() -> None:
    told = [n / 2000 for n in range(1201)]
    image = Image(model(), told)
    digest, ids = image.files.digest, [str(n) for n in range(1201)]
    features = np.zeros((1201, 2))
    found = predict(ToldScorer.of(image), image.name, signature(), digest, ids, features)
    assert found.tolist() == told
