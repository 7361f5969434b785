"""Whether `check --images` sees what is altered, gone or other in a real registry, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from delivery.check import Report, check_images
from delivery.gate.scoring import ScoringError
from delivery.models.building import labels_for
from delivery.models.layers import Layer, model_files
from delivery.models.stored import stored
from delivery.records import Release

from tests.delivery import containers, images
from tests.delivery.images import Stocked, layer, put_manifest, stored_blob
from tests.delivery.judged import identity, model
from tests.delivery.world import KUSTOMIZE_APP, World

pytestmark = pytest.mark.skipif(not containers.available(), reason="docker-registry is needed")

LABEL = "io.deliver.scoring"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stocked, Path]]:
    """Delivered releases whose images are in a registry, and its folder. Not to be changed."""
    folder = tmp_path_factory.mktemp("stocked")
    with images.stocked(folder) as world:
        yield world, folder


@pytest.fixture
def world(shelf: tuple[Stocked, Path], tmp_path: Path) -> Stocked:
    return shelf[0].copy(tmp_path / "repository")


def check(world: World) -> tuple[Report, list[str]]:
    said: list[str] = []
    with stored() as registries:
        return check_images(world.repository, registries, lambda text: said.append(text)), said


def release(world: World) -> Release:
    return world.line("prod").entries[0].record.release


def manifest(image: str) -> dict[str, Any]:
    """Return an image's manifest, as its registry gives it."""
    repository, digest = image.rsplit("@", 1)
    address, _, name = repository.partition("/")
    url = f"http://{address}/v2/{name}/manifests/{digest}"
    accept = {"Accept": f"{images.OCI}.manifest.v1+json"}
    found: dict[str, Any] = httpx.get(url, headers=accept).raise_for_status().json()
    return found


def test_sound_images_pass_and_each_is_read_once(world: Stocked) -> None:
    found, said = check(world)
    assert found.findings == []
    assert found.exit_code == 0
    assert len(said) == len(set(said)) == 2  # five records name two images


def parts(image: str) -> dict[str, str]:
    """Return the digest of each kind of an image's parts."""
    content = manifest(image)
    first, last = (one["digest"] for one in content["layers"])
    config = content["config"]["digest"]
    return {"manifest": image.rsplit("@")[1], "configuration": config, "base": first, "own": last}


@pytest.mark.parametrize("kind", ["manifest", "configuration", "base", "own"])
def test_altered_part_is_named(kind: str, shelf: tuple[Stocked, Path], world: Stocked) -> None:
    digest = parts(release(world).image)[kind]
    path = stored_blob(shelf[1], digest)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:])
    try:
        found = check(world)[0]
    finally:
        path.write_bytes(whole)
    first = found.findings[0]
    assert (first.code, found.exit_code) == ("image-altered", 1)
    assert digest in first.seen
    assert f"{KUSTOMIZE_APP} dev/0001, prod/0001, staging/0001: " in first.seen
    assert len(found.findings) == (2 if kind == "base" else 1)  # both images have it


@pytest.mark.parametrize("kind", ["manifest", "configuration", "base", "own"])
def test_part_that_is_gone_cannot_be_told(
    kind: str, shelf: tuple[Stocked, Path], world: Stocked
) -> None:
    digest = parts(release(world).image)[kind]
    path = stored_blob(shelf[1], digest)
    path.rename(path.with_name("away"))
    try:
        found = check(world)[0]
    finally:
        path.with_name("away").rename(path)
    assert {one.code for one in found.findings} == {"image-gone"}
    assert digest in found.findings[0].seen
    assert found.exit_code == 3


def test_silent_registry_cannot_be_told(world: Stocked) -> None:
    records = world.root / f"releases/dev/{KUSTOMIZE_APP}/records"
    address = release(world).image.partition("/")[0]
    for path in records.glob("*.yaml"):
        path.write_text(path.read_text().replace(address, "127.0.0.1:9"))
    world.commit()
    codes = {one.code for one in check(world)[0].findings}
    assert "registry-unreachable" in codes


