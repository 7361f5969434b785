"""`deliver build` with a scanner and a signature, and `deliver release` of what has none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery.errors import DeliveryError, Refused
from delivery.git import Repository
from delivery.models.building import Built, build
from delivery.models.container import ContainerScorer
from delivery.models.engine import Engine
from delivery.models.outdated import unbuilt
from delivery.models.registry import Registry
from delivery.models.signing import Cosign
from delivery.models.training import train
from delivery.verbs.release import Tools, Wanted, release
from delivery.workplace import Workplace

from tests.delivery import containers, toys
from tests.delivery.cosign import Keys, make_keys, on_path
from tests.delivery.world import TODAY

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # MLflow's own
PODMAN = Engine("podman")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with on_path(), containers.machine() as found:
        yield found


@pytest.fixture
def keys(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:  # noqa: ARG001
    found = make_keys(tmp_path / "keys")
    found.give(monkeypatch)
    return found


@pytest.fixture
def toy(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository whose app is trained, of a registry on this machine."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DELIVER_BASE_IMAGE", "localhost/base:1")
    made = toys.make(tmp_path / "lab", toys.database(tmp_path))
    ask(made, toys.SETTINGS.replace("127.0.0.1:5000", address))
    settings, app = toys.read(made)
    train(made, settings, app, Registry.of(settings, made.root), lambda _: None)
    return made


def ask(toy: Repository, more: str, keys: Keys | None = None) -> None:
    """Commit lines of delivery.yaml, and the key that they name."""
    path = toy.root / "delivery.yaml"
    text = more if more.startswith("schema") else path.read_text() + more
    files: dict[str, str | bytes] = {"delivery.yaml": text}
    toys.commit(toy.root, files | ({} if keys is None else {"keys/cosign.pub": keys.public}))


def built(toy: Repository) -> Built:
    settings, app = toys.read(toy)
    registry = Registry.of(settings, toy.root)
    return build(toy, settings, app, registry, PODMAN, None, lambda _: None)


def waiting(toy: Repository) -> bool:
    """Return whether `deliver build --changed` would build the app."""
    settings, app = toys.read(toy)
    return bool(unbuilt([app], settings, Registry.of(settings, toy.root)))


def released(toy: Repository) -> str:
    """Return the name under which a release ends: the app has no manifests, so it never passes."""
    work = Workplace.open(toy.root)
    registry = Registry.of(work.settings, toy.root)
    tools = Tools(registry, PODMAN, ContainerScorer(PODMAN), TODAY)
    with pytest.raises(DeliveryError) as refused:
        release(work, ["toy"], tools, lambda _: None, Wanted(None, "test", None))
    return refused.value.code


def test_built_image_is_signed_and_an_unsigned_one_is_not_released(
    toy: Repository, keys: Keys
) -> None:
    first = built(toy)
    assert not waiting(toy)
    ask(toy, "signing: {public_key: keys/cosign.pub}\n", keys)
    assert released(toy) == "image-unsigned"
    assert waiting(toy)
    made = built(toy)
    assert not waiting(toy)
    assert made.image != first.image  # of another commit
    settings, app = toys.read(toy)
    signer = Cosign.of(settings, app.snapshot)
    assert signer is not None
    signer.require(made.image)
    assert released(toy) != "image-unsigned"


def test_image_that_the_scanner_refuses_is_not_pushed(toy: Repository, tmp_path: Path) -> None:
    (tmp_path / "scanner.py").write_text("import sys; sys.exit(f'bad: {sys.argv[1:]}')")
    ask(toy, f'scan: ["{sys.executable}", "{tmp_path}/scanner.py", "{{sbom}}", "{{image}}"]\n')
    with pytest.raises(Refused, match="image-vulnerable") as refused:
        built(toy)
    assert "sbom.cdx.json" in refused.value.seen
    registry = Registry.of(toys.read(toy)[0], toy.root)
    assert registry.find("toy", None).image is None
