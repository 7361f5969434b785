"""A line that is stopped, and windows that are shut, stop all but a rollback."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from delivery.errors import Refused
from delivery.moving import require_moving
from delivery.settings import Settings

from tests.delivery.world import NOW, World

STOPPED = '    stopped: "false alarms in two clinics"\n'
SHUT = '    windows:\n      - {kind: deny, schedule: "0 9 * * mon", duration: 2h}\n'
IN_SHUT, AFTER = NOW, datetime(2026, 3, 2, 11, 1, tzinfo=UTC)


def say_in(world: World, environment: str, text: str) -> None:
    """Merge lines into an environment of delivery.yaml."""
    path = world.root / "delivery.yaml"
    head, name, rest = path.read_text().partition(f"  - name: {environment}\n")
    path.write_text(head + name + text + rest)
    world.git("commit", "--quiet", "--all", "--message", "Change delivery.yaml")


def settings(world: World) -> Settings:
    return world.work.settings


def test_stopped_environment_is_refused_with_its_reason(world: World) -> None:
    say_in(world, "prod", STOPPED)
    with pytest.raises(Refused, match=r"line-stopped: .*two clinics"):
        require_moving(settings(world).environment("prod"), NOW)
    require_moving(settings(world).environment("staging"), NOW)


def test_frozen_environment_is_refused_until_its_window_lets_go(world: World) -> None:
    say_in(world, "prod", SHUT)
    prod = settings(world).environment("prod")
    with pytest.raises(Refused) as refusal:
        require_moving(prod, IN_SHUT)
    assert refusal.value.code == "frozen"
    assert "until 2026-03-02 11:00" in refusal.value.seen
    assert refusal.value.next_step == "call again after 2026-03-02T11:00Z"
    require_moving(prod, AFTER)


@pytest.mark.parametrize(("text", "code"), [(STOPPED, "line-stopped"), (SHUT, "frozen")])
def test_promotion_begun_before_is_refused_by_check(text: str, code: str, world: World) -> None:
    branch = world.promote("prod").branch
    say_in(world, "prod", text)
    assert code in world.codes(branch)


def test_promotion_is_accepted_once_the_window_lets_go(world: World) -> None:
    branch = world.promote("prod").branch
    say_in(world, "prod", SHUT)
    assert world.check(branch, now=AFTER).findings == []


@pytest.mark.parametrize("text", [STOPPED, SHUT])
def test_rollback_passes(text: str, world: World) -> None:
    world.merge(world.promote("prod"))
    say_in(world, "prod", text)
    assert world.codes(world.rollback("prod").branch) == set()


def test_resume_waits_until_the_line_moves(world: World) -> None:
    world.merge(world.promote("prod"))
    world.merge(world.rollback("prod"))
    say_in(world, "prod", STOPPED)
    assert world.codes(world.resume("prod").branch) == {"line-stopped"}
