"""Without a container engine a promotion is previewed from what earlier verdicts recorded."""

from __future__ import annotations

from delivery.verbs.preview import preview

from tests.delivery.world import KUSTOMIZE_APP, World


def test_preview_compares_recorded_metrics(world: World) -> None:
    rows = {row["metric"]: row for row in preview(world.work, KUSTOMIZE_APP, "prod")}
    assert rows["roc_auc"]["candidate"] == "0.9900"
    assert rows["roc_auc"]["likely"] == "passes"


def test_preview_without_a_figure_cannot_tell(world: World) -> None:
    rows = {row["metric"]: row for row in preview(world.work, KUSTOMIZE_APP, "prod")}
    assert rows["brier"]["candidate"] == "unknown"
    assert rows["brier"]["likely"] == "cannot tell"
