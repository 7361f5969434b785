"""`release --changed`: each app has its own turn."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from delivery.verbs import release

from tests.delivery.growing import say
from tests.delivery.world import KUSTOMIZE_APP, World


def test_sources_that_no_release_is_made_of_are_told_in_their_apps_own_turn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for what changed is for all apps, and fails for none of them."""
    current = world.line("dev").current
    assert current is not None
    monkeypatch.setattr(release, "_image", lambda *_, **__: current.record.release.image)
    tools = Mock()
    assert KUSTOMIZE_APP not in release.changed(world.work, tools, say)
    (world.root / f"apps/{KUSTOMIZE_APP}/deploy/more.yaml").symlink_to("/etc/hostname")
    world.commit()
    assert KUSTOMIZE_APP in release.changed(world.work, tools, say)
