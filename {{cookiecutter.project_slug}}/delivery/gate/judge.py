"""The judge: from a case to a verdict, the same bytes each time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property

from ..evidence import CheckResult, Evidence, overall
from ..models.bounded import end_running
from .case import Case
from .checks import DECISIVE, PRELIMINARY, Trial
from .junit import junit
from .report import report

PATIENCE_S = 0.1


@dataclass(frozen=True)
class Verdict:
    """What was found, as evidence, and the same for people and for CI."""

    evidence: Evidence

    @cached_property
    def report(self) -> str:
        """The verdict as Markdown."""
        return report(self.evidence)

    @cached_property
    def junit(self) -> bytes:
        """The verdict as JUnit XML, a case a check."""
        return junit(self.evidence)


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
        results += [result for check in DECISIVE for result in check(trial)]
    else:
        results.append(_left_out())
    return Verdict(
        Evidence(
            schema=1,
            app=case.app,
            environment=case.environment,
            inputs=case.inputs,
            policy=case.policy,
            metrics=_metrics(trial) if complete else {},
            checks=results,
            outcome=overall(results),
        )
    )


def _ask_both(trial: Trial) -> None:
    """Have both images answer at the same time; what they answer is kept by their sides."""
    trial.case.rows  # noqa: B018 - parsed once, before two threads want it
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(side.ask) for side in trial.sides]
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


def _left_out() -> CheckResult:
    return CheckResult(
        name="metrics",
        outcome="SKIPPED",
        figures={},
        sentence="Metrics were not looked at: what would have to be measured is not sound.",
    )
