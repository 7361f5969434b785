"""`machine`: the programs that must be on the system before anything else can work."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused
from ..process import run
from . import base, engines, facts
from .venv import Say

APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-q")
# What podman needs beside itself where apt must not bring a desktop's worth of recommendations.
PODMAN = ("podman", "runc", "containernetworking-plugins", "iptables")


@dataclass(frozen=True)
class Need:
    """Something that the machine must have: what for, and the packages that bring it."""

    what: str
    packages: tuple[str, ...]


def main(root: Path, say: Say) -> None:
    """Return when nothing is missing; as root on Debian what is missing is installed first."""
    missing = needs(root)
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = _packages(missing)
        say(f"Missing: {_list(missing)}. Installing {' '.join(packages)} with apt.")
        install(packages)
        missing = needs(root)
    if missing:
        raise Refused(
            "machine-lacks",
            f"this machine lacks {_list(missing)}.",
            "These come from the system, not from the repository.",
            _line(_packages(missing)),
        )
    say("This machine has all system packages that the repository needs.")


def needs(root: Path) -> list[Need]:
    """Return what is missing."""
    found = []
    if not shutil.which("git"):
        found.append(Need("git", ("git",)))
    if not (shutil.which("uv") or importlib.util.find_spec("ensurepip")):
        found.append(Need("Python's venv module, to install uv", ("python3-venv",)))
    builder, runner = engines.first(engines.BUILDERS), engines.first(engines.RUNNERS)
    if builder is None:
        found.append(Need("docker, podman or buildah, to build images", ("buildah",)))
    if runner is None:
        found.append(Need("docker or podman, to score images", PODMAN))
    return found + _without_registries(root, runner)


def _without_registries(root: Path, runner: str | None) -> list[Need]:
    """Return what only a machine that reaches no image registry lacks."""
    found = []
    if (root / "Dockerfile").exists() and base.needs_debootstrap(root):
        found.append(Need("debootstrap, since no image registry answers", ("debootstrap",)))
    local = facts.read(root).local_registry
    if local and not shutil.which("docker-registry") and not _can_pull_registry(runner):
        found.append(Need(f"a registry for {local}", ("docker-registry",)))
    return found


def _can_pull_registry(runner: str | None) -> bool:
    return runner is not None and engines.registry_answers(engines.DOCKER_HUB)


def install(packages: list[str]) -> None:
    """Install Debian packages without a question and without what they merely recommend."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(*APT, "update", env=quiet, timeout_s=600)
    run(*APT, "install", "--yes", "--no-install-recommends", *packages, env=quiet, timeout_s=1800)


def _packages(missing: list[Need]) -> list[str]:
    return [package for need in missing for package in need.packages]


def _list(missing: list[Need]) -> str:
    return "; ".join(need.what for need in missing)


def _line(packages: list[str]) -> str:
    if shutil.which("apt-get"):
        return f"sudo apt-get install --yes --no-install-recommends {' '.join(packages)}"
    return f"install these with the system's package manager: {' '.join(packages)}"
