"""What images take while they score: measured beside evidence, and judged by the policy's mode."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from delivery.errors import Unknown
from delivery.evidence import CheckResult
from delivery.gate import ScoringError, Verdict, judge
from delivery.gate.measuring import Meter, ratio_of
from delivery.models import session
from delivery.models.session import Session
from delivery.policy import Budgets, Limit, Mode, Policy
from delivery.verbs.gate import GateFailed, require_pass, write_files

from tests.delivery.judged import GOOD, WORSE, Image, case, model
from tests.delivery.metered import Cost, ToldMeter

OURS, THEIRS = Image(model(b"a"), GOOD), Image(model(b"b"), GOOD)
NOISY = (0.01, 0.04, 0.011, 0.05, 0.009)


def verdict(
    ours: Cost, theirs: Cost | None, mode: Mode = "enforce", /, **budgets: float
) -> Verdict:
    policy = Policy(
        metrics={"roc_auc": Limit(floor=0.6, margin=0.2)},
        budgets=Budgets(**budgets),
        modes={"budgets": mode},
    )
    pairs = [(OURS, ours), *([(THEIRS, theirs)] if theirs else [])]
    scorer = ToldMeter.costing(*pairs)
    return judge(case(OURS, THEIRS if theirs else None, policy=policy, scorer=scorer))


def only(found: Verdict) -> CheckResult:
    [check] = found.measured
    return check


SLOW = Cost(seconds=(0.03,))
TIMES: dict[str, tuple[Cost, Cost | None, str, str]] = {
    "as fast": (Cost(), Cost(), "PASS", "PASS"),
    "at the factor": (Cost((0.02,)), Cost((0.01,)), "PASS", "PASS"),
    "slower than allowed": (SLOW, Cost(), "FAIL", "FAIL"),
    "too noisy to tell": (Cost(NOISY), Cost((0.01,)), "INCONCLUSIVE", "INCONCLUSIVE"),
    "a first release": (SLOW, None, "SKIPPED", "PASS"),
}


@pytest.mark.parametrize("what", TIMES)
def test_time_is_judged_against_the_champions(what: str) -> None:
    ours, theirs, outcome, whole = TIMES[what]
    found = verdict(ours, theirs, latency_factor=2)
    assert (only(found).name, only(found).outcome) == ("budget-latency", outcome)
    assert (found.outcome, found.evidence.outcome) == (whole, "PASS")
    assert bool(only(found).next) == (outcome in ("FAIL", "INCONCLUSIVE"))


@pytest.mark.parametrize(("peak", "outcome"), [(100_000_000, "PASS"), (100_000_001, "FAIL")])
def test_memory_is_judged_by_the_budget(peak: int, outcome: str) -> None:
    found = verdict(Cost(peak=peak), None, memory_mb=100)
    assert (only(found).name, only(found).outcome) == ("budget-memory", outcome)
    assert found.outcome == outcome


@pytest.mark.parametrize(("mode", "outcome"), [("enforce", "ERROR"), ("report", "SKIPPED")])
def test_memory_that_cannot_be_read_follows_the_mode(mode: Mode, outcome: str) -> None:
    found = verdict(Cost(peak=None), None, mode, memory_mb=100)
    assert (only(found).outcome, only(found).figures["error"]) == (outcome, "memory-unreadable")
    assert "no such process" in only(found).sentence
    assert found.outcome == ("ERROR" if mode == "enforce" else "PASS")


@pytest.mark.parametrize(("mode", "outcome"), [("enforce", "ERROR"), ("report", "PASS")])
def test_scorer_that_cannot_measure_follows_the_mode(mode: Mode, outcome: str) -> None:
    budgets = Budgets(latency_factor=2, memory_mb=100)
    policy = Policy(metrics={"roc_auc": Limit(floor=0.6)}, budgets=budgets, modes={"budgets": mode})
    found = judge(case(OURS, THEIRS, policy=policy))
    assert [one.figures["error"] for one in found.measured] == ["not-measured", "not-measured"]
    assert found.outcome == outcome


def test_report_offers_no_waiver_of_what_is_measured() -> None:
    assert "To waive it" not in verdict(SLOW, Cost(), latency_factor=2).report


def test_measurement_that_is_reported_blocks_nothing() -> None:
    found = verdict(SLOW, Cost(), "report", latency_factor=2)
    assert (only(found).outcome, found.outcome) == ("FAIL", "PASS")
    require_pass(found)


def test_nothing_is_opened_without_a_budget() -> None:
    scorer = ToldMeter.costing((OURS, Cost()), (THEIRS, Cost()))
    assert judge(case(OURS, THEIRS, scorer=scorer)).measured == []
    assert scorer.opened == []
    assert isinstance(scorer, Meter)


def test_each_image_is_opened_once() -> None:
    scorer = ToldMeter.costing((OURS, Cost()), (THEIRS, Cost()))
    policy = Policy(metrics={"roc_auc": Limit(floor=0.6)}, budgets=Budgets(latency_factor=2))
    judge(case(OURS, THEIRS, scorer=scorer, policy=policy))
    assert sorted(scorer.opened) == sorted([OURS.name, THEIRS.name])


def test_evidence_does_not_depend_on_what_was_measured() -> None:
    dumps = {verdict(cost, Cost(), latency_factor=2).evidence.dump() for cost in (SLOW, Cost())}
    assert len(dumps) == 1


class Hurried(ToldMeter):
    """An image that answers nonsense while it is measured, to be fast."""

    @contextmanager
    def session(self, image: str) -> Iterator[object]:  # type: ignore[override]
        told = Image(OURS.files, WORSE)
        scorer = ToldMeter({image: told}, {image: Cost()})
        with scorer.session(image) as found:
            yield found


def test_image_that_answers_otherwise_while_measured_is_an_error() -> None:
    policy = Policy(metrics={"roc_auc": Limit(floor=0.6)}, budgets=Budgets(memory_mb=100))
    found = judge(case(OURS, policy=policy, scorer=Hurried({OURS.name: OURS})))
    assert only(found).figures["error"] == "answers-not-repeated"
    assert found.outcome == "ERROR"


def test_failed_measurement_refuses_the_release_by_its_name() -> None:
    with pytest.raises(GateFailed, match="budget-latency is FAIL") as refused:
        require_pass(verdict(SLOW, Cost(), latency_factor=2))
    assert refused.value.exit_code == 1
    with pytest.raises(GateFailed) as refused:
        require_pass(verdict(Cost(NOISY), Cost(), latency_factor=2))
    assert refused.value.exit_code == 3


def test_files_show_what_was_measured_apart_from_evidence(tmp_path: Path) -> None:
    write_files(verdict(SLOW, Cost(), latency_factor=2), tmp_path)
    [check] = json.loads((tmp_path / "measured.json").read_bytes())
    assert check["outcome"] == "FAIL"
    assert b"latency:" not in (tmp_path / "evidence.json").read_bytes()
    for name in ("report.md", "model-card.md"):
        text = (tmp_path / name).read_text()
        assert "### Measured here and now" in text
        assert "May not enter dev" in text
    suites = ET.fromstring((tmp_path / "junit.xml").read_bytes())  # noqa: S314 - our own
    assert [suite.get("name") for suite in suites] == ["gate app dev", "measured app dev"]
    assert suites.get("failures") == "1"


def test_earlier_measurement_is_taken_away(tmp_path: Path) -> None:
    write_files(verdict(SLOW, Cost(), latency_factor=2), tmp_path)
    write_files(verdict(SLOW, Cost()), tmp_path)
    assert not (tmp_path / "measured.json").exists()


def test_bounds_of_a_ratio_are_ranks_of_the_rounds() -> None:
    ours = [float(n) for n in range(1, 22)]
    assert ratio_of(ours, [1.0] * 21) == (11.0, 6.0, 16.0)
    assert ratio_of(ours[:7], [1.0] * 7) == (4.0, 1.0, 7.0)


SCRIPT = "import sys\nfor line in sys.stdin:\n    {}\n"


@contextmanager
def opened(body: str, timeout_s: float = 20) -> Iterator[Session]:
    """Yield a process that is asked as a container is."""
    found = Session(
        [sys.executable, "-c", SCRIPT.format(body)],
        timeout_s=timeout_s,
        answer_bytes=lambda line: len(line) + 100,
        pid=lambda: 0,
        stop=lambda: None,
    )
    try:
        yield found
    finally:
        found.close()


def test_session_answers_line_by_line() -> None:
    with opened("print(line.strip().upper(), flush=True)") as found:
        answers = [found.ask(line) for line in (b"one\n", b"two\n")]
    assert [answer for _, answer in answers] == [b"ONE\n", b"TWO\n"]
    assert all(seconds > 0 for seconds, _ in answers)


MISBEHAVING = {
    "ends": "sys.exit(1)",
    "waits": "import time; time.sleep(600)",
    "writes without end": "print('x' * 100000, end='', flush=True)",
}


@pytest.mark.parametrize("what", MISBEHAVING)
def test_session_that_gives_no_answer_is_an_error(what: str) -> None:
    with (
        opened(MISBEHAVING[what], timeout_s=2) as found,
        pytest.raises(ScoringError, match="scoring-failed"),
    ):
        found.ask(b"one\n")


def test_session_that_never_reads_is_ended() -> None:
    with opened("", timeout_s=1) as found, pytest.raises(ScoringError, match="scoring-failed"):
        found.ask(b"x" * 10_000_000 + b"\n")


def test_memory_of_no_container_is_not_read() -> None:
    with opened("print(line, flush=True)") as found, pytest.raises(Unknown, match="unreadable"):
        found.peak_bytes()


def test_peak_of_a_process_is_what_the_kernel_says() -> None:
    own = session._peak(os.getpid())
    assert own > 10_000_000
    assert session._peak(0) == 0
    assert next(iter(session._family(os.getpid()))) == os.getpid()
