"""Bounds against independent ways to the same numbers, and against simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from delivery.gate.metrics import compute
from delivery.gate.statistics import confusion, rates
from delivery.gate.statistics.bounds import FEWEST, Floats, OutsideDomainError
from delivery.gate.statistics.confusion import STATISTICS
from delivery.gate.statistics.influence import SMOOTH, average_precision, roc_auc, table
from delivery.gate.statistics.metrics import of_difference, of_one
from delivery.gate.statistics.needed import power_of, rows_needed
from delivery.policy import LOWER_IS_BETTER, METRICS, Task
from scipy import optimize, special, stats

Rows = tuple[Floats, Floats, Floats]
EVERY: list[tuple[Task, str]] = [
    (task, metric) for task, names in METRICS.items() for metric in sorted(names)
]


def rows(task: Task, count: int = 400, seed: int = 1, worse: float = 0.5) -> Rows:
    """Return labels, and answers of a candidate and of a better champion."""
    random = np.random.Generator(np.random.Philox(seed))
    if task == "multiclass-classification":
        return of_classes(random, count, worse)
    truth = random.normal(size=count)
    theirs = truth + random.normal(scale=0.5, size=count)
    ours = theirs + random.normal(scale=worse, size=count)
    if task == "regression":
        return truth, ours, theirs
    labels = (random.uniform(size=count) < 1 / (1 + np.exp(-3 * truth))).astype(np.float64)
    return labels, 1 / (1 + np.exp(-ours)), 1 / (1 + np.exp(-theirs))


def of_classes(random: np.random.Generator, count: int, worse: float) -> Rows:
    """Return labels 0, 1 and 2, and two models' probabilities of them."""
    truth = random.normal(size=(count, 3))
    theirs = truth + random.normal(scale=0.5, size=truth.shape)
    ours = theirs + random.normal(scale=worse, size=truth.shape)
    labels = (3 * truth + random.gumbel(size=truth.shape)).argmax(axis=1).astype(np.float64)
    return labels, special.softmax(ours, axis=1), special.softmax(theirs, axis=1)


@pytest.mark.parametrize(("task", "metric"), EVERY)
def test_estimate_is_scikit_learns(task: Task, metric: str) -> None:
    labels, ours, _ = rows(task)
    found = of_one(metric, labels, ours, 0.05)
    assert found.estimate == pytest.approx(compute(metric, labels, ours), abs=1e-12)
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize(("task", "metric"), EVERY)
def test_difference_is_oriented_and_turns_round(task: Task, metric: str) -> None:
    labels, ours, theirs = rows(task)
    found = of_difference(metric, labels, ours, theirs, 0.01)
    apart = compute(metric, labels, ours) - compute(metric, labels, theirs)
    sign = -1 if metric in LOWER_IS_BETTER else 1
    assert found.estimate == pytest.approx(sign * apart, abs=1e-12)
    back = of_difference(metric, labels, theirs, ours, 0.01)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low), abs=1e-9)


@pytest.mark.parametrize("metric", sorted(SMOOTH))
def test_influence_is_what_leaving_a_row_out_does(metric: str) -> None:
    task: Task = "regression" if metric in METRICS["regression"] else "binary-classification"
    labels, ours, _ = rows(task)
    found = SMOOTH[metric](labels, ours)
    count = len(labels)
    without = [
        compute(metric, np.delete(labels, one), np.delete(ours, one)) for one in range(count)
    ]
    jackknife = (count - 1) * (found.estimate - np.array(without))
    assert np.corrcoef(jackknife, found.of_row)[0, 1] > 0.999
    assert jackknife.std() == pytest.approx(found.of_row.std(), rel=0.03)


@pytest.mark.parametrize("metric", sorted(METRICS["multiclass-classification"] - {"accuracy"}))
def test_influence_of_classes_is_what_leaving_a_row_out_does(metric: str) -> None:
    labels, ours, theirs = rows("multiclass-classification", count=250)
    count = len(labels)
    keep = [np.delete(np.arange(count), one) for one in range(count)]
    apart = compute(metric, labels, ours) - compute(metric, labels, theirs)
    without = [
        compute(metric, labels[k], ours[k]) - compute(metric, labels[k], theirs[k]) for k in keep
    ]
    jackknife = (count - 1) * (apart - np.array(without))
    found = of_difference(metric, labels, ours, theirs, 0.05)
    assert found.error == pytest.approx(jackknife.std() / math.sqrt(count - 1), rel=0.03)
    assert found.shape is not None
    skewness = -stats.skew(jackknife) if metric in LOWER_IS_BETTER else stats.skew(jackknife)
    assert found.shape.skewness == pytest.approx(skewness, abs=0.1)


