"""Images made of one program, without a container engine."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

from . import programs

PAUSE = "ml-gitops.local/pause:1"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def pause(path: Path) -> None:
    """Write the archive, as `docker save` does, of the image that holds a pod's namespaces."""
    layer, config = of(programs.build(programs.PAUSE) / "pause")
    parts = [{"Config": "config.json", "RepoTags": [PAUSE], "Layers": ["layer.tar"]}]
    content = {
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
        "manifest.json": json.dumps(parts).encode(),
    }
    path.write_bytes(_tar(content))


def of(program: Path) -> tuple[bytes, dict[str, Any]]:
    """Return layer and configuration of an image that runs a static program as user 1000."""
    layer = _tar({program.name: program.read_bytes()})
    config = {
        "architecture": ARCHITECTURE,
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "1000"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    return layer, config


def _tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
