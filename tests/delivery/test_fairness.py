"""Gaps between groups: shown too large, shown within, grown, or not told by these rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from delivery.app import AppFile
from delivery.evidence import CheckResult, Evidence
from delivery.gate import judge
from delivery.gate.card import card
from delivery.gate.fairness import Member, Pair
from delivery.gate.groups import holm, split
from delivery.gate.statistics.apart import Sample, apart, shares_apart
from delivery.gate.statistics.bounds import Floats
from delivery.gate.trial import Trial
from delivery.policy import Fairness, Limit, Mode, Policy
from pydantic import ValidationError
from scipy.stats import binom
from statsmodels.stats.proportion import confint_proportions_2indep

from tests.delivery.judged import LABELS, ROWS, Image, answers, case, model

RIGHT = answers(wrong=0)
HALF = 120.0
"""c0 counts rows, so this edge makes two groups of 120."""
CHECK = "fairness-c0-accuracy"


def lowered(count: int, first: bool = True) -> tuple[float, ...]:
    """Return answers of which so many are wrong, all in the first group or all in the last."""
    rows = range(count) if first else range(ROWS - count, ROWS)
    return tuple(1 - value if number in rows else value for number, value in enumerate(RIGHT))


def verdict(
    ours: tuple[float, ...],
    theirs: tuple[float, ...] | None = None,
    mode: Mode = "enforce",
    **asked: Any,
) -> Evidence:
    """Return the verdict by a policy that asks for one gap and little else."""
    entry = {"column": "c0", "edges": (HALF,), "metric": "accuracy", "gap": 0.1, **asked}
    policy = Policy(
        metrics={"accuracy": Limit(floor=0.1)},
        negative_flips=1.0,
        fairness=(Fairness.model_validate(entry),),
        modes={"fairness": mode},
    )
    champion = None if theirs is None else Image(model(b"two"), theirs)
    return judge(case(Image(model(b"one"), ours), champion, policy=policy)).evidence


def named(evidence: Evidence, name: str = CHECK) -> CheckResult:
    return next(check for check in evidence.checks if check.name == name)


@pytest.mark.parametrize(
    ("wrong", "gap", "outcome"),
    [(0, 0.1, "PASS"), (12, 0.1, "INCONCLUSIVE"), (40, 0.1, "FAIL"), (40, 0.5, "PASS")],
)
def test_gap_is_judged_on_its_bounds(wrong: int, gap: float, outcome: str) -> None:
    evidence = verdict(lowered(wrong), gap=gap)
    assert named(evidence).outcome == outcome
    assert evidence.outcome == ("FAIL" if outcome == "FAIL" else "PASS")


def test_gap_that_cannot_be_told_blocks_nothing_and_names_the_rows_that_would() -> None:
    check = named(verdict(lowered(6)))
    assert (check.outcome, check.enforced) == ("INCONCLUSIVE", False)
    needed = check.figures["rows_needed"]
    assert isinstance(needed, int)
    assert needed > ROWS
    assert str(needed) in check.sentence


def test_gap_names_the_groups_whichever_is_ahead() -> None:
    check = named(verdict(lowered(40, first=False)))
    assert check.outcome == "FAIL"
    assert (check.figures["higher"], check.figures["lower"]) == ("c0[-inf,120)", "c0[120,inf)")
    assert check.figures["estimate"] == pytest.approx(40 / 120)


@pytest.mark.parametrize(("growth", "outcome"), [(0.0, "FAIL"), (0.3, "INCONCLUSIVE")])
def test_gap_that_grew_fails_where_it_is_not_shown_within(growth: float, outcome: str) -> None:
    check = named(verdict(lowered(30), RIGHT, gap=0.25, growth=growth))
    assert check.outcome == outcome
    assert ("grown over the champion's" in check.sentence) == (outcome == "FAIL")


@pytest.mark.parametrize(("metric", "sign"), [("f1", -1), ("brier", 1), ("roc_auc", -1)])
def test_gap_of_what_is_no_share_grows_too(metric: str, sign: int) -> None:
    one = Fairness(column="c0", edges=(HALF,), metric=metric, gap=0.28)
    metrics = {"accuracy": Limit(floor=0.1)}
    policy = Policy(metrics=metrics, fairness=(one,), negative_flips=1.0)
    images = Image(model(b"one"), lowered(60)), Image(model(b"two"), lowered(2))
    trial = Trial(case(*images, policy=policy))
    groups = split(trial, one, "fairness")
    assert isinstance(groups, list)
    pair = Pair(one, *(Member.of(trial, metric, group) for group in groups))
    assert pair.is_shown(sign, "growth", 0.0025)
    assert not pair.is_shown(-sign, "growth", 0.0025)


def test_gap_that_grew_within_what_is_allowed_passes() -> None:
    assert named(verdict(lowered(30), RIGHT, gap=0.5)).outcome == "PASS"


def test_gap_that_changed_sides_has_not_grown() -> None:
    theirs = lowered(30, first=False)
    assert named(verdict(lowered(30), theirs, gap=0.25)).outcome == "INCONCLUSIVE"


def test_harm_is_found_beside_groups_that_no_bound_can_be_given_for() -> None:
    # The first two groups answer every row without any error: nothing says how sure that is.
    ours = [*LABELS[:160], *(0.5 + (label - 0.5) * -0.8 for label in LABELS[160:238]), 1.0, 0.0]
    check = named(verdict(tuple(ours), metric="brier", edges=(80.0, 160.0)), "fairness-c0-brier")
    assert (check.outcome, check.figures["harm"]) == ("FAIL", "gap")


def test_growth_within_what_is_allowed_is_no_harm_beside_a_wider_gap() -> None:
    def wrong(count: int) -> tuple[float, ...]:
        rows = {*range(count), *range(160, 196)}
        return tuple(1 - value if row in rows else value for row, value in enumerate(RIGHT))

    check = named(verdict(wrong(20), wrong(0), gap=0.5, edges=(80.0, 160.0)))
    assert check.outcome == "INCONCLUSIVE"


def test_group_that_is_too_small_is_left_out_by_name() -> None:
    evidence = verdict(RIGHT, edges=(20.0, HALF))
    small = named(evidence, "fairness-c0[-inf,20)-accuracy")
    assert (small.outcome, small.figures["rows"]) == ("SKIPPED", 20)
    assert named(evidence).outcome == "PASS"


def test_gap_without_two_groups_of_enough_rows_is_never_a_pass() -> None:
    check = named(
        verdict(RIGHT, edges=(20.0, 230.0), metric="sensitivity"), "fairness-c0-sensitivity"
    )
    assert check.outcome == "INCONCLUSIVE"
    assert "fewer than two groups" in check.sentence


def test_metric_that_is_no_share_is_judged_by_its_rows() -> None:
    for metric, undecided in (("brier", 0.3), ("f1", 0.5)):
        for gap, outcome in ((0.1, "FAIL"), (undecided, "INCONCLUSIVE"), (0.8, "PASS")):
            evidence = verdict(lowered(60), metric=metric, gap=gap)
            assert named(evidence, f"fairness-c0-{metric}").outcome == outcome


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"column": "age"}, "fairness-missing"),
        ({"edges": ()}, "fairness-too-many"),
        ({"edges": (1e9,)}, "fairness-one-group"),
        ({"metric": "mae"}, "metric-missing"),
    ],
)
def test_entry_that_cannot_be_judged_is_an_error_in_every_mode(
    asked: dict[str, Any], error: str
) -> None:
    evidence = verdict(RIGHT, mode="report", **asked)
    assert evidence.outcome == "ERROR"
    assert error in {check.figures.get("error") for check in evidence.checks}


@pytest.mark.parametrize(
    ("mode", "outcome"), [("report", "PASS"), ("off", "PASS"), ("enforce", "FAIL")]
)
def test_mode_says_what_a_gap_means(mode: Mode, outcome: str) -> None:
    assert verdict(lowered(40), mode=mode).outcome == outcome


def test_policy_asks_once_for_a_gap_above_nothing() -> None:
    one = {"column": "c0", "metric": "accuracy", "gap": 0.1}
    for wrong in ([one, one], [{**one, "gap": 0}], [{**one, "gap": float("nan")}]):
        with pytest.raises(ValidationError):
            Policy.model_validate({"metrics": {"accuracy": {"floor": 0.5}}, "fairness": wrong})


def test_app_refuses_a_gap_of_another_tasks_metric() -> None:
    content = {
        "schema": 1,
        "module": "m",
        "task": "binary-classification",
        "style": "kustomize",
        "payload": {"file": "model.pkl", "format": "pickle"},
        "owners": ["@a"],
        "gate": {
            "metrics": {"accuracy": {"floor": 0.5}},
            "environments": {"prod": {"fairness": [{"column": "sex", "metric": "mae", "gap": 1}]}},
        },
    }
    with pytest.raises(ValidationError, match="no metric mae"):
        AppFile.model_validate(content)


def test_square_and_add_is_statsmodels_with_wilsons_bounds() -> None:
    for hits, rows, more, others in (
        (56, 70, 48, 80),
        (9, 10, 3, 10),
        (0, 30, 5, 40),
        (99, 100, 7, 9),
    ):
        found = shares_apart(hits, rows, more, others, 0.025, "wilson")
        expected = confint_proportions_2indep(
            hits, rows, more, others, method="newcomb", compare="diff", alpha=0.05
        )
        assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("rows", "others"), [(30, 30), (30, 300), (300, 30)])
def test_share_at_the_gap_is_called_larger_no_more_often_than_alpha(rows: int, others: int) -> None:
    alpha, gap = 0.0025, 0.1
    lows = np.array(
        [
            [shares_apart(a, rows, b, others, alpha).low for b in range(others + 1)]
            for a in range(rows + 1)
        ]
    )
    for share in np.linspace(0, 1 - gap, 19):
        chance = np.outer(
            binom.pmf(range(rows + 1), rows, share + gap),
            binom.pmf(range(others + 1), others, share),
        )
        assert chance[lows > gap].sum() <= alpha


def test_variances_of_two_groups_add() -> None:
    random = np.random.Generator(np.random.Philox(3))

    def group(count: int, spread: float) -> Sample:
        labels: Floats = random.normal(size=count)
        return Sample("mae", labels, labels + random.normal(scale=spread, size=count))

    one, other = group(150, 1.0), group(400, 2.0)
    found = apart(one, other)(0.05)
    errors = [np.abs(rows.labels - rows.answers) for rows in (one, other)]
    assert found.estimate == pytest.approx(errors[0].mean() - errors[1].mean(), abs=1e-12)
    variance = sum(each.var() / len(each) for each in errors)
    assert found.error == pytest.approx(np.sqrt(variance), rel=2e-3)


def test_holm_shows_the_next_once_the_first_is() -> None:
    chances = {"a": 0.012, "b": 0.02, "c": 0.04, "d": 0.3}
    assert holm([*chances], 0.05, lambda one, alpha: chances[one] <= alpha) == ["a"]
    chances["b"] = 0.016
    assert holm([*chances], 0.05, lambda one, alpha: chances[one] <= alpha) == ["a", "b"]


def test_card_names_the_groups_and_the_gap_between_them() -> None:
    found = card(verdict(lowered(40)))
    assert "`c0`, ranges cut at 120: `accuracy` may differ by 0.1 between groups" in found
    assert f"FAIL `{CHECK}`" in found
