"""A base image of the distribution's own packages, for machines that reach no image registry."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused
from ..process import run

# minbase's python3 has neither pip nor ensurepip: python3-venv brings them.
PACKAGES = ("python3", "python3-venv", "ca-certificates")
# What no server reads (documentation, caches), and what tells this machine from another.
LEFT_OUT = (
    *("dev/", "proc/", "run/", "sys/", "tmp/", "var/log/", "var/cache/", "var/lib/apt/lists/"),
    *("usr/share/doc/", "usr/share/info/", "usr/share/locale/", "usr/share/man/"),
    *("usr/share/lintian/", "var/lib/systemd/", "debootstrap/"),
)
LEFT_OUT_FILES = ("etc/hostname", "etc/resolv.conf", "etc/.pwd.lock", "var/lib/dpkg/status-old")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Mirror:
    """Where this machine gets its own packages: the suite, the URL, the processor architecture."""

    suite: str
    url: str
    architecture: str

    @property
    def key(self) -> str:
        """Name what a base is made of."""
        made_of = f"{self.architecture} {PACKAGES} {LEFT_OUT} {LEFT_OUT_FILES}"
        return f"{self.suite}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def mirror() -> Mirror:
    """Return the mirror that the machine's own apt uses; raises Refused where apt names none."""
    columns = "$(RELEASE) $(REPO_URI) $(ARCHITECTURE) $(COMPONENT)"
    answer = run(
        "apt-get", "indextargets", "--format", columns, "Created-By: Packages", check=False
    )
    release = os_release().get("VERSION_CODENAME", "")
    for line in answer.text.splitlines():
        suite, url, architecture, component = line.split()[:4]
        if suite == release and component == "main":
            return Mirror(suite, url, architecture)
    raise Refused(
        "no-debian-mirror",
        f"apt names no source for the packages of `{release}`.",
        "Without an image registry the base image is made of the distribution's packages.",
        "set DELIVER_BASE_IMAGE in .env to an image with Python that this machine has",
    )


def os_release() -> dict[str, str]:
    """Return what /etc/os-release says; nothing on a system without it."""
    path = Path("/etc/os-release")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def make_archive(source: Mirror, name: str, target: Path) -> None:
    """Write an image archive, as `docker save` does, that holds a minimal Debian with Python."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="deliver-base-") as folder:
        tree, layer, whole = (Path(folder, part) for part in ("tree", "layer.tar", "image.tar"))
        started = int(time.time())
        include = f"--include={','.join(PACKAGES)}"
        run("debootstrap", "--variant=minbase", include, source.suite, tree, source.url)
        with tarfile.open(layer, "w") as out:
            out.add(tree, arcname=".", filter=trim(started))
        with tarfile.open(whole, "w") as out:
            _describe(out, source, name, layer)
        partial = target.with_suffix(f".{os.getpid()}")
        run("cp", whole, partial)
        partial.replace(target)


def trim(started: int) -> Callable[[tarfile.TarInfo], tarfile.TarInfo | None]:
    """Return the filter that makes two trees of the same packages the same bytes.

    Files that came from a package keep its time, so that the standard library's bytecode stays
    valid; what was made since `started` (seconds since 1970) gets the time 0.
    """

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        path = entry.name.removeprefix("./")
        if path.startswith(LEFT_OUT) or path in LEFT_OUT_FILES or path.endswith("-"):
            return None
        if entry.mtime >= started:
            entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    return kept


def _describe(out: tarfile.TarFile, source: Mirror, name: str, layer: Path) -> None:
    with layer.open("rb") as data:
        diff = hashlib.file_digest(data, "sha256").hexdigest()
    created = "1970-01-01T00:00:00Z"
    config = {
        "architecture": source.architecture,
        "os": "linux",
        "created": created,
        "config": {"Env": [PATH], "Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
        "history": [{"created": created, "created_by": f"debootstrap {source.suite}"}],
    }
    parts = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    out.add(layer, arcname="layer.tar", filter=trim(0))
    for path, content in (("config.json", config), ("manifest.json", parts)):
        data_bytes = json.dumps(content).encode()
        entry = tarfile.TarInfo(path)
        entry.size = len(data_bytes)
        out.addfile(entry, io.BytesIO(data_bytes))
