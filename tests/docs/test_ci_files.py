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
ACTIONS = sorted(GENERATED.glob(".github/actions/*/action.yml"))
OURS = {f"./{path.parent.relative_to(GENERATED)}" for path in ACTIONS}
OWNERS = "actions|aws-actions|azure|google-github-actions|sigstore"
EXECUTED = re.compile(r"^\| `(\S+\.yml)` \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
PINNED = re.compile(rf"({OWNERS})/[a-z-]+(/[a-z]+)?@[0-9a-f]{{40}}")


@pytest.fixture(params=WORKFLOWS, ids=[path.name for path in WORKFLOWS])
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    return parsed(request.param)


@pytest.fixture(params=[*WORKFLOWS, *ACTIONS], ids=lambda path: "-".join(path.parts[-2:]))
def all_steps(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return steps(parsed(request.param))


def parsed(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def of_ours(name: str) -> dict[str, Any]:
    jobs: dict[str, Any] = parsed(GENERATED / ".github/workflows" / name)["jobs"]
    return jobs


def steps(found: dict[Any, Any]) -> list[dict[str, Any]]:
    """Return the steps of a workflow's jobs, or of an action."""
    jobs = found["jobs"].values() if "jobs" in found else [found["runs"]]
    return [step for job in jobs for step in job.get("steps", [])]


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


def test_nothing_is_interpolated_into_a_shell(all_steps: list[dict[str, Any]]) -> None:
    assert [step["run"] for step in all_steps if "${{" in step.get("run", "")] == []


def test_actions_are_used_by_commit_and_keep_no_credentials(
    all_steps: list[dict[str, Any]],
) -> None:
    for step in (step for step in all_steps if "uses" in step):
        assert step["uses"] in OURS or PINNED.fullmatch(step["uses"])
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
    assert verbs == judging | making | {"promote", "rollback", "confirm", "drift", "site", "update"}


def test_deciding_workflow_checks_out_main_alone() -> None:
    decides = parsed(GENERATED / ".github/workflows/check.yml")
    checkouts = [s["with"]["ref"] for s in steps(decides) if "checkout" in s.get("uses", "")]
    assert set(checkouts) == {"main"}
    assert len(checkouts) == len(decides["jobs"]) - 1  # all but the one that only looks at others


def test_comment_and_checks_are_written_by_the_only_jobs_that_may() -> None:
    jobs = of_ours("check.yml")
    rights = {name: set(job["permissions"].items()) for name, job in jobs.items()}
    may = {name: {key for key, how in some if how == "write"} for name, some in rights.items()}
    assert {name: some for name, some in may.items() if some} == {
        "evidence": {"id-token"},
        "report": {"pull-requests"},
        "mark": {"statuses"},
    }
    assert "inputs.head" in jobs["mark"]["if"]  # never of a pull request that a person opened


def test_job_that_runs_model_code_may_neither_push_nor_sign() -> None:
    jobs = of_ours("deliver.yml")
    assert jobs["train"]["permissions"] == {"contents": "read"}
    assert "COSIGN" not in json.dumps(jobs["train"])
    assert jobs["build"]["permissions"]["id-token"] == "write"


def test_images_are_pushed_by_the_job_that_builds_them_alone() -> None:
    logins = {
        (path.stem, name): step["with"].get("push", False)
        for path in GENERATED.glob(".github/workflows/*")
        for name, job in of_ours(path.name).items()
        for step in job.get("steps", [])
        if step.get("uses") == "./.github/actions/registry-login"
    }
    assert len(logins) == 5
    assert [which for which, push in logins.items() if push] == [("deliver", "build")]


def test_what_was_built_is_kept_by_a_job_of_main_that_runs_no_model_code() -> None:
    keeping = {
        (path.stem, name)
        for path in GENERATED.glob(".github/workflows/*")
        for name, job in of_ours(path.name).items()
        for step in job.get("steps", [])
        if "cache" in step.get("uses", "") or "keep" in step.get("with", {})
    }
    assert keeping == {("deliver", "release")}


@pytest.mark.parametrize("name", ["deliver.yml", "promote.yml", "rollback.yml"])
def test_called_workflow_is_granted_each_right_that_its_jobs_ask_for(name: str) -> None:
    granted = of_ours(name)["check"]["permissions"]
    for job in of_ours("check.yml").values():
        assert all(granted[right] in (how, "write") for right, how in job["permissions"].items())


def test_required_job_needs_every_other_job() -> None:
    jobs = of_ours("check.yml")
    assert set(jobs["pass"]["needs"]) == set(jobs) - {"pass", "mark"}


def test_docs_say_of_every_job_how_it_was_executed() -> None:
    page = (GENERATED / "docs/ci.md").read_text(encoding="utf-8")
    rows = EXECUTED.findall(page.partition("Every job is executed:")[2])
    told = {file: jobs.replace("`", "").split() for file, jobs, how in rows if how.strip()}
    there = {
        path.name: list(yaml.safe_load(path.read_text())["jobs"])
        for path in GENERATED.glob(".github/workflows/*.yml")
    }
    assert told == there


def test_every_workflow_is_run_by_a_test() -> None:
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*/test_*.py")]
    run = "".join(text for text in tests if "tests.workflows.acting" in text)
    names = {path.name for path in GENERATED.glob(".github/workflows/*.yml")}
    assert {name for name in names if f'"{name}"' not in run} == set()


def test_sandbox_agent_is_as_restricted_as_a_pod_can_be() -> None:
    pod = yaml.safe_load((GENERATED / ".jenkins/sandbox.yaml").read_text())
    assert list(pod_security(KubernetesObject("sandbox.yaml", pod))) == []
    assert pod["spec"]["automountServiceAccountToken"] is False
