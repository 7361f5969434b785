"""The template's own Dockerfile on a real base: what is in an image, and that it comes out again.

The packages are those of a model in ONNX. Slow: Debian is unpacked and pip fills an image, twice.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from delivery.canonical import sha256
from delivery.git import Repository
from delivery.local import base as local_base
from delivery.local import debian
from delivery.models.context import build_secrets, write_context
from delivery.models.contract import LOCK, ModelFiles
from delivery.models.engine import Engine
from delivery.models.files import read_files
from delivery.models.sbom import compose
from delivery.models.system import read_system
from packaging.utils import canonicalize_name

from tests.delivery import containers, toys
from tests.delivery.judged import identity, model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (containers.available() and shutil.which("debootstrap")),
        reason="makes a Debian, builds on it and pushes it",
    ),
]
PODMAN = Engine("podman")
LOCKS = [
    toys.TEMPLATE / "delivery/server/onnx.lock",
    *sorted(toys.TEMPLATE.glob("apps/*/requirements.lock")),
]
ABSENT = {"pip", "setuptools", "mlflow", "pandas", "onnx", "skl2onnx", "scikit-learn", "scipy"}
WITH_PIP = """\
ARG BASE
FROM ${BASE}
ENV PYTHON_VERSION=3.11.2
RUN mkdir -p /usr/local/lib/python3.11/site-packages/pip && touch /usr/local/bin/pip3
"""
"""A base as python:slim is: it has an installer of its own, and says which Python it has."""
SEEN = """\
import importlib.metadata as found, json, os, sys
names = sorted([one.name, one.version] for one in found.distributions())
writes = not sys.dont_write_bytecode
print(json.dumps({"packages": names, "user": os.getuid(), "writes bytecode": writes}))
"""


@dataclass(frozen=True)
class Shop:
    """A store of podman's with a Debian base image, and a registry."""

    address: str
    base: str
    repository: Repository

    @cached_property
    def files(self) -> ModelFiles:
        """A model that carries the lock of ONNX's server."""
        lock = (toys.TEMPLATE / "delivery/server/onnx.lock").read_bytes()
        made = model()
        return ModelFiles({**made.files, LOCK: lock}, made.signature)

    def build(self, sbom: bytes) -> str:
        """Return the name, by digest, of an image that was built and pushed."""
        with tempfile.TemporaryDirectory() as folder:
            context, private = Path(folder, "context"), Path(folder, "private")
            for path in (context, private):
                path.mkdir()
            files, snapshot = self.files, self.repository.snapshot("HEAD")
            write_context(context, snapshot, sbom, files, identity(files))
            labels = {"io.deliver.sbom": sha256(sbom)}
            made = PODMAN.build(context, self.base, labels, build_secrets(private))
        return PODMAN.push(made, f"{self.address}/lab/app")

    def sbom(self) -> bytes:
        """Return the list of what such an image holds."""
        lock = self.files.files[LOCK]
        return compose("app", "1", {}, self.files, lock, read_system(PODMAN, self.base))


@contextmanager
def opened(repository: Repository) -> Iterator[Shop]:
    """Yield a store that has nothing but the base, and a registry that has nothing at all."""
    source = debian.mirror()
    name = f"{local_base.OURS}:{source.key}"
    archive = local_base.archive(name)  # before the store, and so the cache, is another
    if not archive.exists():
        debian.make_archive(source, name, archive)
    with containers.machine() as address:
        subprocess.run(["podman", "load", "--quiet", "--input", archive], check=True)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Dockerfile").write_text(WITH_PIP)
            base = PODMAN.build(Path(folder), name, {}, {})
        yield Shop(address, base, repository)


@dataclass(frozen=True)
class Made:
    """An image while the store that it is in is there."""

    shop: Shop
    image: str
    sbom: bytes

    @cached_property
    def listed(self) -> dict[str, set[tuple[str, str]]]:
        """Names and versions of packages on its list, by the kind of package."""
        found: dict[str, set[tuple[str, str]]] = {}
        for one in json.loads(self.sbom)["components"]:
            kind = one.get("purl", "").partition("/")[0].removeprefix("pkg:")
            found.setdefault(kind, set()).add((one["name"], one.get("version", "")))
        return found

    def run(self, *words: str, check: bool = True) -> str:
        """Return what a program of the image prints, started as Kubernetes does."""
        program, *rest = words
        limits = ["--rm", "--network=none", "--read-only", "--cap-drop=ALL"]
        command = ["podman", "run", *limits, f"--entrypoint={program}", self.image, *rest]
        return subprocess.run(command, check=check, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with the template's Dockerfile and server."""
    root = tmp_path_factory.mktemp("image") / "repository"
    shutil.copytree(toys.TEMPLATE / "delivery/server", root / "delivery/server")
    shutil.copy(toys.TEMPLATE / "Dockerfile", root)
    toys.git(root, "init", "--quiet", "--initial-branch=main")
    toys.commit(root)
    return Repository(root)


@pytest.fixture(scope="module")
def made(repository: Repository) -> Iterator[Made]:
    with opened(repository) as shop:
        sbom = shop.sbom()
        yield Made(shop, shop.build(sbom), sbom)


def test_same_inputs_give_the_same_digest_from_a_warm_cache_and_a_cold_one(made: Made) -> None:
    warm = made.shop.build(made.shop.sbom())
    with opened(made.shop.repository) as cold:
        again = cold.build(cold.sbom())
    digest = made.image.rsplit("@", 1)[1]
    assert warm.endswith(digest)
    assert again.endswith(digest)


def test_image_holds_what_its_list_says_and_no_installer(made: Made) -> None:
    seen = json.loads(made.run("/opt/venv/bin/python", "-c", SEEN))
    packages = {(canonicalize_name(name), version) for name, version in seen["packages"]}
    assert packages == made.listed["pypi"]
    assert not ABSENT & {name for name, _ in packages}
    assert made.run("/usr/bin/find", "/usr/local", "-name", "pip*") == ""
    assert seen["user"] == 10001
    assert not seen["writes bytecode"]


def test_list_has_the_packages_and_the_python_of_the_base(made: Made) -> None:
    shown = made.run("/usr/bin/dpkg-query", "--show", "--showformat=${Package} ${Version}\n")
    assert {tuple(line.split()) for line in shown.splitlines()} == made.listed["deb"]
    found = read_system(PODMAN, made.shop.base)
    assert made.run("/opt/venv/bin/python", "-V").split()[1] == found.python
    assert made.listed["generic"] == {("python", found.python)}
    assert found.distribution == "debian"


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
@pytest.mark.parametrize("lock", LOCKS, ids=[path.parent.name for path in LOCKS])
def test_lock_has_wheels_for_each_processor(lock: Path, processor: str, tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    platform = f"--python-platform={processor}-manylinux_2_28"
    words = ["pip", "install", "--dry-run", platform, "--python-version=3.11", "--require-hashes"]
    words += ["--only-binary=:all:", f"--target={tmp_path}", f"--requirements={lock}"]
    subprocess.run([uv, *words], check=True, capture_output=True)


def test_image_holds_its_list_and_nothing_that_its_user_may_write(made: Made) -> None:
    path = "/sbom.cdx.json"
    assert read_files(PODMAN, made.image, [path]) == {path: made.sbom}
    words = ["/app", "/model", "/opt", path, "-writable", "-not", "-type", "l"]
    assert made.run("/usr/bin/find", *words) == ""
