"""Made-up models in a repository's registry of models, which is real."""

from __future__ import annotations

from delivery.canonical import sha256
from delivery.models.registry import Registry, TrainingRun

from tests.delivery.world import KUSTOMIZE_APP, World


def register(world: World, *numbers: int, app: str = KUSTOMIZE_APP) -> None:
    """Register a version for each number, with the digest that the world's releases state."""
    register_digests(
        world, *(sha256(f"model {app} {number}".encode()) for number in numbers), app=app
    )


def register_digests(world: World, *digests: str, app: str = KUSTOMIZE_APP) -> None:
    """Register a version for each digest."""
    registry = Registry.of(world.work.settings, world.root)
    made_of = dict.fromkeys(("commit", "code", "lock", "server", "data"), "")
    run = TrainingRun(
        {}, {}, {}, **made_of, rows=b"", payload={}, conversion="", conversion_reason=""
    )
    for digest in digests:
        registry.register(app, {"model.pkl": b"model"}, digest, run)