def other(world: Stocked, labels: Mapping[str, str], files: Mapping[str, bytes | str]) -> Report:
    """Return what is found where a release's image has other labels, or another model folder."""
    made = world.make(7, KUSTOMIZE_APP)
    held = model(b"7")
    folder: dict[str, bytes | str] = {f"model/{name}": data for name, data in held.files.items()}
    folder |= {"model/model.json": identity(held).dump(), **files}
    stated = made.model.model_copy(update={"digest": held.digest})
    own = {**labels_for(KUSTOMIZE_APP, stated, made.built_from), **labels}
    image = images.push(world.work.settings.image(KUSTOMIZE_APP), [layer(folder)], own)
    world.merge(world.release_of(images.of_image(made, image, held.digest)))
    return check(world)[0]


OTHER: dict[str, tuple[dict[str, str], dict[str, bytes | str], str]] = {
    "another model": ({}, {"model/model.pkl": b"other"}, "image-other-model"),
    "one file more": ({}, {"model/more.pkl": b"more"}, "model-unexpected-file"),
    "a link for a file": ({}, {"model/model.pkl": "/etc/passwd"}, "model-unexpected-file"),
    "a link for the folder": ({}, {"model": "/etc"}, "model-unexpected-file"),
    "another commit": ({"org.opencontainers.image.revision": "f" * 40}, {}, "image-other-labels"),
    "another code": ({"io.deliver.code": "none"}, {}, "image-other-labels"),
    "another protocol": ({LABEL: "99"}, {}, "scoring-protocol-unknown"),
}


@pytest.mark.parametrize("what", OTHER)
def test_image_that_is_not_what_its_release_states_is_named(what: str, world: Stocked) -> None:
    labels, files, code = OTHER[what]
    found = other(world, labels, files)
    assert [one.code for one in found.findings] == [code]
    assert found.findings[0].seen.startswith(f"{KUSTOMIZE_APP} dev/0003: ")
    assert found.exit_code == 1


def test_image_as_its_release_states_passes(world: Stocked) -> None:
    assert other(world, {}, {}).findings == []


def test_each_platform_of_an_image_is_read(world: Stocked) -> None:
    made = world.make(8, KUSTOMIZE_APP)
    repository, digest = made.image.rsplit("@", 1)
    address, _, name = repository.partition("/")
    size = len(httpx.get(f"http://{address}/v2/{name}/manifests/{digest}").content)
    one = {"mediaType": f"{images.OCI}.manifest.v1+json", "digest": digest, "size": size}
    content = {"schemaVersion": 2, "mediaType": f"{images.OCI}.index.v1+json", "manifests": [one]}
    with httpx.Client() as client:
        index = put_manifest(client, f"http://{address}/v2/{name}", content)
    whole = images.of_image(made, f"{repository}@{index}", made.model.digest)
    world.merge(world.release_of(whole))
    assert check(world)[0].findings == []


FILE = {"model/a": b"1"}
LAYERS: dict[str, tuple[list[Layer], dict[str, bytes]]] = {
    "a later file wins": ([Layer(FILE), Layer({"model/a": b"2"})], {"a": b"2"}),
    "a file is taken away": (
        [Layer({**FILE, "model/b": b"1"}), Layer(gone=frozenset({"model/a"}))],
        {"b": b"1"},
    ),
    "the folder is emptied and filled": (
        [Layer(FILE), Layer({"model/b": b"2"}, frozenset({"model"}))],
        {"b": b"2"},
    ),
    "a file in place of a folder": (
        [Layer({"model/a/b": b"1"}), Layer({"model/a": b"2"})],
        {"a": b"2"},
    ),
    "all is taken away, then begun anew": (
        [Layer(FILE), Layer(gone=frozenset({""})), Layer({"model/c": b"3"})],
        {"c": b"3"},
    ),
}


@pytest.mark.parametrize("what", LAYERS)
def test_layers_lie_over_each_other(what: str) -> None:
    layers, expected = LAYERS[what]
    assert model_files(layers) == expected


def test_layers_without_a_model_have_none() -> None:
    with pytest.raises(ScoringError, match="model-incomplete"):
        model_files([Layer(FILE), Layer(gone=frozenset({"model"}))])
