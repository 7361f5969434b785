"""Workflows and Jenkinsfile: each step is a real call, and jobs have no more rights than they name.

actionlint, shellcheck and zizmor look at the rest (`make lint`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery.validation.objects import KubernetesObject
from delivery.validation.pod_security import pod_security

from tests.bake.template import ROOT
from tests.docs.cli import parse
from tests.docs.pages import GENERATED, calls, logical_lines, targets

WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), *GENERATED.glob(".github/workflows/*")])
JENKINSFILE = GENERATED / "Jenkinsfile"
PINNED = re.compile(r"(actions/[a-z-]+|sigstore/cosign-installer)@[0-9a-f]{40}")


@pytest.fixture(params=WORKFLOWS, ids=[path.name for path in WORKFLOWS])
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(Path(request.param).read_text(encoding="utf-8"))
    return found


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def called(text: str, program: str) -> list[list[str]]:
    told = text.replace("$(date -u +%Y-%m-%dT%H:%MZ)", "2026-11-26T08:00Z")
    told = told.replace('"$STATE"', "success")
    found = [words for line in logical_lines(told) for words in calls(line)]
    return [words[1:] for words in found if words[0].rsplit("/", 1)[-1] == program]


def test_workflow_has_no_right_but_what_a_job_names(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        # One that calls another workflow takes as long as the jobs of that one may.
        assert {"permissions", *(() if "uses" in job else ("timeout-minutes",))} <= set(job), name


def test_workflow_interpolates_nothing_into_a_shell(workflow: dict[Any, Any]) -> None:
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


def test_workflow_uses_actions_by_commit_and_keeps_no_credentials(
    workflow: dict[Any, Any],
) -> None:
    for step in (step for step in steps(workflow) if "uses" in step):
        assert PINNED.fullmatch(step["uses"])
        if step["uses"].startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_workflow_calls_verbs_and_targets_that_exist(workflow: dict[Any, Any]) -> None:
    for run in (step["run"] for step in steps(workflow) if "run" in step):
        for words in called(run, "deliver"):
            parse(words)
        asked = {word for words in called(run, "make") for word in words if word[0] != "-"}
        assert asked <= targets(GENERATED / "Makefile")


def test_jenkinsfile_calls_verbs_that_exist() -> None:
    text = JENKINSFILE.read_text(encoding="utf-8")
    shells = re.findall(r"sh '''(.*?)'''|sh '([^'\n]+)'", text, re.DOTALL)
    found = [words for shell in shells for words in called("".join(shell), "deliver")]
    for words in found:
        parse(words)
    verbs = {words[0] for words in found}
    judging, making = {"check", "gate", "report", "approvals"}, {"train", "build", "release"}
    assert verbs == judging | making | {"promote", "rollback", "confirm", "drift", "site"}


def test_deciding_workflow_checks_out_main_alone() -> None:
    decides = yaml.safe_load((GENERATED / ".github/workflows/check.yml").read_text())
    checkouts = [s["with"]["ref"] for s in steps(decides) if "checkout" in s.get("uses", "")]
    assert set(checkouts) == {"main"}
    assert len(checkouts) == len(decides["jobs"]) - 1  # all but the one that only looks at others


def test_comment_and_checks_are_written_by_the_only_jobs_that_may() -> None:
    jobs = yaml.safe_load((GENERATED / ".github/workflows/check.yml").read_text())["jobs"]
    may = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    assert may == ["report", "mark"]
    assert "inputs.head" in jobs["mark"]["if"]  # never of a pull request that a person opened


def test_job_that_runs_model_code_may_neither_push_nor_sign() -> None:
    jobs = yaml.safe_load((GENERATED / ".github/workflows/deliver.yml").read_text())["jobs"]
    assert jobs["train"]["permissions"] == {"contents": "read"}
    assert "COSIGN" not in json.dumps(jobs["train"])
    assert jobs["build"]["permissions"]["id-token"] == "write"


def test_required_job_needs_every_other_job() -> None:
    jobs = yaml.safe_load((GENERATED / ".github/workflows/check.yml").read_text())["jobs"]
    assert set(jobs["pass"]["needs"]) == set(jobs) - {"pass", "mark"}


def test_sandbox_agent_is_as_restricted_as_a_pod_can_be() -> None:
    pod = yaml.safe_load((GENERATED / ".jenkins/sandbox.yaml").read_text())
    assert list(pod_security(KubernetesObject("sandbox.yaml", pod))) == []
    assert pod["spec"]["automountServiceAccountToken"] is False
