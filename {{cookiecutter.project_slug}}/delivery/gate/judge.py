"""The judge: from a case to a verdict, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from ..evidence import CheckResult, Evidence, overall, rounded
from ..evidence import Verdict as Outcome
from ..models.bounded import end_running
from ..report.verdict import report
from . import budgets, checks, data, guards, limits
from .calibration import calibration
from .card import card
from .case import Case
from .fairness import fairness
from .junit import junit
from .measuring import measured
from .plots import Answers, plots
from .statistics.bounds import OutsideDomainError
from .statistics.metrics import of_difference, of_one
from .trial import Check, Trial, under
from .waiving import idle, waived

PATIENCE_S = 0.1
PRELIMINARY: tuple[Check, ...] = (checks.identity, checks.answers, checks.repeated)
"""Without these there is nothing to judge: an ERROR here ends the trial."""
DECISIVE: tuple[Check, ...] = (
    checks.agreement,
    checks.same_model,
    under("data", data.schema),
    under("overlap", data.overlap),
    under("budgets", budgets.size),
    under("signature", guards.signature),
    under("floors", limits.floors),
    under("baseline", limits.baseline),
    under("champion", limits.champion),
    under("slices", guards.slices),
    under("flips", guards.flips),
    under("fairness", fairness),
    under("calibration", calibration),
)
"""Cheapest first."""


@dataclass(frozen=True)
class Verdict:
    """What was found, as evidence, and the same for people and for CI.

    `answers` are drawn and never written; None where they are no probabilities, or not sound.
    `measured` is no part of evidence: another machine measures otherwise.
    """

    evidence: Evidence
    answers: Answers | None = field(default=None, compare=False, repr=False)
    measured: list[CheckResult] = field(default_factory=list, compare=False)

    @property
    def checks(self) -> list[CheckResult]:
        """All results, those of evidence first."""
        return [*self.evidence.checks, *self.measured]

    @property
    def outcome(self) -> Outcome:
        """The worst of evidence and of what was measured."""
        return overall(self.checks)

    @cached_property
    def report(self) -> str:
        """The verdict as Markdown."""
        return report(self.evidence, self.measured)

    @cached_property
    def junit(self) -> bytes:
        """The verdict as JUnit XML, a case a check."""
        return junit(self.evidence, self.measured)

    @cached_property
    def card(self) -> str:
        """The model card as Markdown."""
        return card(self.evidence, self.measured)

    @cached_property
    def plots(self) -> dict[str, bytes]:
        """The plots as SVG by file name; one without data is left out."""
        return plots(self.evidence, self.answers)


def judge(case: Case) -> Verdict:
    """Return the verdict on a case.

    Whatever an image does wrong is an ERROR in the verdict. What keeps the judge from working
    (no engine, an unreachable registry, a broken hold-out) is raised: then there is no verdict.
    """
    trial = Trial(case)
    _ask_both(trial)
    results = [result for check in PRELIMINARY for result in check(trial)]
    complete = all(result.outcome == "PASS" for result in results)
    if complete:
        decided = (result for check in DECISIVE for result in check(trial))
        results += [waived(case.waivers, result) for result in decided]
        results += idle(trial, results)
    else:
        results.append(_left_out())
    evidence = Evidence(
        app=case.app,
        environment=case.environment,
        inputs=case.inputs,
        policy=case.policy.model_dump(mode="json"),
        metrics=_metrics(trial) if complete else {},
        intervals=dict(_intervals(trial)) if complete else {},
        checks=results,
        outcome=overall(results),
    )
    evidence = rounded(evidence)
    if not complete:
        return Verdict(evidence)
    return Verdict(evidence, _answers(trial), measured(trial))


def _ask_both(trial: Trial) -> None:
    """Have both images answer at the same time, and the candidate twice; their sides keep it."""
    trial.case.rows  # noqa: B018 - parsed once, before two threads want it
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(side.ask) for side in trial.sides]
        asked.append(pool.submit(trial.candidate.ask_again))
        try:
            wait(asked)
        except KeyboardInterrupt:
            while wait(asked, timeout=PATIENCE_S).not_done:
                end_running()
            raise
    for one in asked:
        one.result()


def _metrics(trial: Trial) -> dict[str, dict[str, float]]:
    return {side.name: dict(side.measured.values) for side in trial.sides}


def _intervals(trial: Trial) -> Iterator[tuple[str, dict[str, tuple[float, float]]]]:
    """Yield the bounds of each metric that has any, of either side and of their difference."""
    labels, alpha = trial.case.rows.labels, trial.alpha
    for metric in sorted(trial.candidate.measured.values):
        found: dict[str, tuple[float, float]] = {}
        with suppress(OutsideDomainError):
            for side in trial.sides:
                one = of_one(metric, labels, side.predictions, alpha)
                found[side.name] = one.low, one.high
            if trial.champion is not None:
                ours, theirs = trial.candidate.predictions, trial.champion.predictions
                apart = of_difference(metric, labels, ours, theirs, alpha)
                found["difference"] = apart.low, apart.high
        if found:
            yield metric, found


def _answers(trial: Trial) -> Answers | None:
    if trial.case.task == "regression":
        return None
    by_side = {side.name: side.predictions for side in trial.sides}
    return Answers(trial.case.rows.labels, by_side)


def _left_out() -> CheckResult:
    return CheckResult(
        name="metrics",
        outcome="SKIPPED",
        figures={},
        sentence="Metrics were not looked at: what would have to be measured is not sound.",
    )
