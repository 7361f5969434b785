"""What a machine must have before it can have a cluster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from delivery.errors import Refused
from delivery.local import machine
from delivery.process import run

CNI = Path("/usr/lib/cni/ptp")
NO_SERVICES = Path("/usr/sbin/policy-rc.d")
PACKAGES = {
    "curl": "curl",
    "docker-registry": "docker-registry",
    "git": "git",
    "ip": "iproute2",
    "iptables": "iptables",
    "lighttpd": "lighttpd",
    "nsenter": "util-linux",
    "redis-server": "redis-server",
    "runc": "runc",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}


def prepare() -> None:
    """Return when nothing is missing; on Debian what is missing is installed first."""
    if os.geteuid() != 0:
        raise Refused(
            "cluster-needs-root",
            "this is not root.",
            "Namespaces with a network and containers of their own are root's to make.",
            "run it as root, or use a cluster made by kind or k3d",
        )
    missing = needs()
    if missing and shutil.which("apt-get"):
        with _services_off():
            machine.install(missing)
        missing = needs()
    if missing:
        raise Refused(
            "machine-lacks",
            f"this machine lacks the packages {', '.join(missing)}.",
            "The test cluster runs on programs of the system.",
            "install them with the system's package manager",
        )
    _check_namespaces()


def needs() -> list[str]:
    """Return the Debian packages that are missing."""
    found = {package for program, package in PACKAGES.items() if not _has(program)}
    return sorted(found | (set() if CNI.exists() else {"containernetworking-plugins"}))


def _has(program: str) -> bool:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None


@contextmanager
def _services_off() -> Iterator[None]:
    """Have packages of servers start none of them, by the file that Debian has for this."""
    if NO_SERVICES.exists():
        yield
        return
    NO_SERVICES.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    NO_SERVICES.chmod(0o755)
    try:
        yield
    finally:
        NO_SERVICES.unlink()


def _check_namespaces() -> None:
    tried = run("unshare", "--pid", "--mount", "--net", "--fork", "true", check=False)
    if tried.code != 0:
        raise Refused(
            "no-namespaces",
            f"this machine makes no namespaces: {tried.stderr.strip()}",
            "A cluster lives in namespaces of its own, so that it leaves nothing behind.",
            "run it on a machine, or in a container, that may make them",
        )
