"""`containers`: the settings that podman and buildah need on this machine, as files of their own.

So no other tool has to know them. Docker needs none: it takes 127.0.0.1 for a plain-HTTP registry
by itself, and its daemon has its own settings.
See: containers.conf(5), containers-storage.conf(5), containers-registries.conf(5).
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
from pathlib import Path

from ..environment import cache_home, home, write_env
from ..process import run
from . import engines, facts
from .venv import Say

FOLDER = ".local/containers"
FILES = {
    "CONTAINERS_CONF": "containers.conf",
    "CONTAINERS_STORAGE_CONF": "storage.conf",
    "CONTAINERS_REGISTRIES_CONF": "registries.conf",
}
CAP_SYS_RESOURCE = 24  # linux/capability.h
RUN_ROOT_CHARACTERS = 50


def main(root: Path, say: Say) -> None:
    """Write the files that this machine needs, and name them in `.env`."""
    texts = {} if engines.answers("docker") else wanted(facts.read(root).local_registry)
    folder = root / FOLDER
    variables: dict[str, str | None] = dict.fromkeys([*FILES, "BUILDAH_ISOLATION"])
    for variable, name in FILES.items():
        if name in texts:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(texts[name], encoding="utf-8")
            variables[variable] = str(folder / name)
    if "containers.conf" in texts:
        variables["BUILDAH_ISOLATION"] = "chroot"
    write_env(root, variables)
    if texts:
        say(f"Wrote {', '.join(texts)} for podman and buildah to {FOLDER}, as .env says.")
    else:
        say("Containers need no settings of their own on this machine.")


def wanted(local_registry: str | None) -> dict[str, str]:
    """Return the files that this machine needs, by name; an ordinary one needs at most the last."""
    texts = {}
    settings = container_settings()
    if settings:
        texts["containers.conf"] = settings
        texts["storage.conf"] = storage_settings()
    if local_registry:
        texts["registries.conf"] = registry_settings(local_registry)
    return texts


def container_settings() -> str:
    """Return what differs from podman's defaults: none where systemd runs and limits may rise."""
    engine, containers = [], []
    if os.geteuid() == 0 and not Path("/run/systemd/system").exists():  # sd_booted(3)
        engine += ['cgroup_manager = "cgroupfs"', 'events_logger = "file"']
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists() and shutil.which("runc"):
        engine.append('runtime = "runc"')  # crun refuses some machines' version 1 control groups
    if os.geteuid() == 0 and not _may_raise_limits():
        limits = ", ".join(f'"{name}={limit}:{limit}"' for name, limit in _hard_limits())
        containers.append(f"default_ulimits = [{limits}]")
    sections = (("engine", engine), ("containers", containers))
    return "\n".join("\n".join([f"[{name}]", *lines, ""]) for name, lines in sections if lines)


def storage_settings() -> str:
    """Return a store in the cache, whose layers outlive a repository."""
    store = cache_home() / "containers"
    store.mkdir(parents=True, exist_ok=True)
    kind = run("stat", "--file-system", "--format", "%T", store).text
    # An overlay cannot lie upon another, which is what a container's own root often is.
    driver = "vfs" if kind.startswith("overlay") else "overlay"
    roots = f'graphroot = "{store}/storage"\nrunroot = "{run_root(store)}"\n'
    return f'[storage]\ndriver = "{driver}"\n{roots}'


def run_root(store: Path) -> Path:
    """Return the folder for running containers' state, of at most 50 characters.

    With a longer one podman cannot clean up after a container, and waits 20 s each time.
    """
    near = store / "run"
    if len(str(near)) <= RUN_ROOT_CHARACTERS:
        return near
    key = hashlib.sha256(str(store).encode()).hexdigest()[:12]
    short = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"  # noqa: S108 - podman makes its own below
    return Path(short, f"deliver-{os.getuid()}-{key}")


def registry_settings(local_registry: str) -> str:
    """Return the settings in force with one addition: the local registry speaks plain HTTP."""
    places = (home() / ".config/containers", Path("/etc/containers"))
    files = (place / "registries.conf" for place in places)
    before = next((path.read_text(encoding="utf-8") for path in files if path.exists()), "")
    return f'{before}\n[[registry]]\nlocation = "{local_registry}"\ninsecure = true\n'


def _may_raise_limits() -> bool:
    status = Path("/proc/self/status")
    text = status.read_text(encoding="utf-8") if status.exists() else "CapEff: ffffffffff"
    effective = int(text.partition("CapEff:")[2].split()[0], 16)
    return bool(effective >> CAP_SYS_RESOURCE & 1)


def _hard_limits() -> list[tuple[str, int]]:
    """Return the most open files and processes that a container may ask for here."""
    kinds = (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))
    hard = [(name, resource.getrlimit(kind)[1]) for name, kind in kinds]
    return [(name, limit if 0 < limit < 4096 else 4096) for name, limit in hard]
