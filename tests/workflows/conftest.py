"""A repository on a Git host, with an image that answers, and a runner of its workflows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from tests.delivery import containers
from tests.delivery.hosted import ROBOT, Hosted, host_world, populate
from tests.delivery.world import World, bake
from tests.githost import GitHost, githost
from tests.jenkins.piping import Jenkins
from tests.workflows.acting import Runner
from tests.workflows.answering import deliver_first

SECRETS = {
    "REGISTRY_PASSWORD": "canary-registry-5b1f",
    "MLFLOW_TRACKING_PASSWORD": "canary-mlflow-77e0",
    "COSIGN_PRIVATE_KEY": "canary-cosign-key-90aa",
    "COSIGN_PASSWORD": "canary-cosign-password-12cd",
    "GITHUB_TOKEN": "canary-github-4c2e",
}
"""What no log, comment or page may hold."""
NAMES = (f"models-{number}" for number in count(1))


@dataclass(frozen=True)
class Place:
    """A repository before it is on a host, and what a runner of its workflows finds."""

    world: World
    address: str
    """Of the image registry."""
    settings: dict[str, str]
    """For containers."""
    packages: Path
    """A `.venv` of its locks, which its jobs share: each of its own would take seconds more."""


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One with a release in dev."""
    folder = tmp_path_factory.mktemp("workflows")
    with containers.machine() as address:
        world = World(bake(folder, registry=f"{address}/acme"))
        deliver_first(world, folder, address)
        kept = {key: value for key, value in os.environ.items() if key.startswith("CONTAINERS_")}
        yield Place(world, address, kept, set_up(world, folder / "set-up"))


def set_up(world: World, folder: Path) -> Path:
    """Return the `.venv` that `make setup` makes in a clone of a repository."""
    world.git("clone", "--quiet", str(world.root), str(folder))
    words = ["make", "--no-print-directory", "setup"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return folder / ".venv"


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    with githost(tmp_path_factory.mktemp("gitea") / "data") as found:
        populate(found)
        yield found


@pytest.fixture
def hosted(place: Place, gitea: GitHost, tmp_path: Path) -> Hosted:
    return host_world(gitea, place.world.copy(tmp_path / "repository"), next(NAMES))


@pytest.fixture
def runner(place: Place, hosted: Hosted, tmp_path: Path) -> Runner:
    return hosted_runner(place, hosted, tmp_path)


def hosted_runner(place: Place, hosted: Hosted, folder: Path) -> Runner:
    """Return what runs workflows with the Git host's token."""
    origin = f"{hosted.githost.url}/{hosted.repository}.git"
    found = runner_of(place, hosted.world.root, origin, folder)
    return replace(
        found, environment={**found.environment, "GITEA_TOKEN": hosted.githost.tokens[ROBOT]}
    )


def runner_of(place: Place, root: Path, origin: str, folder: Path) -> Runner:
    """Return what runs workflows of a work tree where `docker` is podman."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "docker").symlink_to(shutil.which("podman") or "podman")
    environment = {
        **place.settings,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(Path.home()),
        "DELIVER_ENGINE": "podman",
        "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
        "ORIGIN": origin,
        "PACKAGES": str(place.packages),
        "PAGES": str(folder / "pages"),
        "KEPT": str(folder / "kept"),
    }
    variables = {"REGISTRY_HOST": place.address, "REGISTRY_ACCOUNT": "robot"}
    return Runner(root, folder / "act", environment, variables, SECRETS)


@pytest.fixture
def jenkins(hosted: Hosted, runner: Runner, tmp_path: Path) -> Jenkins:
    environment = {**runner.environment, "REGISTRY_HOST": runner.variables["REGISTRY_HOST"]}
    credentials = {
        "registry": ["robot", "canary-jenkins-registry-31f0"],
        "mlflow": ["robot", "canary-jenkins-mlflow-9e1d"],
        "git": ["robot", "canary-jenkins-git-7a4b"],
        "git-host": environment.pop("GITEA_TOKEN"),
        "argocd": "canary-jenkins-argocd-2c5d",
    }
    folder = tmp_path / "jenkins"
    where = hosted.world.root, folder, environment["ORIGIN"]
    # What Test runs takes minutes, and tests of baked repositories run it.
    return Jenkins(*where, environment, credentials, ["Test"])
