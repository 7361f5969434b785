"""Containers for tests: a store, a registry and a base image of their own."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from delivery.local.containers import (
    FILES,
    container_settings,
    registry_settings,
    storage_settings,
)

DEADLINE_S = 20


@contextmanager
def machine() -> Iterator[str]:
    """Yield a registry's address; podman keeps its store beside it, with a base image `base:1`.

    The folder's path is short: with a runroot of more than 50 characters podman cannot clean up
    after a container, and waits 20 s for it each time.
    """
    if not available():
        pytest.skip("podman and docker-registry are needed")
    with tempfile.TemporaryDirectory(prefix="dlv-", dir="/tmp") as name:
        yield from _machine(Path(name))


def _machine(folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, registry(folder) as address:
        for name, value in settings(folder, address).items():
            patch.setenv(name, value)
        base = shell_base(folder)
        subprocess.run(["podman", "import", "--quiet", base, "localhost/base:1"], check=True)
        try:
            yield address
        finally:
            clear(os.environ, folder)


def settings(folder: Path, address: str) -> dict[str, str]:
    """Return the variables by which podman and buildah keep everything in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        store = storage_settings()
    texts = {
        "containers.conf": _apart(container_settings(), folder),
        "storage.conf": store,
        "registries.conf": registry_settings(address),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    found = {variable: str(folder / name) for variable, name in FILES.items()}
    return {**found, "BUILDAH_ISOLATION": "chroot"}


def _apart(text: str, folder: Path) -> str:
    """Return settings with a folder for podman's running state, which all its stores share."""
    own = f'[engine]\ntmp_dir = "{folder}/libpod"\n'
    return text.replace("[engine]\n", own) if "[engine]\n" in text else own + text


@contextmanager
def registry(folder: Path, more: str = "") -> Iterator[str]:
    """Yield the address of a registry that keeps its images in a folder; `more` is of its file."""
    address = f"127.0.0.1:{_free_port()}"
    config = folder / "registry.yml"
    store = f'storage: {{filesystem: {{rootdirectory: "{folder}/images"}}}}'
    config.write_text(f'version: 0.1\n{store}\nhttp: {{addr: "{address}"}}\n{more}')
    with (folder / "registry.log").open("w") as log:
        words = ["docker-registry", "serve", str(config)]
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            _wait(f"http://{address}/")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=DEADLINE_S)


def shell_base(folder: Path) -> Path:
    """Return an archive of a file system with nothing in it but a shell and its libraries."""
    shell = Path(shutil.which("sh") or "/bin/sh").resolve()
    listed = subprocess.run(["ldd", shell], check=True, capture_output=True, text=True).stdout
    path = folder / "base.tar"
    with tarfile.open(path, "w") as archive:
        _add(archive, "bin/sh", shell.read_bytes())
        for library in re.findall(r"(/\S+)", listed):
            _add(archive, library.lstrip("/"), Path(library).resolve().read_bytes())
    return path


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o755
    archive.addfile(member, io.BytesIO(data))


def clear(environment: Mapping[str, str], folder: Path) -> None:
    """Remove what podman keeps in a folder; `podman system reset` would hit other stores too."""
    for words in (["rm", "--all", "--force", "--time=0"], ["rmi", "--all", "--force"]):
        subprocess.run(["podman", *words], env=environment, check=True, capture_output=True)
    for driver in folder.glob("deliver/containers/storage/overlay"):
        subprocess.run(["umount", driver], check=False, capture_output=True)


def available() -> bool:
    """Return whether this machine can build, keep and run images."""
    return all(shutil.which(name) for name in ("podman", "docker-registry", "ldd"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - of 127.0.0.1
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            os.sched_yield()
