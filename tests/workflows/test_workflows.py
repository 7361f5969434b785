"""Workflows executed: real verbs, containers, registry and Git host; `standins/` for the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.forged import forged
from tests.delivery.hosted import ADA, ROBOT, Hosted
from tests.delivery.world import KUSTOMIZE_APP
from tests.workflows.acting import Ran, Runner
from tests.workflows.conftest import SECRETS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("containers")]

PROMOTE = ("promote", KUSTOMIZE_APP, "--to", "staging", "--reason", "fewer false alarms", "--pr")

MERGED = "HEAD:refs/heads/merged"
JOBS = {"rules", "evidence", "report", "approvals", "pass"}
CALLED = {f"check/{name}" for name in (*JOBS, "mark")}
"""The jobs of check.yml where another workflow calls it."""
PROMPT = {"apps": KUSTOMIZE_APP, "environment": "staging", "reason": "fewer false alarms"}


def proposed(hosted: Hosted) -> tuple[int, str]:
    """Return the number and head of a promotion's pull request, made on a laptop."""
    done = hosted.deliver(*PROMOTE, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(done.stdout)
    return made["pull_request"]["number"], made["commit"]


def checked(runner: Runner, number: int, head: str) -> Ran:
    """Return how check.yml ran on a pull request."""
    request = {"number": number, "head": {"sha": head, "ref": "x"}, "base": {"ref": "main"}}
    return runner.run("pull_request_target", "check.yml", {"pull_request": request})


def comments(hosted: Hosted, number: int) -> list[str]:
    found: list[dict[str, Any]] = hosted.ask(ADA, "GET", f"issues/{number}/comments")
    return [one["body"] for one in found]


def holds_no_secret(hosted: Hosted, ran: Ran, *texts: str) -> None:
    for secret in (*SECRETS.values(), *hosted.githost.tokens.values()):
        assert all(secret not in text for text in (ran.log, *texts))


def test_good_promotion_passes_once_it_is_approved(hosted: Hosted, runner: Runner) -> None:
    number, head = proposed(hosted)
    before = checked(runner, number, head)
    assert before.jobs == {
        "rules": "succeeded",
        "evidence": "succeeded",
        "report": "succeeded",
        "approvals": "failed",
        "pass": "failed",
    }, before.log
    [first] = comments(hosted, number)
    assert "May be merged" in first
    hosted.approve(number, ADA)
    after = checked(runner, number, head)
    assert set(after.jobs.values()) == {"succeeded"}, after.log
    assert comments(hosted, number) == [first]
    holds_no_secret(hosted, after, first)


def test_pull_request_that_brings_its_own_judge_is_refused(hosted: Hosted, runner: Runner) -> None:
    number, _ = proposed(hosted)
    head = amended(hosted, number, {"delivery/policy.py": "# all is well\n"})
    ran = checked(runner, number, head)
    assert ran.jobs["rules"] == ran.jobs["pass"] == "failed", ran.log
    assert "judge-and-judged" in ran.log
    [comment] = comments(hosted, number)
    assert "Refused" in comment.splitlines()[1]


def test_evidence_that_scoring_does_not_give_is_refused(hosted: Hosted, runner: Runner) -> None:
    number, _ = proposed(hosted)
    branch = hosted.world.git("for-each-ref", "--format=%(refname)", "refs/heads/promote")
    head = amended(hosted, number, forged(hosted.world, branch, "staging/0001", 0.9))
    ran = checked(runner, number, head)
    judged = ran.jobs.get("rules"), ran.jobs.get("evidence")
    assert judged == ("succeeded", "failed"), ran.log
    [comment] = comments(hosted, number)
    assert "evidence-differs" in "".join(comment.splitlines()[:4])


def test_button_opens_a_pull_request_that_is_judged_and_marked(
    hosted: Hosted, runner: Runner
) -> None:
    ran = pressed(runner, "promote.yml", PROMPT)
    assert set(ran.jobs) == {"promote", *CALLED}
    assert ran.jobs["promote"] == "succeeded", ran.log
    [number] = hosted.open_numbers()
    head = hosted.ask(ADA, "GET", f"pulls/{number}")["head"]["sha"]
    assert marks(hosted, head) == {"pass": "failure", "test": "failure"}  # nobody approved it yet
    hosted.approve(number, ADA)
    again = pressed(runner, "check.yml", {"head": head, "number": str(number)})
    assert set(again.jobs) == {*JOBS, "mark"}
    assert marks(hosted, head) == {"pass": "success", "test": "success"}, again.log
    holds_no_secret(hosted, ran, again.log, *comments(hosted, number))


def test_button_that_may_not_says_why(hosted: Hosted, runner: Runner) -> None:
    ran = pressed(runner, "promote.yml", {**PROMPT, "environment": "prod"})
    assert set(ran.jobs.values()) == {"failed"}
    assert "not-in-environment-before" in ran.log
    assert hosted.open_numbers() == []


def test_app_opens_what_its_own_checks_judge(hosted: Hosted, runner: Runner) -> None:
    with_app = replace(runner, variables={**runner.variables, "APP_ID": "1"})
    ran = pressed(with_app, "promote.yml", PROMPT)
    assert dict(ran.jobs) == {"promote": "succeeded"}, ran.log
    assert len(hosted.open_numbers()) == 1


def test_rollback_button_needs_no_registry(hosted: Hosted, runner: Runner) -> None:
    world = hosted.world
    world.merge(world.release(2))
    hosted.push_main()
    asked = {"app": KUSTOMIZE_APP, "environment": "dev", "reason": "false alarms doubled"}
    ran = pressed(replace(runner, variables={}), "rollback.yml", asked)
    assert dict(ran.jobs) == dict.fromkeys({"rollback", *CALLED}, "succeeded"), ran.log
    [number] = hosted.open_numbers()
    found = hosted.ask(ADA, "GET", f"pulls/{number}")
    assert found["title"].startswith("rollback(dev): ")
    assert marks(hosted, found["head"]["sha"]) == {"pass": "success", "test": "success"}


def test_board_is_published_where_it_is_asked_for(hosted: Hosted, runner: Runner) -> None:
    assert hosted.name  # its main is what is published
    assert runner.run("push", "pages.yml", {"ref": "refs/heads/main"}).jobs == {}
    asked = replace(runner, variables={"PUBLISH_BOARD": "yes"})
    ran = asked.run("push", "pages.yml", {"ref": "refs/heads/main"})
    assert dict(ran.jobs) == {"build": "succeeded", "publish": "succeeded"}, ran.log
    assert KUSTOMIZE_APP in Path(runner.environment["PAGES"], "index.html").read_text()


def test_records_alone_leave_nothing_to_test(hosted: Hosted, runner: Runner) -> None:
    number, head = proposed(hosted)
    hosted.fetch()
    hosted.world.git("checkout", "--quiet", "--detach", "main")
    hosted.world.git("merge", "--quiet", "--no-ff", "--message", "Merge", head)
    hosted.world.git("push", "--quiet", hosted.githost.address(ROBOT, hosted.repository), MERGED)
    request = {"number": number, "base": {"ref": "main"}}
    ran = runner.run("pull_request", "test.yml", {"pull_request": request})
    assert dict(ran.jobs) == {"test": "succeeded"}, ran.log
    assert "make --no-print-directory" not in ran.log


def pressed(runner: Runner, workflow: str, inputs: Mapping[str, str]) -> Ran:
    """Return how a workflow ran after somebody pressed its button."""
    return runner.run("workflow_dispatch", workflow, {"inputs": {**inputs}})


def marks(hosted: Hosted, head: str) -> dict[str, str]:
    """Return the newest state of each check that was reported on a commit."""
    found = hosted.ask(ADA, "GET", f"commits/{head}/status")["statuses"]
    return {one["context"]: one["status"] for one in found}


def amended(hosted: Hosted, number: int, files: Mapping[str, str]) -> str:
    """Return the commit that adds files to a pull request."""
    branch = hosted.ask(ADA, "GET", f"pulls/{number}")["head"]["ref"]
    hosted.world.git("checkout", "--quiet", branch)
    head = hosted.world.change(files)
    hosted.world.git("push", "--quiet", hosted.githost.address(ROBOT, hosted.repository), branch)
    hosted.world.git("checkout", "--quiet", "main")
    return head
