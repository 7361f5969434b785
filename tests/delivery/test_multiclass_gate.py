"""Models of more than two classes before the judge: checks, question, report, card and plots."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from delivery.canonical import canonical
from delivery.evidence import CheckResult, Evidence, parse_evidence
from delivery.gate import Verdict, judge, known_question, same_question
from delivery.gate.metrics import Floats
from delivery.gate.question import ROWS
from delivery.models.answering import ServerScorer
from delivery.models.contract import ModelFiles
from delivery.policy import METRICS, Fairness, Limit, Policy, Slice, Task
from sklearn.linear_model import LogisticRegression

from tests.delivery.judged import (
    Image,
    ToldScorer,
    case,
    holdout,
    identity,
    model,
    signature,
)

TASK: Task = "multiclass-classification"
TEMPLATE = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
COUNT = 300
LABELS = [float(number % 3) for number in range(COUNT)]
ROWS_OF = holdout(LABELS)
LIMITS = {"accuracy": Limit(margin=0.06), "log_loss": Limit(floor=0.9, margin=0.1)}
HALVES = Slice(column="c0", edges=(150.0,))


def probabilities(wrong: int, classes: int = 3, pace: int = 37) -> Floats:
    """Return answers of 0.7 to 0.9, of which so many are for the next class."""
    found = np.full((COUNT, classes), 0.0)
    for number, label in enumerate(LABELS):
        far = 0.1 + 0.2 * (number * pace % COUNT) / COUNT
        place = (int(label) + (number * 7 % COUNT < wrong)) % 3
        found[number] = far / (classes - 1)
        found[number, place] = 1 - far
    return found


def image(payload: bytes, answers: Floats, classes: Sequence[str] = "abc") -> Image:
    return Image(model(payload, TASK, classes), answers.ravel().tolist())


def verdict(
    candidate: Image, champion: Image | None = None, limits: dict[str, Limit] | None = None
) -> Verdict:
    policy = Policy(metrics=limits or LIMITS, slices=(HALVES,))
    return judge(case(candidate, champion, policy=policy, rows=ROWS_OF, task=TASK))


def named(evidence: Evidence, name: str) -> CheckResult:
    return next(check for check in evidence.checks if check.name == name)


GOOD, WORSE = image(b"a", probabilities(12)), image(b"c", probabilities(90))
OTHER = probabilities(12, pace=41)
EQUAL = image(b"b", OTHER)


@pytest.fixture(scope="module")
def worse() -> Verdict:
    return verdict(WORSE, GOOD)


def test_first_release_is_better_than_the_shares_of_labels() -> None:
    limits = {name: Limit(margin=0.1) for name in METRICS[TASK]}
    found = verdict(GOOD, limits=limits).evidence
    assert found.outcome == "PASS"
    for name in METRICS[TASK] - {"precision_macro"}:
        check = named(found, f"baseline-{name}")
        assert check.outcome == "PASS"
        assert "the labels' shares" in check.sentence


def test_constant_answer_is_no_first_release() -> None:
    constant = image(b"a", np.tile([0.3, 0.3, 0.4], (COUNT, 1)))
    found = verdict(constant, limits={"log_loss": Limit(margin=0.1)}).evidence
    assert found.outcome != "PASS"


def test_equal_model_passes_and_a_worse_one_fails(worse: Verdict) -> None:
    assert verdict(EQUAL, GOOD).evidence.outcome == "PASS"
    assert worse.evidence.outcome == "FAIL"
    assert named(worse.evidence, "champion-accuracy").outcome == "FAIL"
    assert named(worse.evidence, "negative-flips").outcome == "FAIL"
    assert named(worse.evidence, "negative-flips").figures["rows"] == 78
    assert named(worse.evidence, "slice-c0[-inf,150)-log_loss").outcome == "FAIL"


def test_every_metric_has_bounds_in_evidence(worse: Verdict) -> None:
    assert set(worse.evidence.intervals) == METRICS[TASK]
    for found in worse.evidence.intervals.values():
        assert set(found) == {"candidate", "champion", "difference"}
    again = parse_evidence(worse.evidence.dump(), "evidence.json")
    assert again == worse.evidence


def test_report_and_card_have_the_metrics(worse: Verdict) -> None:
    for text in (worse.report, worse.card):
        assert "roc_auc_ovr (higher is better)" in text
        assert "78 of 300 rows that the champion has right are wrong now" in text


def test_reliability_is_drawn_of_the_likeliest_class(worse: Verdict) -> None:
    assert worse.answers is not None
    happened, chance = worse.answers.drawn("candidate")
    assert happened.sum() == COUNT - 90
    assert chance == pytest.approx(probabilities(90).max(axis=1))
    drawn = "".join(ET.fromstring(worse.plots["reliability.svg"]).itertext())  # noqa: S314 - ours
    assert "share of the likeliest class" in drawn


def test_same_model_with_the_same_answers_passes() -> None:
    again = Image(GOOD.files, [number + 1e-12 for number in GOOD.answers])
    found = verdict(GOOD, again).evidence
    assert named(found, "same-model").outcome == "PASS"
    other = Image(GOOD.files, WORSE.answers)
    assert named(verdict(GOOD, other).evidence, "same-model").outcome == "ERROR"


def test_label_beyond_the_models_classes_is_an_error() -> None:
    more = holdout([*LABELS[:-1], 3.0])
    found = judge(case(GOOD, policy=LIMITS, rows=more, task=TASK)).evidence
    assert named(found, "candidate-answers").figures["error"] == "model-other-classes"


def test_probabilities_that_do_not_sum_to_1_are_an_error() -> None:
    half = Image(GOOD.files, [number / 2 for number in GOOD.answers])
    for one in (verdict(half, GOOD), verdict(GOOD, half)):
        assert one.evidence.outcome == "ERROR"


def test_champion_is_compared_by_the_names_of_its_classes() -> None:
    turned = np.roll(probabilities(12), 1, axis=1)  # a, b, c become c, a, b
    champion = image(b"c", turned, "cab")
    found = verdict(EQUAL, champion).evidence
    assert found.metrics["champion"]["accuracy"] == 288 / 300
    assert named(found, "champion-accuracy").outcome == "PASS"
    assert named(found, "signature").outcome == "FAIL"
    assert "('a', 'b', 'c'), the champion's ('c', 'a', 'b')" in named(found, "signature").sentence


@pytest.mark.parametrize("classes", ["abcd", "abxc"])
def test_class_that_is_new_keeps_no_model_out(classes: str) -> None:
    (new,) = set(classes) - set("abc")
    more = image(b"b", np.insert(OTHER, classes.index(new), 0, axis=1), classes)
    labels = [float(classes.index("abc"[int(label)])) for label in LABELS]
    policy = Policy(metrics=LIMITS, modes={"signature": "report"})
    found = judge(case(more, GOOD, policy=policy, rows=holdout(labels), task=TASK)).evidence
    assert found.outcome == "PASS"
    assert "roc_auc_ovr" not in found.metrics["candidate"]


def test_metric_of_another_task_is_an_error_in_slices_too() -> None:
    limits = {"f1": Limit(margin=0.1), "r2": Limit(margin=0.1), "sensitivity": Limit(margin=0.1)}
    found = verdict(GOOD, EQUAL, limits).evidence
    assert {named(found, f"champion-{name}").outcome for name in limits} == {"ERROR"}


def test_groups_are_compared_by_metrics_of_classes() -> None:
    asked = tuple(
        Fairness(column="c0", edges=(150.0,), metric=name, gap=0.4)
        for name in ("accuracy", "balanced_accuracy", "log_loss")
    )
    policy = Policy(metrics=LIMITS, fairness=asked)
    found = judge(case(EQUAL, GOOD, policy=policy, rows=ROWS_OF, task=TASK)).evidence
    assert {named(found, f"fairness-c0-{one.metric}").outcome for one in asked} == {"PASS"}


def test_question_has_the_answers_of_every_class() -> None:
    few = Image(GOOD.files, GOOD.answers[: ROWS * 3])
    question = known_question(ToldScorer.of(few), few.name, 1e-6)
    content = json.loads(question.data)
    assert content["answers"] == pytest.approx(few.answers)
    assert same_question(question.data, question)
    content["answers"][-1] += 1e-4
    assert not same_question(canonical(content), question)


def test_real_model_of_three_classes_is_judged_by_process(tmp_path: Path) -> None:
    labels = sorted(LABELS)
    features = [[float(number), number / 2] for number in range(COUNT)]
    shape = signature(task=TASK, classes=["low", "middle", "high"])
    files = {
        "model.pkl": pickle.dumps(LogisticRegression(max_iter=2000).fit(features, labels)),
        "signature.json": canonical(shape.model_dump(mode="json", by_alias=True)),
        "requirements.lock": b"# this environment\n",
    }
    fitted = ModelFiles(files, shape)
    fitted.write(tmp_path / "model", identity(fitted))
    served = ServerScorer(TEMPLATE, Path(sys.executable), tmp_path / "model")
    policy = {"roc_auc_ovr": Limit(floor=0.8), "accuracy": Limit(floor=0.8)}
    rows = holdout(labels)
    asked = case(Image(fitted, ()), scorer=served, policy=policy, rows=rows, task=TASK)
    assert judge(asked).evidence.outcome == "PASS"