@pytest.mark.parametrize("metric", sorted(STATISTICS.keys() - {"precision", "f1"}))
def test_influence_of_a_cell_is_that_of_its_rows(metric: str) -> None:
    labels, ours, _ = rows("multiclass-classification", count=250)
    padded = confusion.cells(labels, ours).padded
    weights = np.round(4 * padded.rows).astype(int)  # a quarter is the least that is added
    kinds = padded.kinds.repeat(weights, axis=0)
    label, answer = kinds[:, 0].astype(np.float64), np.eye(3)[kinds[:, 1]]
    step, count, without = min(4, weights.min()), weights.sum(), []
    for end in weights.cumsum():  # a row of each cell, or what it has
        out = np.arange(end - step, end)
        without.append(compute(metric, np.delete(label, out), np.delete(answer, out, axis=0)))
    moved = (count - step) / step * (compute(metric, label, answer) - np.array(without))
    found = table(confusion.cells(labels, ours), STATISTICS[metric])
    assert found.of_row == pytest.approx(moved - moved @ weights / count, abs=1e-9)
    assert found.rows.sum() == pytest.approx(250)


def test_padding_of_two_classes_is_half_a_row_a_cell() -> None:
    labels = np.tile([0.0, 1.0], 100)
    padded = confusion.cells(labels, labels, labels).padded
    assert padded.kinds.tolist() == [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    assert padded.rows.tolist() == [100.5, *[0.5] * 6, 100.5]


def test_padding_adds_as_much_to_each_label_whatever_the_classes() -> None:
    labels = np.arange(7.0).repeat(60)
    perfect = np.eye(7)[labels.astype(int)]
    padded = confusion.cells(labels, perfect, perfect).padded
    added = padded.rows.sum() - len(labels)
    assert added == pytest.approx(2 * 7)
    assert padded.table(1)[0, 1:].sum() == pytest.approx(1.0)


def test_tables_of_too_many_classes_give_no_bound() -> None:
    labels = np.arange(101.0).repeat(50)
    answers = np.eye(101)[labels.astype(int)]
    with pytest.raises(OutsideDomainError, match="at most 100"):
        of_one("f1_macro", labels, answers, 0.05)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "roc_auc_ovr"])
def test_rare_class_gives_no_bound(metric: str) -> None:
    labels, ours, _ = rows("multiclass-classification", count=1_000)
    kept = np.concatenate([np.flatnonzero(labels != 2), np.flatnonzero(labels == 2)[:49]])
    with pytest.raises(OutsideDomainError, match="49 rows of the rarest class"):
        of_one(metric, labels[kept], ours[kept], 0.05)
    assert of_one("log_loss", labels[kept], ours[kept], 0.05).low > 0


@pytest.mark.parametrize("metric", ["roc_auc_ovr", "f1_macro", "mcc", "balanced_accuracy"])
def test_perfect_answers_of_classes_give_no_certainty(metric: str) -> None:
    labels = np.tile([0.0, 1.0, 2.0], 80)
    found = of_one(metric, labels, np.eye(3)[labels.astype(int)], 0.05)
    assert found.estimate == found.high == 1.0
    assert 0.9 < found.low < 0.99


def test_brier_of_classes_may_reach_2() -> None:
    labels = np.tile([0.0, 1.0, 2.0], 40)
    wrong = np.eye(3)[(labels.astype(int) + 1) % 3] * 0.98 + 0.02 / 3
    wrong[0] = [0.0, 1.0, 0.0]
    assert 1.9 < of_one("brier", labels, wrong, 0.05).high <= 2.0


def test_tied_answers_count_as_scikit_learn_counts_them() -> None:
    labels, ours, _ = rows("binary-classification")
    coarse = np.round(ours, 1)
    assert roc_auc(labels, coarse).estimate == pytest.approx(
        compute("roc_auc", labels, coarse), abs=1e-12
    )
    assert average_precision(labels, coarse).estimate == pytest.approx(
        compute("average_precision", labels, coarse), abs=1e-12
    )


