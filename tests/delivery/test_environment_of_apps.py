from __future__ import annotations

import subprocess
import threading
import zipfile
from pathlib import Path

import pytest
from delivery.canonical import sha256
from delivery.errors import Unknown
from delivery.models.environment import FOLDER, MARKER, app_python


def wheel(folder: Path, version: str) -> bytes:
    """Return a lock of one tiny package, made here: no index is asked for it."""
    path = folder / f"gauge-{version}-py3-none-any.whl"
    info = f"gauge-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("gauge.py", f"VERSION = {version!r}\n")
        out.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: gauge\nVersion: {version}\n"
        )
        out.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        out.writestr(
            f"{info}/RECORD", f"gauge.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    return f"gauge @ {path.as_uri()} --hash={sha256(path.read_bytes())}\n".encode()


def gauge_in(python: Path) -> str:
    words = [str(python), "-c", "import gauge; print(gauge.VERSION)"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_two_apps_have_conflicting_versions_of_a_library(tmp_path: Path) -> None:
    old, new = wheel(tmp_path, "1.0"), wheel(tmp_path, "2.0")
    assert gauge_in(app_python(tmp_path, "one", old)) == "1.0"
    assert gauge_in(app_python(tmp_path, "two", new)) == "2.0"


def test_environment_is_made_once(tmp_path: Path) -> None:
    lock = wheel(tmp_path, "1.0")
    python = app_python(tmp_path, "one", lock)
    made = (python.parents[1] / MARKER).stat().st_mtime_ns
    assert app_python(tmp_path, "one", lock) == python
    assert (python.parents[1] / MARKER).stat().st_mtime_ns == made


def test_half_made_environment_is_made_anew(tmp_path: Path) -> None:
    lock = wheel(tmp_path, "1.0")
    python = app_python(tmp_path, "one", lock)
    (python.parents[1] / MARKER).unlink()
    next(python.parents[1].glob("lib/*/site-packages/gauge.py")).unlink()
    assert gauge_in(app_python(tmp_path, "one", lock)) == "1.0"


def test_package_with_another_hash_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    lock = wheel(tmp_path, "1.0")
    wheel(tmp_path, "1.0").decode()
    (tmp_path / "gauge-1.0-py3-none-any.whl").write_bytes(b"other bytes")
    with pytest.raises(Unknown) as refused:
        app_python(tmp_path, "one", lock)
    assert refused.value.code == "environment-failed"
    assert not list((tmp_path / FOLDER).glob(f"*/{MARKER}"))


def test_package_without_a_hash_is_refused(tmp_path: Path) -> None:
    lock = wheel(tmp_path, "1.0").split(b" --hash")[0] + b"\n"
    with pytest.raises(Unknown, match="environment-failed"):
        app_python(tmp_path, "one", lock)


def test_two_at_once_make_one_environment(tmp_path: Path) -> None:
    lock, found = wheel(tmp_path, "1.0"), []
    calls = [
        threading.Thread(target=lambda: found.append(app_python(tmp_path, "one", lock)))
        for _ in range(2)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert len(set(found)) == 1
    assert gauge_in(found[0]) == "1.0"
