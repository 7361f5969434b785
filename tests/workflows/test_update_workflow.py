"""`update.yml` executed: the template's own pull request, on a real Git host."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bake.template import copy_template, git
from tests.delivery.evolving import Template
from tests.delivery.hosted import ADA, Hosted
from tests.jenkins.piping import Jenkins
from tests.workflows.acting import Runner
from tests.workflows.conftest import SECRETS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("containers")]
PAGE, WORKFLOW = "docs/new.md", ".github/workflows/new.yml"


@pytest.fixture
def template(hosted: Hosted, tmp_path: Path) -> Template:
    """What the repository was made of, as its `.cruft.json` says from now on."""
    root = copy_template(tmp_path / "template")
    found = Template(root, git("rev-parse", "HEAD", cwd=root).strip())
    hosted.world.change({".cruft.json": json.dumps(found.state())})
    hosted.push_main()
    return found


def test_newer_template_comes_by_a_pull_request_with_its_workflows(
    hosted: Hosted, runner: Runner, template: Template
) -> None:
    assert runner.run("schedule", "update.yml", {}).jobs == {}  # no app is named
    template.change({PAGE: "New.\n", WORKFLOW: "name: new\n"}, "Add a page")
    asked = replace(runner, variables={**runner.variables, "APP_ID": "1"})
    ran = asked.run("workflow_dispatch", "update.yml", {"inputs": {}})
    assert dict(ran.jobs) == {"update": "succeeded"}, ran.log
    [number] = hosted.open_numbers()
    found = hosted.ask(ADA, "GET", f"pulls/{number}")
    assert [one["name"] for one in found["labels"]] == ["template"]
    assert "- `Add a page`" in found["body"]
    files = hosted.ask(ADA, "GET", f"pulls/{number}/files")
    assert [one["filename"] for one in files] == [".cruft.json", WORKFLOW, PAGE]
    for secret in (*SECRETS.values(), *hosted.githost.tokens.values()):
        assert secret not in ran.log


@pytest.mark.skipif(shutil.which("mvn") is None, reason="needs Java and Maven")
def test_newer_template_comes_by_jenkins(
    hosted: Hosted, jenkins: Jenkins, template: Template
) -> None:
    template.change({PAGE: "New.\n"}, "Add a page")
    built = jenkins.build({"BRANCH_NAME": "main"}, {"ACTION": "update"})
    assert built.stages() == {"Update": "succeeded"}, built.log
    [number] = hosted.open_numbers()
    files = hosted.ask(ADA, "GET", f"pulls/{number}/files")
    assert [one["filename"] for one in files] == [".cruft.json", PAGE]
