"""The rules of main follow from delivery.yaml."""

from __future__ import annotations

import pytest
from delivery.errors import UsageError
from delivery.settings import Settings
from delivery.verbs.protect import rules_for, told

from tests.delivery.growing import deliver
from tests.delivery.world import World


@pytest.mark.parametrize(
    ("approvals", "needs"), [((0, 1, 2), 0), ((1, 1, 2), 1), ((2, 2, 2), 1), ((0, 0, 0), 0)]
)
def test_host_is_asked_for_no_more_than_a_rollback_may_need(
    approvals: tuple[int, ...], needs: int, baked: World
) -> None:
    data = baked.work.settings.model_dump(by_alias=True)
    for environment, count in zip(data["environments"], approvals, strict=True):
        environment["approvals"] = count
    assert rules_for(Settings.model_validate(data), ("pass",)).approvals == needs


def test_dry_run_prints_the_rules_without_a_token(baked: World) -> None:
    done = deliver(baked, "protect", "--dry-run", "--require", "verdict")
    assert done.returncode == 0, done.stderr
    printed = [line.removeprefix("would be: ") for line in done.stdout.splitlines()]
    assert printed == told(rules_for(baked.work.settings, ("verdict",)), baked.work.settings)
    assert "required checks: verdict" in done.stdout


@pytest.mark.parametrize(
    ("kind", "what"),
    [("github", "have to approve"), ("gitea", "are asked, and `deliver approvals`")],
)
def test_owners_are_told_as_the_host_takes_them(kind: str, what: str, baked: World) -> None:
    data = baked.work.settings.model_dump(by_alias=True)
    data["host"] = {"kind": kind, "api": "https://git.acme.io/api/v1"}
    settings = Settings.model_validate(data)
    assert any(what in line for line in told(rules_for(settings, ("pass",)), settings))


def test_application_is_for_github_alone(baked: World) -> None:
    data = baked.work.settings.model_dump(by_alias=True)
    data["host"] = {"kind": "gitea", "api": "https://git.acme.io/api/v1"}
    with pytest.raises(UsageError, match="host-settings"):
        rules_for(Settings.model_validate(data), ("pass",), 15368)
