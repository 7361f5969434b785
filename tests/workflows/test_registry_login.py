"""The action that logs in to the image registry, run by act with a real registry and podman.

The clouds' own actions, `aws` and `az` are stood in for: what they give says whose it is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workflows.acting import Ran, Runner
from tests.workflows.conftest import SECRETS, Place, runner_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("containers")]

WORKFLOW = """\
on: push
permissions: {}
jobs:
  login:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@1af3b93b6815bc44a9784bd300feb67ff0d1eeb3 # v6.0.0
        with: {ref: main}
      - uses: ./.github/actions/registry-login
        with:
          variables: ${{ toJSON(vars) }}
          password: ${{ secrets.REGISTRY_PASSWORD }}
          push: PUSH
      - run: '! env | grep --extended-regexp "-of-(reader|pusher)"'
"""
PROGRAMS = {
    "aws": 'test "$*" = "ecr get-login-password"; echo "$AWS_SESSION_TOKEN-in-$AWS_REGION"',
    "az": 'if test "$1" = acr; then echo "$4-for-$(cat "$AZ_SESSION")"; else rm "$AZ_SESSION"; fi',
}
IDENTITY = {"REGISTRY_IDENTITY": "reader", "REGISTRY_REALM": "realm"}
PUSHER = {**IDENTITY, "REGISTRY_IDENTITY_PUSH": "pusher"}
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def clouds(place: Place, tmp_path: Path) -> Runner:
    """Has what GitHub's machines have of the clouds; no Git host is needed."""
    root = tmp_path / "repository"
    place.world.git("clone", "--quiet", ".", str(root))
    runner = runner_of(place, root, str(place.world.root), tmp_path)
    for name, text in PROGRAMS.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh -e\n{text}\n")
        path.chmod(0o755)
    session = {"AZ_SESSION": str(tmp_path / "session")}
    return replace(runner, environment={**runner.environment, **session})


def logged_in(runner: Runner, variables: Mapping[str, str], push: bool = False) -> Ran:
    path = runner.root / ".github/workflows/login.yml"
    path.write_text(WORKFLOW.replace("PUSH", str(push).lower()))
    asked = replace(runner, variables={**runner.variables, **variables})
    return asked.run("push", "login.yml", {"ref": "refs/heads/main"})


def login(runner: Runner) -> str:
    """Return user and password that podman keeps for the registry from now on."""
    [kept] = json.loads(Path(runner.environment["REGISTRY_AUTH_FILE"]).read_text())[
        "auths"
    ].values()
    return base64.b64decode(kept["auth"]).decode()


@pytest.mark.parametrize(
    ("variables", "push", "expected"),
    [
        ({}, False, f"robot:{SECRETS['REGISTRY_PASSWORD']}"),
        ({"REGISTRY_CLOUD": "aws", **PUSHER}, False, "AWS:session-of-reader-in-realm"),
        ({"REGISTRY_CLOUD": "aws", **PUSHER}, True, "AWS:session-of-pusher-in-realm"),
        (
            {"REGISTRY_CLOUD": "google", **PUSHER},
            True,
            "oauth2accesstoken:token-of-pusher-by-realm",
        ),
        ({"REGISTRY_CLOUD": "azure", **IDENTITY}, True, f"{NOBODY}:127-for-reader-of-realm"),
    ],
    ids=["password", "aws", "aws that pushes", "google that pushes", "azure, one for all"],
)
def test_registry_gets_the_login_that_variables_name(
    variables: Mapping[str, str], push: bool, expected: str, clouds: Runner
) -> None:
    ran = logged_in(clouds, variables, push)
    assert dict(ran.jobs) == {"login": "succeeded"}, ran.log
    assert login(clouds) == expected
    assert expected.partition(":")[2] not in ran.log
    assert not Path(clouds.environment["AZ_SESSION"]).exists()


def test_registry_of_this_host_takes_the_jobs_own_token(clouds: Runner) -> None:
    without = {key: text for key, text in SECRETS.items() if key != "REGISTRY_PASSWORD"}
    ran = logged_in(replace(clouds, secrets=without), {})
    assert dict(ran.jobs) == {"login": "succeeded"}, ran.log
    assert login(clouds) == f"robot:{SECRETS['GITHUB_TOKEN']}"


def test_cloud_that_is_not_known_is_named(clouds: Runner) -> None:
    ran = logged_in(clouds, {"REGISTRY_CLOUD": "gcp", **IDENTITY})
    assert dict(ran.jobs) == {"login": "failed"}
    assert "REGISTRY_CLOUD is gcp; it may be aws, google or azure" in ran.log
