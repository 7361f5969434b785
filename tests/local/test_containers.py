from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from delivery.environment import read_env, write_env
from delivery.local import containers

from tests.local.sample import repository


@pytest.mark.usefixtures("root")
def test_local_registry_is_added_to_the_users_own_settings() -> None:
    own = Path.home() / ".config/containers/registries.conf"
    own.parent.mkdir(parents=True)
    own.write_text('[[registry]]\nlocation = "mirror.example.org"\n')
    settings = tomllib.loads(containers.registry_settings("127.0.0.1:5000"))
    assert settings["registry"] == [
        {"location": "mirror.example.org"},
        {"location": "127.0.0.1:5000", "insecure": True},
    ]


def test_settings_are_files_that_env_names(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    containers.main(root, print)
    variables = read_env(root)
    assert "CONTAINERS_REGISTRIES_CONF" in variables
    for name in set(variables) - {"BUILDAH_ISOLATION"}:
        tomllib.loads(Path(variables[name]).read_text())


def test_storage_lies_in_the_cache(root: Path) -> None:
    storage = tomllib.loads(containers.storage_settings())["storage"]
    assert storage["graphroot"] == str(root.parent / "cache/deliver/containers/storage")
    assert storage["driver"] in ("overlay", "vfs")


def test_public_registry_leaves_no_stale_setting(root: Path) -> None:
    repository(root, "ghcr.io/acme")
    write_env(root, {"CONTAINERS_REGISTRIES_CONF": "/old", "MINE": "1"})
    containers.main(root, print)
    variables = read_env(root)
    assert variables["MINE"] == "1"
    assert "CONTAINERS_REGISTRIES_CONF" not in variables


def test_run_root_is_short_wherever_the_cache_is(tmp_path: Path) -> None:
    assert containers.run_root(Path("/c")) == Path("/c/run")
    deep = tmp_path / ("deep" * 20)
    assert len(str(containers.run_root(deep))) <= containers.RUN_ROOT_CHARACTERS
    assert containers.run_root(deep) == containers.run_root(deep)
