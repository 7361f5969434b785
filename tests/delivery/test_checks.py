from __future__ import annotations

import pytest
from delivery.errors import Unknown, UsageError
from delivery.evidence import CheckResult, Evidence
from delivery.gate import judge
from delivery.policy import Limit

from tests.delivery.judged import (
    GOOD,
    WORSE,
    Image,
    ToldScorer,
    case,
    holdout,
    model,
)

ONE, TWO = model(b"one"), model(b"two")


def named(evidence: Evidence, name: str) -> CheckResult:
    return next(check for check in evidence.checks if check.name == name)


def test_metric_that_cannot_be_computed_is_an_error() -> None:
    rows = holdout([1] * 10)
    for limit in (Limit(floor=0.5), Limit(margin=0.5)):
        evidence = judge(
            case(Image(ONE, GOOD), Image(TWO, GOOD), policy={"roc_auc": limit}, rows=rows)
        ).evidence
        assert evidence.outcome == "ERROR"


def test_metric_of_another_task_is_an_error() -> None:
    evidence = judge(case(Image(ONE, GOOD), policy={"rmse": Limit(floor=0.5)})).evidence
    assert named(evidence, "floor-rmse").outcome == "ERROR"


def test_model_that_is_not_the_stated_one_is_an_error() -> None:
    honest, other = Image(ONE, GOOD), Image(TWO, GOOD)
    swapped = ToldScorer({honest.name: other})
    evidence = judge(case(honest, scorer=swapped)).evidence
    assert named(evidence, "candidate-model").figures["error"] == "image-other-model"
    assert evidence.outcome == "ERROR"
    assert evidence.metrics == {}


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"backdoor.py": b"x"}, "model-unexpected-file"),
        ({"model.json": b"{}"}, "contract-broken"),
        ({"signature.json": b"{"}, "contract-broken"),
    ],
)
def test_model_folder_with_anything_else_in_it_is_an_error(
    extra: dict[str, bytes], code: str
) -> None:
    evidence = judge(case(Image(ONE, GOOD, extra))).evidence
    assert named(evidence, "candidate-model").figures["error"] == code


def test_champion_that_cannot_be_judged_is_an_error() -> None:
    broken = Image(TWO, GOOD, {"extra": b"x"})
    evidence = judge(case(Image(ONE, GOOD), broken)).evidence
    assert evidence.outcome == "ERROR"


def test_logged_metrics_that_agree_pass() -> None:
    candidate = Image(ONE, GOOD)
    logged = judge(case(candidate)).evidence.metrics["candidate"]
    nearly = {name: value * (1 + 5e-7) for name, value in logged.items()}
    evidence = judge(case(candidate, logged=nearly)).evidence
    assert evidence.outcome == "PASS"
    assert named(evidence, "logged-brier").outcome == "PASS"


def test_logged_metric_that_was_edited_fails() -> None:
    candidate = Image(ONE, GOOD)
    logged = judge(case(candidate)).evidence.metrics["candidate"]
    evidence = judge(case(candidate, logged={**logged, "brier": 0.01})).evidence
    assert named(evidence, "logged-brier").outcome == "FAIL"


def test_logged_metric_that_is_missing_is_an_error() -> None:
    evidence = judge(case(Image(ONE, GOOD), logged={"accuracy": 1.0})).evidence
    assert named(evidence, "logged-brier").figures["error"] == "logged-metric-missing"
    assert evidence.outcome == "ERROR"


def test_same_model_with_the_same_answers_passes_without_comparing_metrics() -> None:
    again = [value + 1e-9 for value in GOOD]
    evidence = judge(case(Image(ONE, GOOD), Image(ONE, again))).evidence
    assert named(evidence, "same-model").outcome == "PASS"
    assert named(evidence, "champion-roc_auc").outcome == "SKIPPED"
    assert evidence.outcome == "PASS"


class Fickle:
    """An image that answers otherwise each time."""

    def __init__(self, image: Image) -> None:
        self.image, self.calls = image, 0

    def answers(self, image: str, requests: bytes) -> bytes:
        self.calls += 1
        drift = [value * (1 - self.calls / 1000) for value in self.image.answers]
        told = Image(self.image.files, drift)
        return ToldScorer({image: told}).answers(image, requests)

    def model(self, image: str) -> dict[str, bytes]:
        return ToldScorer({image: self.image}).model(image)


def test_model_that_answers_otherwise_each_time_is_an_error() -> None:
    image = Image(ONE, GOOD)
    evidence = judge(case(image, scorer=Fickle(image))).evidence
    assert named(evidence, "candidate-again").figures["error"] == "answers-not-repeated"
    assert evidence.outcome == "ERROR"


def test_same_model_with_other_answers_is_an_error() -> None:
    evidence = judge(case(Image(ONE, GOOD), Image(ONE, WORSE))).evidence
    assert named(evidence, "same-model").figures["error"] == "same-model-other-answers"
    assert evidence.outcome == "ERROR"


def test_same_model_still_has_to_reach_its_floors() -> None:
    policy = {"accuracy": Limit(floor=1.01, margin=0.1)}
    evidence = judge(case(Image(ONE, GOOD), Image(ONE, GOOD), policy=policy)).evidence
    assert evidence.outcome == "FAIL"


def test_model_with_other_columns_than_the_holdout_is_an_error() -> None:
    rows = holdout()
    renamed = type(rows)(
        rows.rows,
        rows.features.replace(b"c0", b"age"),
        rows.labels,
        rows.features_sha256,
        rows.labels_sha256,
    )
    evidence = judge(case(Image(ONE, GOOD), rows=renamed)).evidence
    assert named(evidence, "candidate-answers").figures["error"] == "model-other-columns"


def test_model_of_another_task_is_an_error() -> None:
    regression = Image(model(task="regression"), GOOD)
    evidence = judge(case(regression)).evidence
    assert named(evidence, "candidate-answers").figures["error"] == "model-other-task"


def test_broken_holdout_gives_no_verdict() -> None:
    rows = holdout()
    short = type(rows)(11, rows.features, rows.labels, rows.features_sha256, rows.labels_sha256)
    with pytest.raises(UsageError, match="holdout-broken"):
        judge(case(Image(ONE, GOOD), rows=short))


class NoEngine:
    """A machine on which no container program answers."""

    def answers(self, image: str, requests: bytes) -> bytes:
        raise Unknown("no-container-engine", f"{image} {len(requests)}", "rule", "next")

    def model(self, image: str) -> dict[str, bytes]:
        raise Unknown("no-container-engine", image, "rule", "next")


def test_machine_that_cannot_score_gives_no_verdict() -> None:
    with pytest.raises(Unknown, match="no-container-engine"):
        judge(case(Image(ONE, GOOD), scorer=NoEngine()))


def test_every_result_that_blocks_says_what_to_do() -> None:
    cases = [
        case(Image(ONE, WORSE), Image(TWO, GOOD), policy={"accuracy": Limit(floor=2.0, margin=0)}),
        case(Image(ONE, GOOD), Image(ONE, WORSE)),
        case(Image(ONE, GOOD, {"x": b""})),
        case(Image(ONE, GOOD), logged={"accuracy": 0.5}),
    ]
    results = [c for one in cases for c in judge(one).evidence.checks]
    assert all(c.next for c in results if c.outcome in ("FAIL", "ERROR"))
    assert all(c.sentence.endswith((".", ")")) for c in results)
