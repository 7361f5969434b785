from __future__ import annotations

import shutil
import tarfile

import pytest
from delivery.local import debian

STARTED = 1_000_000_000


def kept(name: str, mtime: int = 5) -> tarfile.TarInfo | None:
    entry = tarfile.TarInfo(name)
    entry.mtime = mtime
    entry.uname = "root"
    return debian.trim(STARTED)(entry)


@pytest.mark.parametrize(
    "name",
    [
        "./usr/share/doc/perl/README",
        "./var/lib/apt/lists/partial",
        "./etc/hostname",
        "./etc/passwd-",
        "./dev/null",
    ],
)
def test_trim_leaves_out_what_no_server_reads(name: str) -> None:
    assert kept(name) is None


@pytest.mark.parametrize("name", [".", "./dev", "./var/log", "./usr/bin/python3", "./etc/passwd"])
def test_trim_keeps_programs_and_folders(name: str) -> None:
    assert kept(name) is not None


def test_trim_keeps_a_packages_time_and_drops_the_clock() -> None:
    from_package, made_now = kept("./a", mtime=5), kept("./b", mtime=STARTED + 1)
    assert from_package is not None
    assert made_now is not None
    assert (from_package.mtime, made_now.mtime, made_now.uname) == (5, 0, "")


@pytest.mark.skipif(not shutil.which("apt-get"), reason="asks apt")
def test_mirror_is_the_machines_own() -> None:
    found = debian.mirror()
    assert found.suite == debian.os_release()["VERSION_CODENAME"]
    assert found.url.startswith("http")
    assert found.key.startswith(f"{found.suite}-")
