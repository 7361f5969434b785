from __future__ import annotations

import shutil
from pathlib import Path

import delivery
import pytest
from delivery.errors import UsageError
from delivery.local import venv

LOCK = Path(delivery.__file__).with_name("requirements.lock")
UV_CACHE = Path.home() / ".cache" / "uv"


@pytest.fixture
def lock(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UV_CACHE_DIR", str(UV_CACHE))
    path = root / "small.lock"
    path.write_text(venv._pin(LOCK, "flit-core"))
    return path


def compiled(target: Path) -> Path:
    [found] = target.glob("lib/python3*/site-packages/flit_core/__pycache__/buildapi.*.pyc")
    return found


def test_environment_is_made_once(root: Path, lock: Path) -> None:
    target, uv = root / ".venv", venv.uv(LOCK)
    assert venv.make(target, [lock], uv)
    assert not venv.make(target, [lock], uv)
    assert compiled(target).stat().st_size > 0


def test_next_environment_gets_the_same_bytecode(root: Path, lock: Path) -> None:
    uv = venv.uv(LOCK)
    for name in ("one", "two"):
        venv.make(root / name, [lock], uv)
    assert compiled(root / "one").stat().st_ino == compiled(root / "two").stat().st_ino


def test_environment_follows_its_lock(root: Path, lock: Path) -> None:
    target, uv = root / ".venv", venv.uv(LOCK)
    venv.make(target, [lock], uv)
    lock.write_text(venv._pin(LOCK, "pyyaml"))
    assert venv.make(target, [lock], uv)
    assert not list(target.glob("lib/*/site-packages/flit_core"))
    assert list(target.glob("lib/*/site-packages/yaml"))


@pytest.mark.slow
def test_uv_is_installed_from_the_lock_when_path_lacks_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if shutil.which("uv"):
        pytest.skip("the system has uv of its own")
    found = venv.uv(LOCK)
    assert found.is_relative_to(root.parent / "cache")
    assert venv.uv(LOCK) == found


@pytest.mark.usefixtures("no_programs")
def test_uv_that_no_lock_pins_is_refused(root: Path) -> None:
    lock = root / "requirements.lock"
    lock.write_text("pyyaml==6.0.2\n")
    with pytest.raises(UsageError, match=r"requirements\.lock does not pin uv"):
        venv.uv(lock)
