"""Autoscalers: what they scale is theirs alone, between bounds that make sense."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .objects import Kind, KubernetesObject, Problem, mapping

AUTOSCALER = Kind("autoscaling", "HorizontalPodAutoscaler")


def autoscaling(items: Sequence[KubernetesObject]) -> Iterator[Problem]:
    """Yield autoscalers whose bounds cross, and what they scale where it states a number itself."""
    for item in items:
        if item.kind == AUTOSCALER:
            spec = mapping(item.data.get("spec"))
            yield from _bounds(item, spec)
            wanted = mapping(spec.get("scaleTargetRef"))
            for one in items:
                if (one.kind.kind, one.name) == (wanted.get("kind"), wanted.get("name")):
                    yield from _counted(one)


def _bounds(item: KubernetesObject, spec: Mapping[str, Any]) -> Iterator[Problem]:
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if isinstance(least, int) and isinstance(most, int) and not 1 <= least <= most:
        yield Problem(
            "autoscaler-bounds",
            item.where,
            f"it keeps between {least} and {most} pods",
            "An autoscaler keeps at least one pod, and its minimum is no more than its maximum.",
            "state both in the overlay (docs/scaling.md)",
        )


def _counted(target: KubernetesObject) -> Iterator[Problem]:
    stated = mapping(target.data.get("spec")).get("replicas")
    if stated is not None:
        yield Problem(
            "two-counts",
            target.where,
            f"spec.replicas is {stated}, and an autoscaler scales it",
            "Argo CD would set the number of pods back whenever the autoscaler changed it.",
            "take `replicas` out of base and overlay, or the autoscaler (docs/scaling.md)",
        )
