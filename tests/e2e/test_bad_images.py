"""Images that are gone, that hang, or whose registry is: real containers, a real registry."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from delivery.models.contract import ModelFiles
from delivery.models.engine import Engine
from delivery.records import Release

from tests.delivery import containers
from tests.delivery.images import of_image
from tests.delivery.judged import identity
from tests.delivery.world import KUSTOMIZE_APP, World, bake
from tests.e2e.user import User, interrupt
from tests.workflows.answering import model

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("containers")]

PROMOTE = ("promote", KUSTOMIZE_APP, "--to", "staging", "--reason", "because")
HANGS = 'ENTRYPOINT ["/bin/sh", "-c", "while :; do :; done"]\n'
DOCKERFILE = f"FROM localhost/base:1\nCOPY model /model\n{HANGS}"


@dataclass(frozen=True)
class Place:
    """A repository whose dev runs an image that hangs when it is asked, and its registry."""

    world: World
    image: str
    address: str


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("images")
    with containers.machine() as address:
        world = World(bake(folder, registry=f"{address}/acme"))
        files = model(world)
        image = pushed(folder, f"{address}/acme/{KUSTOMIZE_APP}", files)
        world.merge(world.release_of(release(world, image, files.digest)))
        yield Place(world, image, address)


def pushed(folder: Path, name: str, files: ModelFiles) -> str:
    """Return the image, by digest, that carries a model and hangs."""
    context = folder / "context"
    files.write(context / "model", identity(files))
    (context / "Dockerfile").write_text(DOCKERFILE)
    engine = Engine("podman")
    built = engine.build(context, "localhost/base:1", {"io.deliver.scoring": "1"}, {})
    return engine.push(built, name)


def release(world: World, image: str, digest: str) -> Release:
    """Return a made-up release of a real image."""
    return of_image(world.make(1, KUSTOMIZE_APP), image, digest)


@pytest.fixture
def user(place: Place, tmp_path: Path) -> User:
    world = place.world.copy(tmp_path / "repository")
    kept = {k: v for k, v in os.environ.items() if k.startswith(("CONTAINERS_", "BUILDAH_"))}
    (world.root / ".env").write_text("".join(f"{key}={value}\n" for key, value in kept.items()))
    return User(world.root, place.world.root, tmp_path / "tmp")


def podman(*words: str) -> str:
    done = subprocess.run(["podman", *words], check=False, capture_output=True, text=True)
    return done.stdout.strip()


def test_interrupted_promotion_leaves_nothing(user: User) -> None:
    before = user.state()
    process = user.start(*PROMOTE)
    answer = interrupt(process, lambda: "deliver-score-" in podman("ps", "--format={{.Names}}"))
    assert answer.status == 130
    assert "Traceback" not in answer.err
    assert podman("ps", "--all", "--quiet") == ""
    assert user.state() == before


def gone(place: Place) -> None:
    """Take the image out of the registry's store and of this machine's."""
    podman("image", "rm", "--force", place.image)
    store = Path(os.environ["CONTAINERS_CONF"]).parent / "images"
    links = list(store.rglob("_manifests/revisions/sha256/*/link"))
    assert links
    for link in links:
        link.unlink()


def test_image_that_is_gone_is_named(place: Place, user: User) -> None:
    gone(place)
    before = user.state()
    answer = user.deliver(*PROMOTE)
    answer.refuses("gate-failed", 1)
    assert "(image-gone)" in answer.said[0]
    assert user.state() == before


def test_silent_registry_is_named(place: Place, user: User) -> None:
    world = World(user.root)
    settings = (world.root / "delivery.yaml").read_text()
    world.change({"delivery.yaml": settings.replace(place.address, "127.0.0.1:9")})
    image = place.image.replace(place.address, "127.0.0.1:9")
    digest = world.line("dev").entries[0].record.release.model.digest
    world.merge(world.release_of(release(world, image, digest)))
    before = user.state()
    answer = user.deliver(*PROMOTE)
    answer.refuses("registry-unreachable", 3)
    assert "make services" in answer.said[1]
    assert user.state() == before
