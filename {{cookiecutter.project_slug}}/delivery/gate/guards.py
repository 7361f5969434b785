"""Checks that block on shown harm alone: slices, negative flips, and what a caller would notice.

Their rows are few, so that asking for proof of no harm would block everything. What is neither
shown harmful nor harmless is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..evidence import CheckResult, OutcomeName
from .groups import Group, holm, split
from .limits import RETRAIN, difference, figures_of, told
from .scoring import ScoringError
from .statistics import rates
from .statistics.bounds import Bounds, OutsideDomainError
from .statistics.confusion import chosen
from .statistics.needed import rows_needed
from .trial import Trial, result


@dataclass(frozen=True)
class Sliced:
    """A group of rows, a metric of them, and by how much that may be worse."""

    group: Group
    metric: str
    margin: float

    @property
    def name(self) -> str:
        """What evidence calls it."""
        return f"{self.group.name}-{self.metric}"


def slices(trial: Trial) -> Iterator[CheckResult]:
    """Yield for each slice and metric with a margin whether harm is shown (Holm 1979), or none."""
    champion, policy = trial.champion, trial.case.policy
    if champion is None or trial.same_model:
        return
    asked: list[Sliced] = []
    for one in policy.slices:
        groups = split(trial, one, "slice")
        if isinstance(groups, CheckResult):
            yield groups
            continue
        for metric, limit in sorted(policy.metrics.items()):
            if limit.margin is not None and metric in trial.candidate.measured.values:
                wide = limit.margin * policy.slice_margin
                asked += [Sliced(group, metric, wide) for group in groups]
    named = {one.name: one for one in asked}
    harmed = holm([*named], trial.alpha, lambda name, alpha: _is_harmed(trial, named[name], alpha))
    for name, one_slice in named.items():
        yield _slice(trial, one_slice, name in harmed)


def _slice(trial: Trial, one: Sliced, is_harmed: bool) -> CheckResult:
    name, about = f"slice-{one.name}", f"{one.metric} for {one.group.name}"
    count = int(one.group.rows.sum())
    found = _bounds(trial, one, trial.alpha)
    if isinstance(found, OutsideDomainError):
        return result(name, "SKIPPED", {"rows": count}, f"{about}, {count} rows: {found}.")
    figures = {**figures_of(found, one.margin), "rows": count}
    text = f"{about}, {count} rows: {told(found)}; {one.margin:g} worse is allowed"
    if is_harmed:
        return result(name, "FAIL", figures, f"{text}.", RETRAIN)
    if found.low >= -one.margin:
        return result(name, "PASS", figures, f"{text}.")
    needed = rows_needed(found, one.margin, trial.alpha, trial.case.policy.power)
    figures["rows_needed"] = needed
    text += f": no harm is shown, nor that there is none; about {needed} such rows would tell."
    next_step = "draw a hold-out with more of these rows, when you can"
    return result(name, "INCONCLUSIVE", figures, text, next_step, enforced=False)


def _is_harmed(trial: Trial, one: Sliced, alpha: float) -> bool:
    found = _bounds(trial, one, alpha)
    return isinstance(found, Bounds) and found.high < -one.margin


def _bounds(trial: Trial, one: Sliced, alpha: float) -> Bounds | OutsideDomainError:
    assert trial.champion is not None
    theirs = trial.champion.predictions
    try:
        return difference(trial, one.metric, theirs, alpha, one.group.rows)
    except OutsideDomainError as err:
        return err


def flips(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether more rows than allowed went from right to wrong; classification alone.

    An average hides them. See: Yan et al., Positive-congruent training, CVPR 2021.
    """
    champion, limit = trial.champion, trial.case.policy.negative_flips
    if champion is None or trial.same_model or trial.case.task == "regression":
        return
    labels = trial.candidate.rows.labels
    right = chosen(trial.candidate.predictions) == labels
    lost = int((~right & (chosen(champion.predictions) == labels)).sum())
    found = rates.share(lost, len(labels), trial.alpha)
    text = (
        f"{lost} of {len(labels)} rows that the champion has right are wrong now "
        f"({found.low:.1%} to {found.high:.1%}); {limit:.1%} is allowed."
    )
    figures = {**figures_of(found, limit), "rows": lost}
    next_step = "look at these rows; train on more like them, or raise negative_flips by its owner"
    outcome: OutcomeName = "FAIL" if found.low > limit else "PASS"
    yield result("negative-flips", outcome, figures, text, next_step)


def signature(trial: Trial) -> Iterator[CheckResult]:
    """Yield whether what callers send and get is what the champion takes and gives."""
    champion = trial.champion
    if champion is None:
        return
    try:
        ours, theirs = trial.candidate.carried.signature, champion.carried.signature
    except ScoringError:
        return  # its own check said so
    apart = next(
        (
            f"{what} is {new!r}, the champion's {old!r}"
            for what, new, old in (
                ("the input's name", ours.inputs[0].name, theirs.inputs[0].name),
                ("the input's type", ours.inputs[0].datatype, theirs.inputs[0].datatype),
                ("the columns' order", ours.names, theirs.names),
                ("the columns' units", ours.units, theirs.units),
                ("the output's name", ours.outputs[0].name, theirs.outputs[0].name),
                ("the output's unit", ours.outputs[0].unit, theirs.outputs[0].unit),
                ("the classes' order", ours.classes, theirs.classes),
            )
            if new != old
        ),
        None,
    )
    if apart is None:
        yield result("signature", "PASS", {}, "Callers send and get what they do now.")
        return
    next_step = "tell its callers, and set `signature: report` in the policy's modes for the change"
    yield result("signature", "FAIL", {"error": "signature-changed"}, f"{apart}.", next_step)
