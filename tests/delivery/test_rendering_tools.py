from __future__ import annotations

from pathlib import Path

import pytest
from delivery.errors import Unknown
from delivery.rendering import find_tools
from delivery.rendering.tools import call
from delivery.settings import Renderer

PIN = Renderer(kustomize="5.8.1", helm="3.22.0")


def program(folder: Path, name: str, answer: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def test_kubectl_of_another_version_is_named_with_the_next_step() -> None:
    with pytest.raises(Unknown) as caught:
        _ = find_tools(PIN.model_copy(update={"kustomize": "5.0.0"})).kubectl
    assert caught.value.code == "wrong-renderer"
    assert "kustomize 5.0.0" in caught.value.seen
    assert "has 5.8.1" in caught.value.seen
    assert "make tools" in caught.value.next_step


def test_helm_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Unknown, match="none was found"):
        _ = find_tools(PIN.model_copy(update={"helm": "3.99.0"})).helm


def test_helm_in_the_cache_is_used_where_the_one_on_path_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "path", "helm", "v3.1.0")
    mine = program(tmp_path / "deliver/bin", "helm-3.22.0", "v3.22.0")
    monkeypatch.setenv("PATH", f"{tmp_path}/path:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert find_tools(PIN).helm == mine


def test_program_sees_nothing_of_the_users_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELM_DRIVER_SQL_CONNECTION_STRING", "secret")
    seen = call(Path("/usr/bin/env"), cwd=tmp_path).text
    assert "secret" not in seen
    assert f"HOME={tmp_path}" in seen.splitlines()
