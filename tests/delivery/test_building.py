from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from delivery.canonical import sha256
from delivery.errors import Refused, Unknown, UsageError
from delivery.git import Repository
from delivery.models.building import Built, build, built_from, labels_for
from delivery.models.container import ContainerScorer
from delivery.models.context import (
    base_image,
    build_secrets,
    image_sources,
    pip_settings,
    write_context,
)
from delivery.models.engine import Engine
from delivery.models.files import read_files
from delivery.models.registry import ModelVersion, Registry
from delivery.models.training import train
from delivery.verbs.release import Tools, Wanted, release
from delivery.workplace import Workplace

from tests.delivery import containers, toys
from tests.delivery.judged import identity, model
from tests.delivery.world import TODAY

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys.database(tmp_path_factory.mktemp("mlflow"))


@pytest.fixture
def toy(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DELIVER_BASE_IMAGE", raising=False)
    return toys.make(tmp_path / "lab", database)


def trained(repository: Repository) -> ModelVersion:
    settings, app = toys.read(repository)
    registry = Registry.of(settings, repository.root)
    return train(repository, settings, app, registry, lambda _: None).model


def built(repository: Repository, engine: str = "podman", address: str | None = None) -> Built:
    settings, app = toys.read(repository)
    if address is not None:
        settings = settings.model_copy(update={"registry": f"{address}/lab"})
    registry = Registry.of(settings, repository.root)
    by = Engine("buildah" if engine == "buildah" else "podman")
    return build(repository, settings, app, registry, by, None, lambda _: None)


def test_build_before_training_is_refused(toy: Repository) -> None:
    with pytest.raises(Refused, match="no-model"):
        built(toy)


def test_commit_that_is_not_on_main_is_not_built(toy: Repository) -> None:
    toys.git(toy.root, "switch", "--quiet", "--create", "idea")
    toys.commit(toy.root)
    with pytest.raises(Refused, match="not-on-main"):
        built(toy)


def test_commit_that_was_not_pushed_is_not_built(toy: Repository) -> None:
    toys.git(toy.root, "update-ref", "refs/remotes/origin/main", "HEAD")
    toys.commit(toy.root)
    with pytest.raises(Refused, match="not-on-main"):
        built(toy)


@pytest.mark.parametrize(
    ("path", "what"), [("lab/toy/model.py", "model code"), ("apps/toy/requirements.lock", "lock")]
)
def test_model_of_other_sources_is_not_built(path: str, what: str, toy: Repository) -> None:
    trained(toy)
    toys.commit(toy.root, {path: (toy.root / path).read_text() + "\n"})
    with pytest.raises(Refused, match="model-not-of-main") as refused:
        built(toy)
    assert what in refused.value.seen


@pytest.mark.parametrize("version", ["newest", "by its number"])
def test_model_of_other_locks_is_not_released(version: str, toy: Repository) -> None:
    found = trained(toy)
    number = found.version if version == "by its number" else None
    path = "apps/toy/requirements.lock"
    toys.commit(toy.root, {path: (toy.root / path).read_text() + "\n"})
    work = Workplace.open(toy.root)
    registry = Registry.of(work.settings, toy.root)
    tools = Tools(registry, Engine("podman"), ContainerScorer(Engine("podman")), TODAY)
    with pytest.raises(Refused, match=r"model-not-of-main: .* with other locks than main"):
        release(work, ["toy"], tools, lambda _: None, Wanted(number, "test", None))


def test_pickle_that_is_no_longer_allowed_is_not_built(toy: Repository) -> None:
    trained(toy)
    text = toys.APP.replace("allow: [pickle]\n", "")
    toys.commit(toy.root, {"apps/toy/app.yaml": text})
    with pytest.raises(Refused, match="payload-runs-code"):
        built(toy)


@pytest.mark.parametrize("name", ["DELIVER_BASE_IMAGE", "Dockerfile"])
def test_base_that_cannot_be_had_is_named(
    name: str, toy: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(toy)
    podman = tmp_path / "bin/podman"
    podman.parent.mkdir()
    podman.write_text("#!/bin/sh\necho 'dial tcp: connection refused' >&2\nexit 125\n")
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", f"{podman.parent}:{os.environ['PATH']}")
    if name != "Dockerfile":
        monkeypatch.setenv(name, "localhost/nope:1")
    with pytest.raises(Unknown, match=f"no-base-image: .* that {name} names") as found:
        built(toy)
    assert "make base" in found.value.next_step


def test_context_has_the_lock_of_its_model(toy: Repository, tmp_path: Path) -> None:
    _, app = toys.read(toy)
    write_context(tmp_path, app.snapshot, b"{}", model(), identity(model()))
    assert (tmp_path / "requirements.lock").read_bytes() == model().files["requirements.lock"]


def test_altered_model_is_not_built(toy: Repository) -> None:
    trained(toy)
    payload = next((toy.root / ".local/mlflow/artifacts").glob("**/model.pkl"))
    payload.write_bytes(b"other")
    with pytest.raises(Refused, match="model-altered"):
        built(toy)


def test_context_is_the_same_for_whoever_writes_it(toy: Repository, tmp_path: Path) -> None:
    _, app = toys.read(toy)
    found = []
    for name, mask in (("one", 0o022), ("two", 0o077)):
        folder = tmp_path / name
        folder.mkdir()
        before = os.umask(mask)
        write_context(folder, app.snapshot, b"{}", model(), identity(model()))
        os.umask(before)
        paths = sorted(folder.rglob("*"))
        stats = [(p.relative_to(folder), p.stat().st_mode, p.stat().st_mtime) for p in paths]
        found.append((stats, [p.read_bytes() for p in paths if p.is_file()]))
    assert found[0] == found[1]


def test_base_is_the_dockerfiles_unless_the_machine_names_one(
    toy: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, app = toys.read(toy)
    assert base_image(app.snapshot) == "scratch"
    monkeypatch.setenv("DELIVER_BASE_IMAGE", "localhost/base:1")
    assert base_image(app.snapshot) == "localhost/base:1"


def test_dockerfile_without_a_base_is_refused(toy: Repository) -> None:
    toys.commit(toy.root, {"Dockerfile": "FROM scratch\n"})
    with pytest.raises(UsageError, match="no-base-image"):
        base_image(toys.read(toy)[1].snapshot)


def test_pip_settings_follow_pips_precedence(tmp_path: Path) -> None:
    (tmp_path / ".config/pip").mkdir(parents=True)
    text = "[global]\nindex-url = https://one.example.com/simple\ntimeout = 5\ncolour = red\n"
    (tmp_path / ".config/pip/pip.conf").write_text(text)
    found = pip_settings({"PIP_TIMEOUT": "9"}, tmp_path)
    assert found["index-url"] == "https://one.example.com/simple"
    assert found["timeout"] == "9"
    assert "colour" not in found


def test_secret_is_for_the_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:word@one.example.com/simple")
    authority = tmp_path / "ca.crt"
    authority.write_text("certificate")
    monkeypatch.setenv("PIP_CERT", str(authority))
    secrets = build_secrets(tmp_path)
    assert secrets["ca"] == authority
    assert secrets["pipconf"].stat().st_mode & 0o777 == 0o600
    assert "cert = /run/secrets/ca.crt" in secrets["pipconf"].read_text()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a registry; podman has a base image `base:1`."""
    with containers.machine() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_built_image_says_what_it_was_made_of(
    engine: str, address: str, toy: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVER_BASE_IMAGE", "localhost/base:1")
    version = trained(toy)
    made = built(toy, engine, address)
    assert made.image.startswith(f"{address}/lab/toy@sha256:")
    assert built_from(Engine("podman"), made.image) == made.built_from
    assert made.built_from.commit == toy.resolve("HEAD")
    assert made.built_from.lock == sha256(toys.LOCK)
    found = Registry.of(toys.read(toy)[0], toy.root).find("toy", None)
    sources = image_sources(toy.snapshot("HEAD"))
    assert replace(version, image=made.image, image_sources=sources) == found


@pytest.mark.slow
def test_image_carries_the_model_that_was_trained(
    address: str, toy: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVER_BASE_IMAGE", "localhost/base:1")
    trained(toy)
    made = built(toy, "podman", address)
    files = ContainerScorer(Engine("podman")).model(made.image)
    kept = Registry.of(toys.read(toy)[0], toy.root).download(made.model)
    assert {name: data for name, data in files.items() if name != "model.json"} == kept
    again = built(toy, "podman", address)
    assert again.image == made.image


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_image_holds_the_list_that_its_label_names(
    engine: str, address: str, toy: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVER_BASE_IMAGE", "localhost/base:1")
    trained(toy)
    made = built(toy, engine, address)
    podman = Engine("podman")
    podman.pull(made.image)
    labels = podman.labels(made.image)
    (sbom,) = read_files(podman, made.image, ["/sbom.cdx.json"]).values()
    assert labels["io.deliver.sbom"] == sha256(sbom)
    assert labels["org.opencontainers.image.source"] == "https://git.example.com/lab.git"
    assert labels["org.opencontainers.image.base.name"] == "localhost/base:1"
    (listed,) = (c for c in json.loads(sbom)["components"] if c["bom-ref"] == "model")
    assert {one["name"]: one["value"] for one in listed["properties"]} == labels_for(
        "toy", made.model, made.built_from
    )


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_files_of_an_image_are_read_without_starting_it(
    engine: Literal["podman", "buildah"],
    address: str,  # noqa: ARG001 - has the image
) -> None:
    by = Engine(engine)
    found = read_files(by, "localhost/base:1", ["/bin/sh", "/bin/none", "/bin"])
    assert list(found) == ["/bin/sh"]
    assert found["/bin/sh"].startswith(b"\x7fELF")


@pytest.mark.slow
def test_image_of_others_is_refused(address: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    podman = Engine("podman")
    made = podman.build(tmp_path, "localhost/base:1", {}, {})
    image = podman.push(made, f"{address}/lab/other")
    with pytest.raises(Refused, match="image-not-ours"):
        built_from(podman, image)