def test_delongs_error_is_that_of_all_pairs() -> None:
    labels, ours, theirs = rows("binary-classification", count=150)
    found = roc_auc(labels, ours) - roc_auc(labels, theirs)

    def pairs(answers: Floats) -> Floats:
        up, down = answers[labels == 1][:, None], answers[labels == 0][None, :]
        return (up > down) + 0.5 * (up == down)  # type: ignore[no-any-return]

    apart = pairs(ours) - pairs(theirs)
    up, down = apart.mean(axis=1), apart.mean(axis=0)
    variance = up.var() / len(up) + down.var() / len(down)
    assert found.estimate == pytest.approx(apart.mean(), abs=1e-12)
    assert (found.of_row**2).mean() / len(labels) == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize(("gained", "lost", "count"), [(3, 8, 200), (0, 5, 60), (30, 31, 900)])
def test_tangos_error_is_that_of_the_likeliest_table(gained: int, lost: int, count: int) -> None:
    difference = -0.04

    def unlikely(only_lost: float) -> float:
        only_gained = only_lost + difference
        both = 1 - only_lost - only_gained
        parts = (gained, only_gained), (lost, only_lost), (count - gained - lost, both)
        return -sum(many * math.log(max(share, 1e-300)) for many, share in parts if many)

    span = (-difference + 1e-12, (1 - difference) / 2 - 1e-12)
    likely = optimize.minimize_scalar(unlikely, bounds=span, options={"xatol": 1e-13}).x
    error = math.sqrt((2 * likely + difference - difference**2) / count)
    z = ((gained - lost) / count - difference) / error
    assert rates.score(gained, lost, count, difference) == pytest.approx(z, rel=1e-6)


@pytest.mark.parametrize("alpha", [0.05, 0.0025])
@pytest.mark.parametrize("count", [50, 120, 300])
def test_tables_at_the_margin_seldom_pass(count: int, alpha: float) -> None:
    limit = stats.norm.isf(alpha)
    for differ, margin in itertools.product((0.02, 0.05, 0.1, 0.2, 0.3), (0.01, 0.02, 0.05, 0.1)):
        if margin > differ:
            continue
        passed = 0.0
        for lost in range(int(stats.binom.isf(1e-9, count, differ)) + 1):
            gains = np.arange(min(count - lost, 120) + 1)
            z = np.array([rates.score(int(g), lost, count, -margin, rates.COARSE) for g in gains])
            least = int(np.argmax(z >= limit)) if (z >= limit).any() else count
            share = (differ - margin) / 2 / (1 - (differ + margin) / 2)
            passed += stats.binom.pmf(lost, count, (differ + margin) / 2) * stats.binom.sf(
                least - 1, count - lost, share
            )
        assert passed <= 0.0505 * alpha / 0.05


def test_tango_without_a_margin_is_mcnemars_test() -> None:
    z = rates.score(12, 30, 1000, 0.0)
    assert z == pytest.approx((12 - 30) / math.sqrt(12 + 30), rel=1e-9)


def test_bounds_of_a_share_are_exact() -> None:
    found = rates.share(88, 100, 0.05)
    assert stats.binom.sf(87, 100, found.low) == pytest.approx(0.05, abs=1e-9)
    assert stats.binom.cdf(88, 100, found.high) == pytest.approx(0.05, abs=1e-9)


def test_even_rows_give_students_bounds() -> None:
    # No skewness, and the least kurtosis that there is: half of the rows count.
    labels, answers = np.zeros(100), np.tile([1.0, 2.0], 50)
    found = of_one("mae", labels, answers, 0.05)
    reach = stats.t.isf(0.05, 50) * stats.sem(answers)
    assert (found.low, found.high) == pytest.approx((1.5 - reach, 1.5 + reach), rel=1e-9)


@pytest.mark.parametrize("metric", ["mae", "roc_auc", "f1"])
def test_too_few_rows_give_no_bound(metric: str) -> None:
    task: Task = "regression" if metric == "mae" else "binary-classification"
    labels, ours, theirs = rows(task, count=FEWEST - 1)
    with pytest.raises(OutsideDomainError, match="known to hold from"):
        of_one(metric, labels, ours, 0.05)
    with pytest.raises(OutsideDomainError):
        of_difference(metric, labels, ours, theirs, 0.05)


