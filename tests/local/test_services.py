from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery.errors import Refused
from delivery.local import daemons, services

from tests.local.sample import repository

HOST = "127.0.0.1"
with_registry = pytest.mark.skipif(
    not shutil.which("docker-registry"), reason="starts docker-registry"
)


@pytest.fixture
def served(root: Path) -> Iterator[Path]:
    repository(root, f"{HOST}:{daemons.free_port(HOST)}/acme")
    yield root
    services.stop(root, print)


@with_registry
def test_registry_answers_until_stopped(served: Path) -> None:
    services.main(served, print, only="registry")
    first = daemons.running(served, "registry")
    assert first
    services.main(served, print, only="registry")
    assert daemons.running(served, "registry") == first
    services.stop(served, print)
    assert not daemons.answers(f"{first.url}/v2/")


@with_registry
def test_registry_follows_a_changed_address(served: Path) -> None:
    services.main(served, print, only="registry")
    address = f"{HOST}:{daemons.free_port(HOST)}"
    services.main(repository(served, f"{address}/acme"), print, only="registry")
    assert daemons.answers(f"http://{address}/v2/")


@with_registry
def test_repositories_with_one_port_do_not_meet(served: Path, tmp_path: Path) -> None:
    services.main(served, print, only="registry")
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(served / "delivery.yaml", other)
    with pytest.raises(Refused, match="another program listens"):
        services.main(other, print, only="registry")
    services.stop(other, print)
    assert daemons.running(served, "registry")


def test_registry_elsewhere_is_left_alone(root: Path) -> None:
    said: list[str] = []
    services.main(repository(root, "ghcr.io/acme"), said.append, only="registry")
    assert "nothing to start" in said[0]


def test_registry_without_port_is_refused(root: Path) -> None:
    with pytest.raises(Refused, match="without a port"):
        services.main(repository(root, "localhost/acme"), print, only="registry")


def test_mlflow_without_environment_names_setup(root: Path) -> None:
    with pytest.raises(Refused) as refused:
        services.main(root, print, only="mlflow")
    assert refused.value.code == "not-set-up"


def test_mlflow_server_elsewhere_is_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example.org")
    said: list[str] = []
    services.main(root, said.append, only="mlflow")
    assert said == ["Models are registered at http://mlflow.example.org: nothing to start."]
