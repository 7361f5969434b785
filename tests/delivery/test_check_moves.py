"""What the verbs write passes every rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery.check import check_whole
from delivery.errors import Refused
from delivery.verbs.status import status

from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World


def passes(world: World, branch: str) -> bool:
    report = world.check(branch)
    assert [finding.lines() for finding in report.findings] == []
    return report.exit_code == 0


@pytest.mark.parametrize("app", [KUSTOMIZE_APP, HELM_APP])
def test_release_and_promotions_pass(fresh: World, app: str) -> None:
    proposal = fresh.release(1, app)
    assert passes(fresh, proposal.branch)
    fresh.merge(proposal)
    for environment in ("staging", "prod"):
        proposal = fresh.promote(environment, app)
        assert passes(fresh, proposal.branch)
        fresh.merge(proposal)
    assert check_whole(fresh.repository).exit_code == 0


def test_change_of_a_holdout_without_its_digest_is_refused(fresh: World) -> None:
    path = f"apps/{HELM_APP}/holdout/labels.csv"
    altered = (fresh.root / path).read_text().replace("1", "2", 1)
    fresh.git("switch", "--quiet", "--create", "labels")
    fresh.write({path: altered})
    fresh.commit()
    assert fresh.codes("labels") == {"holdout-altered"}


def test_empty_releases_are_valid(fresh: World) -> None:
    assert check_whole(fresh.repository).exit_code == 0


def test_rollback_restores_manifests_byte_for_byte(world: World) -> None:
    folder = f"releases/prod/{KUSTOMIZE_APP}/manifests"
    before = world.git("rev-parse", f"HEAD:{folder}")
    world.merge(world.promote("prod"))
    assert world.git("rev-parse", f"HEAD:{folder}") != before
    proposal = world.rollback("prod")
    assert passes(world, proposal.branch)
    world.merge(proposal)
    assert world.git("rev-parse", f"HEAD:{folder}") == before


def test_hold_refuses_promotion_until_resume(world: World) -> None:
    world.merge(world.promote("prod"))
    world.merge(world.rollback("prod"))
    with pytest.raises(Refused, match="on-hold"):
        world.promote("prod")
    proposal = world.resume("prod")
    assert passes(world, proposal.branch)
    world.merge(proposal)
    again = world.promote("prod")
    assert passes(world, again.branch)


def test_withdrawn_release_goes_no_further(world: World) -> None:
    world.merge(world.rollback("staging"))
    world.merge(world.resume("staging"))
    with pytest.raises(Refused, match="nothing-to-promote"):
        world.promote("prod")
    with pytest.raises(Refused, match="withdrawn"):
        world.rollback("staging", to=2)


def test_changed_overlay_waits_for_render(world: World) -> None:
    path = f"overlays/prod/{KUSTOMIZE_APP}/kustomization.yaml"
    before = world.git("rev-parse", "HEAD:releases")
    world.change({path: (world.root / path).read_text().replace("count: 3", "count: 4")})
    assert world.git("rev-parse", "HEAD:releases") == before
    [proposal] = world.render("prod", KUSTOMIZE_APP)
    assert proposal.steps[0].record.kind == "configure"
    assert passes(world, proposal.branch)


def test_changed_chart_moves_only_what_is_released(both_delivered: World, tmp_path: Path) -> None:
    world = both_delivered.copy(tmp_path / "repository")
    before = world.git("rev-parse", "HEAD:releases")
    path = "charts/model-server/templates/service.yaml"
    world.change({path: (world.root / path).read_text().replace("port: 80", "port: 81")})
    assert world.git("rev-parse", "HEAD:releases") == before
    world.merge(world.release(1, HELM_APP))
    changed = world.git("diff", "--name-only", "HEAD~1").splitlines()
    assert all(path.startswith(f"releases/dev/{HELM_APP}/") for path in changed)
    assert f"releases/dev/{HELM_APP}/manifests/service-{HELM_APP}.yaml" in changed


def test_component_is_pinned_and_goes_live_by_a_release(world: World) -> None:
    app, overlay = f"apps/{KUSTOMIZE_APP}/app.yaml", f"overlays/dev/{KUSTOMIZE_APP}"
    listed = "components:\n  - ../../../components/gpu\n"
    files = {app: "components: [gpu]\n", f"{overlay}/kustomization.yaml": listed}
    world.change({path: (world.root / path).read_text() + text for path, text in files.items()})
    notes = [row["note"] for row in status(world.work) if row["app"] == KUSTOMIZE_APP]
    assert f"configure pending: deliver release {KUSTOMIZE_APP}" in notes[0]
    proposal = world.release(1)
    assert "components/gpu" in proposal.steps[0].record.release.sources
    assert passes(world, proposal.branch)
    world.merge(proposal)
    path = "components/gpu/deployment.yaml"
    world.change({path: (world.root / path).read_text().replace("4Gi", "8Gi")})
    assert passes(world, world.release(1).branch)


def test_several_apps_in_one_change_pass(both_delivered: World, tmp_path: Path) -> None:
    world = both_delivered.copy(tmp_path / "repository")
    world.deliver_to("staging", 2, HELM_APP)
    proposals = [world.promote("prod"), world.promote("prod", HELM_APP)]
    world.git("switch", "--quiet", "--create", "both", "main")
    for proposal in proposals:
        world.git("cherry-pick", proposal.commit)
    assert passes(world, "both")


def test_same_step_twice_is_refused(world: World) -> None:
    world.promote("prod")
    with pytest.raises(Refused, match="branch-exists"):
        world.promote("prod")


def test_gpu_for_an_image_without_cuda_is_refused(world: World) -> None:
    world.deliver_to("dev", 1, HELM_APP)
    world.git("switch", "--quiet", "--create", "gpu")
    world.change({f"overlays/dev/{HELM_APP}/values.yaml": "gpu: true\n"})
    assert world.codes("gpu") == {"gpu-image-missing"}
    world.git("switch", "--quiet", "main")
    world.git("merge", "--quiet", "gpu")
    with pytest.raises(Refused, match="gpu-image-missing") as refused:
        world.render("dev", HELM_APP)
    assert "`accelerator: gpu`" in refused.value.next_step
    app = f"apps/{HELM_APP}/app.yaml"
    world.change({app: (world.root / app).read_text() + "accelerator: gpu\n"})
    with pytest.raises(Refused, match="gpu-image-missing"):  # of the image that was built before
        world.render("dev", HELM_APP)
    assert passes(world, world.release(2, HELM_APP).branch)
