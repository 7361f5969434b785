"""The Jenkinsfile executed on the repository that the workflows run on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.delivery.hosted import ADA, BEN, ROBOT, Hosted
from tests.delivery.world import KUSTOMIZE_APP
from tests.jenkins.piping import BY_CLOCK, Built, Jenkins, pressed_by
from tests.workflows.acting import Runner
from tests.workflows.test_workflows import checked, comments, proposed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("containers"),
    pytest.mark.skipif(shutil.which("mvn") is None, reason="needs Java and Maven"),
]

MAIN = {"BRANCH_NAME": "main"}
ROLLBACK = ("rollback", KUSTOMIZE_APP, "--env", "dev", "--reason", "false alarms", "--pr")
PROMOTE = {
    "ACTION": "promote",
    "APPS": KUSTOMIZE_APP,
    "ENVIRONMENT": "staging",
    "REASON": "fewer false alarms",
}


def judged(jenkins: Jenkins, number: int) -> Built:
    """Return how a pull request was built."""
    about = {"BRANCH_NAME": f"PR-{number}", "CHANGE_ID": str(number), "CHANGE_TARGET": "main"}
    return jenkins.build(about, {})


def test_jenkins_workflow_and_laptop_say_the_same(
    hosted: Hosted, runner: Runner, jenkins: Jenkins
) -> None:
    number, head = proposed(hosted)
    hosted.approve(number, ADA)
    assert set(checked(runner, number, head).jobs.values()) == {"succeeded"}
    [by_actions] = comments(hosted, number)
    built = judged(jenkins, number)
    assert built.stages()["Check"] == "succeeded", built.log
    assert comments(hosted, number) == [by_actions]
    hosted.fetch()
    assert {"report/report.html", "report/style.css"} <= set(built.told("Check", "archived"))
    [path] = built.told("Check", "junit")
    counted = ET.parse(jenkins.folder / "delivery" / path).getroot().attrib  # noqa: S314 - ours
    assert (counted["failures"], counted["errors"]) == ("0", "0")
    by_hand = hosted.deliver("report", "--base", "origin/main", "--head", head).stdout
    assert by_hand.strip() == by_actions.replace("\r\n", "\n").strip()
    assert all(canary not in built.log for canary in map(str, jenkins.credentials.values()))


def test_judging_stage_checks_out_main_and_the_other_has_no_credential(
    hosted: Hosted, jenkins: Jenkins
) -> None:
    number, _ = proposed(hosted)
    built = judged(replace(jenkins, credentials={}), number)
    out = [(one["node"], one["checkout"]) for one in built.events if "checkout" in one]
    assert out == [("delivery", "main"), ("sandbox", "change")]
    assert [one for one in built.events if one["node"] == "sandbox" and one.get("bound")] == []
    assert built.status == 1


def test_rollback_is_judged_while_the_registry_is_down(hosted: Hosted, jenkins: Jenkins) -> None:
    hosted.world.merge(hosted.world.release(2))
    hosted.push_main()
    assert hosted.deliver(*ROLLBACK).returncode == 0
    [number] = hosted.open_numbers()
    down = {**jenkins.environment, "REGISTRY_HOST": "127.0.0.1:9"}
    built = judged(replace(jenkins, environment=down), number)
    assert "connection refused" in built.said("Check")
    assert built.stages()["Check"] == "succeeded", built.log


def test_promotion_by_jenkins_opens_one_pull_request(hosted: Hosted, jenkins: Jenkins) -> None:
    built = jenkins.build(MAIN, PROMOTE, pressed_by(ADA))
    assert built.stages() == {"Promote": "succeeded"}, built.log
    [number] = hosted.open_numbers()
    found = hosted.ask(ADA, "GET", f"pulls/{number}")
    assert found["title"] == f"promote(staging): {KUSTOMIZE_APP} model 1"
    assert jenkins.credentials["registry"][1] not in built.log
    assert hosted.githost.tokens[ROBOT] not in built.log
    hosted.fetch()
    counts = ("approvals", "--pr", str(number))
    hosted.approve(number, ADA)
    assert "approvals-missing" in hosted.deliver(*counts).stderr  # she asked for it
    hosted.approve(number, BEN)
    assert "approved by ben" in hosted.deliver(*counts).stdout


def test_clock_looks_for_drift_and_releases_nothing(jenkins: Jenkins) -> None:
    asked = {"ARGOCD_SERVER": "http://127.0.0.1:9", "REGISTRY_LOGIN": "helper"}
    known = {name: one for name, one in jenkins.credentials.items() if name != "registry"}
    ours = replace(jenkins, environment={**jenkins.environment, **asked}, credentials=known)
    built = ours.build(MAIN, {"ACTION": "release"}, BY_CLOCK)
    assert built.stages() == {"Drift": "failed"}, built.log
    assert "argocd-unreachable" in built.said("Drift")


def test_rollback_by_jenkins_opens_a_pull_request(hosted: Hosted, jenkins: Jenkins) -> None:
    hosted.world.merge(hosted.world.release(2))
    hosted.push_main()
    asked = {"ACTION": "rollback", "APPS": KUSTOMIZE_APP, "ENVIRONMENT": "dev", "REASON": "worse"}
    without = replace(jenkins, credentials={"git-host": jenkins.credentials["git-host"]})
    built = without.build(MAIN, asked)
    assert built.stages() == {"Roll back": "succeeded"}, built.log
    [number] = hosted.open_numbers()
    assert hosted.ask(ADA, "GET", f"pulls/{number}")["title"].startswith("rollback(dev): ")
