"""One altered bit anywhere is found by `deliver check`, which names the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery.canonical import sha256
from delivery.check import check_whole
from delivery.errors import DeliveryError

from bench.gate.flips import unseen
from tests.delivery import containers, images
from tests.delivery.world import KUSTOMIZE_APP, World

HOLDOUT = f"apps/{KUSTOMIZE_APP}/holdout"
LABELS = f"{HOLDOUT}/labels.csv"


def findings(world: World) -> list[DeliveryError]:
    return check_whole(world.repository).findings


def other_labels(world: World) -> bytes:
    return (world.root / LABELS).read_bytes().replace(b",1.0\n", b",0.0\n", 1)


def test_no_flipped_bit_is_missed(world: World) -> None:
    assert list(unseen(world, 20)) == []


@pytest.mark.skipif(not containers.available(), reason="docker-registry is needed")
def test_no_bit_flipped_in_a_registry_is_missed(tmp_path: Path) -> None:
    with images.stocked(tmp_path) as stocked:
        assert list(unseen(stocked, 30, tmp_path)) == []


def test_committed_holdout_with_another_digest_is_found(world: World) -> None:
    world.change({LABELS: other_labels(world)})
    found = findings(world)
    assert [finding.code for finding in found] == ["holdout-altered"]
    assert LABELS in found[0].seen


@pytest.mark.parametrize("data", [b"row_id,label\n", None])
def test_holdout_altered_in_the_work_tree_is_found(world: World, data: bytes | None) -> None:
    world.write({LABELS: data})
    found = findings(world)
    assert [finding.code for finding in found] == ["work-tree-differs"]
    assert LABELS in found[0].seen


def test_holdout_that_is_drawn_again_is_no_fault(world: World) -> None:
    data, stated = other_labels(world), world.root / f"{HOLDOUT}.yaml"
    old = sha256((world.root / LABELS).read_bytes())
    world.write({LABELS: data, f"{HOLDOUT}.yaml": stated.read_text().replace(old, sha256(data))})
    assert findings(world) == []
    world.commit()
    assert findings(world) == []


def test_app_without_a_holdout_yet_is_no_fault(fresh: World) -> None:
    fresh.git("rm", "-r", "--quiet", HOLDOUT, f"{HOLDOUT}.yaml")
    fresh.commit()
    assert findings(fresh) == []


def test_record_before_an_altered_link_is_named(world: World) -> None:
    path = f"releases/dev/{KUSTOMIZE_APP}/records/0001.yaml"
    text = (world.root / path).read_text()
    world.change({path: text.replace("reason: test", "reason: rest")})
    found = findings(world)
    assert [finding.code for finding in found] == ["chain-broken"]
    assert "dev/0001" in found[0].seen
