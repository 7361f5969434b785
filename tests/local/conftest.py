from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.sample import repository


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose cache and home are its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DELIVER_BASE_IMAGE", raising=False)
    return repository(tmp_path / "repository")


@pytest.fixture
def no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any program on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
