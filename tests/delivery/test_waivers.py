"""Waivers: what they let through, what they never do, and how long they are taken."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from delivery.app import App
from delivery.canonical import sha256
from delivery.check import check_whole
from delivery.errors import Refused, UsageError
from delivery.evidence import CheckResult, Evidence, Judged, Waiver, parse_evidence
from delivery.files import dump_yaml, parse_model
from delivery.gate import Verdict, judge
from delivery.ledger import Line
from delivery.policy import Limit, Policy, Slice
from delivery.proposal import compose_judged, propose
from delivery.verbs.gate import judge_for
from delivery.waivers import DAYS, WaiverFile, require_days, waiver_path, waivers_for

from tests.delivery.judged import GOOD, WORSE, Image, ToldScorer, answers, case, model
from tests.delivery.world import KUSTOMIZE_APP, QUESTION, TODAY, World

ONE, TWO = model(b"one"), model(b"two")
FAILED, UNDECIDED = "champion-accuracy", "floor-accuracy"
FOLDER = f"apps/{KUSTOMIZE_APP}/waivers"
REASON = "The clinic needs the mended unit conversion today."


def waiver(*checks: str, path: str = "apps/app/waivers/one.yaml") -> Waiver:
    return Waiver(
        path=path,
        sha256=sha256(b"file"),
        checks=checks,
        reason=REASON,
        risk="RISK-12",
        asked_by="@sam",
        expires="2026-03-10",
    )


def verdict(*waivers: Waiver, ours: tuple[float, ...] = WORSE, **policy: Any) -> Verdict:
    """Return the verdict on a model that fails its margin and cannot be told from its floor."""
    asked = {
        "metrics": {"accuracy": Limit(floor=0.65, margin=0.02)},
        "negative_flips": 1.0,
        **policy,
    }
    judged = case(Image(ONE, ours), Image(TWO, GOOD), policy=Policy(**asked))
    return judge(replace(judged, waivers=waivers))


def named(evidence: Evidence, name: str) -> CheckResult:
    return next(check for check in evidence.checks if check.name == name)


def errors(evidence: Evidence) -> set[str]:
    return {str(c.figures.get("error")) for c in evidence.checks if c.outcome == "ERROR"}


def test_waiver_lets_through_what_failed_and_what_could_not_be_told() -> None:
    before = verdict().evidence
    assert (named(before, FAILED).outcome, named(before, UNDECIDED).outcome) == (
        "FAIL",
        "INCONCLUSIVE",
    )
    evidence = verdict(waiver(FAILED, UNDECIDED)).evidence
    assert [named(evidence, name).outcome for name in (FAILED, UNDECIDED)] == ["WAIVED", "WAIVED"]
    assert named(evidence, FAILED).figures["waived"] == "FAIL"
    assert evidence.outcome == "PASS"


def test_waiver_lets_through_nothing_but_what_it_names() -> None:
    assert verdict(waiver(UNDECIDED)).evidence.outcome == "FAIL"
    assert verdict(waiver(FAILED)).evidence.outcome == "INCONCLUSIVE"


def test_waivers_digest_is_among_the_inputs() -> None:
    one = waiver(FAILED, UNDECIDED)
    evidence = verdict(one).evidence
    assert evidence.inputs.waivers == (one,)
    assert parse_evidence(evidence.dump(), "e") == evidence


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("floor-acuracy", "waiver-unknown-check"),
        ("signature", "waiver-unused"),
        ("candidate-model", "waiver-not-allowed"),
        ("candidate-answers", "waiver-not-allowed"),
        ("candidate-again", "waiver-not-allowed"),
        ("logged-metrics", "waiver-not-allowed"),
        ("data-overlap", "waiver-not-allowed"),
    ],
)
def test_waiver_of_what_it_cannot_let_through_is_an_error(name: str, error: str) -> None:
    evidence = verdict(waiver(FAILED, UNDECIDED, name)).evidence
    assert (evidence.outcome, errors(evidence)) == ("ERROR", {error})


def test_check_that_two_waivers_name_is_used_by_one() -> None:
    second = waiver(FAILED, path="apps/app/waivers/two.yaml")
    assert errors(verdict(waiver(FAILED, UNDECIDED), second).evidence) == {"waiver-unused"}


def test_waiver_that_is_needed_no_more_is_an_error() -> None:
    evidence = verdict(
        waiver(FAILED), ours=answers(wrong=11), metrics={"accuracy": Limit(margin=0.1)}
    )
    assert errors(evidence.evidence) == {"waiver-unused"}


def test_error_is_never_waived() -> None:
    for name, policy in (
        ("slice-age", {"slices": (Slice(column="age"),)}),
        ("floor-mae", {"metrics": {"mae": Limit(floor=1), "accuracy": Limit(margin=0.9)}}),
    ):
        evidence = verdict(waiver(name), **policy).evidence
        assert named(evidence, name).outcome == "ERROR"
        assert evidence.outcome == "ERROR"


def test_what_blocks_nothing_needs_no_waiver() -> None:
    policy: dict[str, Any] = {
        "modes": {"champion": "report"},
        "metrics": {"accuracy": Limit(floor=0.5, margin=0.02)},
    }
    evidence = verdict(waiver(FAILED), **policy).evidence
    assert named(evidence, FAILED).outcome == "FAIL"
    assert errors(evidence) == {"waiver-unused"}


def test_unsound_image_is_judged_no_further_for_a_waiver() -> None:
    image = Image(ONE, GOOD, {"x": b"1"})
    evidence = judge(replace(case(image), waivers=(waiver(FAILED),))).evidence
    assert evidence.outcome == "ERROR"
    assert "waiver-unknown-check" not in errors(evidence)


def test_report_counts_waivers_and_says_why_and_until_when() -> None:
    found = verdict(waiver(FAILED, UNDECIDED))
    assert "**2 waived**" in found.report
    for word in (
        "### Waived: 2",
        "2026-03-10",
        "RISK-12",
        "sam",
        REASON,
        "apps/app/waivers/one.yaml",
    ):
        assert word in found.report
    assert "To waive it" not in found.report
    assert "WAIVED `champion-accuracy`" in found.card
    assert "### Waived: 2" in found.card


def test_junit_shows_what_was_waived() -> None:
    suite = ET.fromstring(verdict(waiver(FAILED, UNDECIDED)).junit)[0]  # noqa: S314 - our own
    cases = {one.get("name"): one for one in suite}
    skipped = cases[FAILED].find("skipped")
    assert skipped is not None
    assert skipped.get("type") == "WAIVED"
    assert suite.get("failures") == "0"


def test_report_has_a_waivers_text_ready_but_for_why_and_until_when() -> None:
    found = verdict()
    text = found.report.split("```yaml\n")[1].split("```")[0]
    ours = found.evidence.inputs
    path = waiver_path("app", "dev", ours.candidate.model)
    assert path in found.report
    with pytest.raises(UsageError, match="reason"):
        parse_model(WaiverFile, text.encode(), path)
    content = yaml.safe_load(text)
    content |= {"reason": REASON, "risk": "R-1", "asked_by": "@sam", "expires": TODAY}
    file = parse_model(WaiverFile, dump_yaml(content), path)
    assert set(file.checks) == {FAILED, UNDECIDED}
    assert (file.model, file.holdout) == (ours.candidate.model, ours.holdout.labels)


def test_inconclusive_names_the_file_of_a_waiver() -> None:
    evidence = verdict().evidence
    path = waiver_path("app", "dev", evidence.inputs.candidate.model)
    assert path in named(evidence, UNDECIDED).next


def test_error_has_no_waivers_text() -> None:
    assert "```yaml" not in verdict(slices=(Slice(column="age"),)).report


@pytest.mark.parametrize("days", [0, 1, DAYS])
def test_waiver_is_taken_for_two_weeks(days: int) -> None:
    require_days("w", TODAY + timedelta(days=days), TODAY)


@pytest.mark.parametrize(("days", "code"), [(-1, "waiver-expired"), (DAYS + 1, "waiver-too-long")])
def test_waiver_is_taken_neither_before_nor_after(days: int, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        require_days("w", TODAY + timedelta(days=days), TODAY)
    assert refusal.value.code == code


# In a repository.


def content(**changed: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "environment": "dev",
        "checks": [FAILED],
        "model": sha256(b"model"),
        "holdout": sha256(b"labels"),
        "reason": REASON,
        "risk": "RISK-12",
        "asked_by": "@sam",
        "expires": TODAY + timedelta(days=7),
    } | changed


def brought(world: World, path: str = f"{FOLDER}/one.yaml", **changed: Any) -> list[str]:
    """Return the refusals of a change that brings a waiver, each with what was seen."""
    world.git("checkout", "--quiet", "-b", "waive")
    world.change({path: dump_yaml(content(**changed))})
    world.git("checkout", "--quiet", "main")
    return [f"{one.code}: {one.seen}" for one in world.check("waive").findings]


def test_change_may_bring_a_waiver(fresh: World) -> None:
    assert brought(fresh) == []


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "short reason": ({"reason": "Because we can."}, "reason"),
    "blank reason": ({"reason": " " * 30}, "reason"),
    "no checks": ({"checks": []}, "checks"),
    "one check twice": ({"checks": [FAILED, FAILED]}, "checks"),
    "no digest": ({"model": "latest"}, "model"),
    "no risk": ({"risk": ""}, "risk"),
    "painted": ({"asked_by": "sam\x1b[2J"}, "one.yaml"),
    "a time": ({"expires": "2026-03-05T10:00:00"}, "expires"),
    "a number": ({"expires": 20260305}, "expires"),
    "never": ({"expires": None}, "expires"),
    "of tomorrow's schema": ({"schema": 2}, "schema"),
    "with another key": ({"approved_by": "@me"}, "approved_by"),
    "of no environment": ({"environment": "qa"}, "there is no qa"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_waiver_is_refused_by_name(name: str, fresh: World) -> None:
    changed, field = BROKEN[name]
    found = brought(fresh, **changed)
    assert len(found) == 1
    assert found[0].startswith("broken-file")
    assert field in found[0]


@pytest.mark.parametrize(
    "path",
    [
        f"{FOLDER}/one.yml",
        f"{FOLDER}/One.yaml",
        f"{FOLDER}/a/one.yaml",
        "apps/nothing/waivers/one.yaml",
    ],
)
def test_waiver_that_would_not_be_read_is_refused(path: str, fresh: World) -> None:
    assert any("broken-file" in one and path in one for one in brought(fresh, path))


@pytest.mark.parametrize(("days", "code"), [(-1, "waiver-expired"), (15, "waiver-too-long")])
def test_change_brings_no_waiver_that_could_not_be_used(days: int, code: str, fresh: World) -> None:
    found = brought(fresh, expires=TODAY + timedelta(days=days))
    assert [one.split(":")[0] for one in found] == [code]


def test_waiver_and_record_do_not_come_together(fresh: World) -> None:
    proposal = fresh.release(1)
    fresh.git("checkout", "--quiet", proposal.branch)
    fresh.change({f"{FOLDER}/one.yaml": dump_yaml(content())})
    assert "judge-and-judged" in fresh.codes(proposal.branch)


def test_broken_waiver_is_found_in_a_whole_check_and_an_old_one_is_not(fresh: World) -> None:
    fresh.change({f"{FOLDER}/old.yaml": dump_yaml(content(expires=date(2020, 1, 1)))})
    assert check_whole(fresh.repository).findings == []
    fresh.change({f"{FOLDER}/one.yaml": dump_yaml(content(reason="short"))})
    assert {one.code for one in check_whole(fresh.repository).findings} == {"broken-file"}


def app_of(world: World) -> App:
    return world.work.app(KUSTOMIZE_APP)


def test_waiver_is_for_one_model_hold_out_and_environment(fresh: World) -> None:
    fresh.change({f"{FOLDER}/one.yaml": dump_yaml(content())})
    app, digest, labels = app_of(fresh), sha256(b"model"), sha256(b"labels")
    found = waivers_for(app, "dev", digest, labels)
    assert [one.path for one in found] == [f"{FOLDER}/one.yaml"]
    assert found[0].sha256 == sha256(dump_yaml(content()))
    for other in (("prod", digest, labels), ("dev", labels, labels), ("dev", digest, digest)):
        assert waivers_for(app, *other) == ()


def accepted(world: World, line: Line, check: CheckResult, expires: date) -> str:
    """Return the branch of a release with a check that a merged waiver is, or is not, about."""
    made = world.make(1, line.app)
    labels = app_of(world).holdout().labels_sha256
    file = content(model=made.model.digest, holdout=labels, expires=expires)
    world.change({f"{FOLDER}/one.yaml": dump_yaml(file)})
    made = world.make(1, line.app)
    plain = world.verdict(line, "release", made)
    evidence = plain.model_copy(update={"checks": [*plain.checks, check]})
    words: Any = {"reason": "test", "change": None, "from_": None, "question": QUESTION}
    work = world.work
    step = compose_judged(work, line, "release", made, evidence=evidence, **words)
    return propose(work, [step]).branch


WAIVED = CheckResult(
    name=FAILED,
    outcome="WAIVED",
    part="champion",
    figures={"waived": "FAIL", "waiver": f"{FOLDER}/one.yaml"},
    sentence="Worse.",
)


def test_release_that_rests_on_a_waiver_passes_and_stays_valid(fresh: World) -> None:
    branch = accepted(fresh, fresh.line("dev"), WAIVED, TODAY)
    assert fresh.codes(branch) == set()
    fresh.git("merge", "--quiet", branch)
    fresh.change({f"{FOLDER}/one.yaml": None})
    assert check_whole(fresh.repository).findings == []


@pytest.mark.parametrize(("days", "code"), [(-1, "waiver-expired"), (15, "waiver-too-long")])
def test_release_on_a_waiver_out_of_its_days_is_refused(days: int, code: str, fresh: World) -> None:
    branch = accepted(fresh, fresh.line("dev"), WAIVED, TODAY + timedelta(days=days))
    assert fresh.codes(branch) == {code}


@pytest.mark.parametrize(
    "changed",
    [{"name": "champion-brier"}, {"part": None}, {"name": "data-overlap", "part": "overlap"}],
)
def test_check_that_no_waiver_lets_through_is_refused(
    changed: dict[str, Any], fresh: World
) -> None:
    check = WAIVED.model_copy(update=changed)
    assert fresh.codes(accepted(fresh, fresh.line("dev"), check, TODAY)) == {"waiver-missing"}


def test_waiver_merged_later_makes_a_verdict_stale(fresh: World) -> None:
    proposal = fresh.release(1)
    release = proposal.steps[0].record.release
    labels = app_of(fresh).holdout().labels_sha256
    file = content(model=release.model.digest, holdout=labels)
    fresh.change({f"{FOLDER}/one.yaml": dump_yaml(file)})
    fresh.git("checkout", "--quiet", proposal.branch)
    fresh.git("merge", "--quiet", "main", "-m", "take main in")
    fresh.git("checkout", "--quiet", "main")
    report = fresh.check(proposal.branch)
    assert {one.code for one in report.findings} == {"evidence-stale"}
    assert "waivers" in report.findings[0].seen


@pytest.mark.parametrize(("days", "code"), [(-1, "waiver-expired"), (15, "waiver-too-long")])
def test_verb_asks_no_image_for_a_waiver_out_of_its_days(
    days: int, code: str, fresh: World
) -> None:
    made = fresh.make(1, KUSTOMIZE_APP)
    labels = app_of(fresh).holdout().labels_sha256
    expires = TODAY + timedelta(days=days)
    file = content(model=made.model.digest, holdout=labels, expires=expires)
    fresh.change({f"{FOLDER}/one.yaml": dump_yaml(file)})
    with pytest.raises(Refused) as refusal:
        judge_for(fresh.work, KUSTOMIZE_APP, "dev", Judged.of(made), None, ToldScorer({}), TODAY)
    assert refusal.value.code == code


def test_evidence_of_the_first_schema_knows_no_waivers() -> None:
    new = verdict(waiver(FAILED, UNDECIDED)).evidence
    old = new.model_copy(update={"schema_": 1})
    first, second = (json.loads(one.dump()) for one in (old, new))
    assert "waivers" not in first["inputs"]
    assert "part" not in first["checks"][0]
    assert len(second["inputs"]["waivers"]) == 1
