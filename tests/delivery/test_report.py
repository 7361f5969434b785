from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from delivery.gate import Case, Verdict, judge
from delivery.gate.junit import TAGS, junit
from delivery.policy import Limit
from delivery.report.verdict import MARKS, report
from syrupy.assertion import SnapshotAssertion

from tests.delivery.judged import GOOD, WORSE, Image, case, holdout, model

BETTER = Image(model(b"b"), GOOD)
POLICY = {"roc_auc": Limit(floor=0.95, margin=0.01), "brier": Limit(floor=0.2, margin=0.02)}
CASES: dict[str, Case] = {
    "first release": case(Image(model(b"a"), GOOD), policy=POLICY),
    "better": case(BETTER, Image(model(b"a"), WORSE), policy=POLICY),
    "worse": case(Image(model(b"a"), WORSE), BETTER, policy=POLICY),
    "same model": case(BETTER, BETTER, policy=POLICY),
    "one class": case(BETTER, rows=holdout([1] * 10), policy=POLICY),
    "altered": case(Image(model(b"a"), GOOD, {"x": b"1"}), BETTER, policy=POLICY),
}


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    return {name: judge(one) for name, one in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_report_is_the_golden_one(
    name: str, verdicts: dict[str, Verdict], snapshot: SnapshotAssertion
) -> None:
    assert verdicts[name].report == snapshot


@pytest.mark.parametrize("name", CASES)
def test_junit_counts_what_it_holds(name: str, verdicts: dict[str, Verdict]) -> None:
    suite = ET.fromstring(verdicts[name].junit)[0]  # noqa: S314 - our own
    checks = verdicts[name].evidence.checks
    assert [found.get("name") for found in suite] == [check.name for check in checks]
    for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.get(count, "")) == len(suite.findall(f"testcase/{tag}"))


def test_every_outcome_has_a_mark() -> None:
    assert set(TAGS) < set(MARKS)


def test_report_fits_a_comment(verdicts: dict[str, Verdict]) -> None:
    # GitHub takes at most 65,536 characters.
    assert all(len(verdict.report) < 8000 for verdict in verdicts.values())
    evidence = verdicts["worse"].evidence
    many = evidence.model_copy(update={"checks": evidence.checks * 60})
    found = report(many)
    assert 60_000 < len(found) <= 65_000
    assert "more lines are left out; evidence.json has all." in found


def test_junit_has_no_failure_where_nothing_blocks(verdicts: dict[str, Verdict]) -> None:
    evidence = verdicts["worse"].evidence
    mild = [check.model_copy(update={"enforced": False}) for check in evidence.checks]
    suites = ET.fromstring(junit(evidence.model_copy(update={"checks": mild})))  # noqa: S314 - our own
    assert suites.get("failures") == "0"
    assert suites.findall(".//skipped[@type='FAIL']")