def test_bounds_of_r2_are_of_what_is_left_unexplained() -> None:
    labels, ours, _ = rows("regression", count=20_000)
    found = of_one("r2", labels, ours, 0.05)
    assert found.low < found.estimate < found.high < 1
    # As a share of the rest, both are equally far.
    rest = 1 - found.estimate
    assert (1 - found.low) / rest == pytest.approx(rest / (1 - found.high), rel=1e-3)
    near = of_one("r2", labels, labels + 1e-3 * ours, 0.0001)
    assert near.high < 1


def test_model_at_a_floor_of_r2_seldom_passes() -> None:
    gates, passed, truth = 2_000, 0, 1 - (0.5**2 + 0.5**2)
    for seed in range(gates):
        labels, ours, _ = rows("regression", count=200, seed=seed)
        passed += of_one("r2", labels, ours, 0.05).low >= truth
    assert passed <= stats.binom.isf(0.001, gates, 0.05)


def test_labels_far_out_give_no_bound_of_r2() -> None:
    labels, ours, _ = rows("regression")
    far = np.concatenate([labels, [1000.0]])
    with pytest.raises(OutsideDomainError, match="MAE"):
        of_one("r2", far, np.concatenate([ours, [900.0]]), 0.05)


def test_perfect_answers_give_no_certainty() -> None:
    labels = np.tile([0.0, 1.0], 150)
    with pytest.raises(OutsideDomainError, match="alike"):
        of_one("brier", labels, labels, 0.05)
    for metric in ("roc_auc", "average_precision", "precision", "f1", "mcc"):
        found = of_one(metric, labels, labels, 0.05)
        assert found.estimate == found.high == 1.0
        assert 0.9 < found.low < 0.99
    assert of_one("accuracy", labels, labels, 0.05).low == pytest.approx(0.05 ** (1 / 300))


def test_models_that_decide_alike_may_still_differ() -> None:
    labels, ours, _ = rows("binary-classification")
    theirs = np.clip(ours + np.where(ours >= 0.5, 0.01, -0.01), 0, 1)
    for metric in ("roc_auc", "average_precision", "precision", "f1", "mcc", "accuracy"):
        found = of_difference(metric, labels, ours, theirs, 0.05)
        assert found.estimate == 0
        assert -0.05 < found.low < 0 < found.high < 0.05


def test_equal_answers_differ_by_nothing() -> None:
    labels, ours, _ = rows("binary-classification")
    for metric in ("roc_auc", "f1", "log_loss"):
        found = of_difference(metric, labels, ours, ours, 0.05)
        assert (found.low, found.high) == (0.0, 0.0)


def test_rows_needed_are_lius() -> None:
    # A twentieth of the rows differ, evenly; the likeliest table at the margin differs by more.
    rows, margin, differ = 3202, 0.01, 0.05
    at_margin = rates.error_at(1000, 1000, 40_000, -margin) * math.sqrt(40_000)
    both = 1.6448536 * at_margin + 0.8416212 * math.sqrt(differ)
    found = rates.paired(1000, 1000, 40_000, 0.05)
    formula = (both / (margin - rates.COARSE / rows)) ** 2
    assert rows_needed(found, margin, 0.05, 0.8) == math.ceil(formula)
    assert at_margin**2 == pytest.approx(differ, rel=0.04)
    assert rows_needed(found, 0.0, 0.05, 0.8) is None


@pytest.mark.parametrize("metric", ["accuracy", "brier", "f1", "roc_auc"])
def test_rows_needed_promise_the_power_that_was_asked_for(metric: str) -> None:
    found = of_difference(metric, *rows("binary-classification", count=2_000), 0.05)
    needed = rows_needed(found, 0.02, 0.05, 0.8)
    assert needed is not None
    assert power_of(found, 0.02, 0.05, needed) == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize("metric", ["brier", "roc_auc", "f1", "accuracy"])
def test_model_at_the_margin_seldom_passes(metric: str) -> None:
    labels, ours, theirs = rows("binary-classification", count=200_000)
    margin = -of_difference(metric, labels, ours, theirs, 0.05).estimate
    gates, passed = 600, 0
    for seed in range(gates):
        drawn = rows("binary-classification", count=300, seed=seed + 2)
        passed += of_difference(metric, *drawn, 0.05).low >= -margin
    assert passed <= stats.binom.isf(0.001, gates, 0.05)
