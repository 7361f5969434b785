"""`base`: the image that the Dockerfile starts from, where its public default cannot be had."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ..environment import cache_home, write_env
from ..errors import Refused
from ..process import run
from . import debian, engines
from .venv import Say

VARIABLE = "DELIVER_BASE_IMAGE"
OURS = "localhost/deliver-base"


def main(root: Path, say: Say) -> None:
    """Leave `.env` naming a base image that is on this machine, or nothing if none is needed."""
    chosen = _chosen()
    if chosen:
        say(f"{VARIABLE} is set to {chosen}: nothing to do.")
        return
    public = public_default(root)
    if engines.registry_answers(engines.registry_host(public)):
        write_env(root, {VARIABLE: None})
        say(f"The base image {public.partition('@')[0]} can be pulled: nothing to do.")
        return
    say("No image registry can be reached: the base image is made of Debian's packages.")
    name = _local(say)
    write_env(root, {VARIABLE: name})
    say(f"The base image is {name}, as .env says.")


def needs_debootstrap(root: Path) -> bool:
    """Whether the base image has to be made here, and what makes it is not on this machine."""
    if shutil.which("debootstrap") or _chosen():
        return False
    return not engines.registry_answers(engines.registry_host(public_default(root)))


def public_default(root: Path) -> str:
    """Return the image that the Dockerfile names as its default base."""
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^ARG BASE=(\S+)", text, re.MULTILINE)
    return found.group(1).strip("\"'") if found else "python"


def archive(name: str) -> Path:
    """Return where the cache keeps the archive of a base image."""
    return cache_home() / "base" / f"{name.rpartition(':')[2]}.tar"


def _chosen() -> str:
    """Return the base image that the user set, or nothing."""
    chosen = os.environ.get(VARIABLE, "")
    return "" if chosen.startswith(f"{OURS}:") else chosen


def _local(say: Say) -> str:
    """Return the name of the image made here, in the store of the program that builds images."""
    builder = engines.first(engines.BUILDERS)
    if builder is None:
        raise Refused(
            "no-image-builder",
            "neither docker, podman nor buildah answers.",
            "An image is built by one of them.",
            "run `make machine`",
        )
    source = debian.mirror()
    name = f"{OURS}:{source.key}"
    if not _has(builder, name):
        if not archive(name).exists():
            _check_may_bootstrap()
            say(f"Installing {source.suite} with Python into a folder; this takes a minute.")
            debian.make_archive(source, name, archive(name))
        _load(builder, name)
    return name


def _has(builder: str, name: str) -> bool:
    return run(builder, "inspect", "--type", "image", name, check=False).code == 0


def _load(builder: str, name: str) -> None:
    if builder == "buildah":
        run("buildah", "pull", f"docker-archive:{archive(name)}")
    else:
        run(builder, "load", "--input", archive(name))


def _check_may_bootstrap() -> None:
    if os.geteuid() == 0 and shutil.which("debootstrap"):
        return
    raise Refused(
        "no-base-image",
        "no image registry answers, and debootstrap, which only root may run, is not at hand.",
        "The image of a model starts from one with Python.",
        f"run `make machine base` as root, or set {VARIABLE} in .env to an image that is here",
    )
