"""Clusters come up, are found again, and go."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from delivery.errors import DeliveryError, Refused
from delivery.local.daemons import answers, until
from delivery.process import ProgramFailed, tail

from . import argocd, control_plane, images, machine, node, place, programs, services, supervision
from .cluster import Cluster, Options, failed
from .control_plane import Plane
from .keeper import STAY, sweep
from .services import Login

ROOT = Path(__file__).resolve().parent.parent
CODE = (ROOT, ROOT / "{{cookiecutter.project_slug}}")
KEEPER = "import sys; from cluster.keeper import main; sys.exit(main(sys.argv[1]))"
PATIENCE_S = 180
# Python warns of a running process that nobody holds; a keeper that stays is found by its name.
_held: list[subprocess.Popen[bytes]] = []
_count = itertools.count(1)


@contextmanager
def running(
    members: int = 1,
    node: bool = True,
    simulated_nodes: int = 0,
    name: str | None = None,
    argocd: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """Give a cluster that is gone once the block is left, in whatever way it is left."""
    name = name or f"test-{os.getpid()}-{next(_count)}"
    keep = _keeper(name)
    try:
        yield _start(keep, name, Options(members, node, simulated_nodes, argocd or {}))
    finally:
        _end(keep)


def up(name: str, options: Options) -> Cluster:
    """Start a cluster that stays until `down`; one that fails on the way leaves nothing."""
    keep = _keeper(name)
    try:
        cluster = _start(keep, name, options)
    except BaseException:
        _end(keep)
        raise
    assert keep.stdin
    keep.stdin.write(STAY)
    keep.stdin.close()
    return cluster


def down(name: str) -> bool:
    """End a cluster; return whether there was one. What killed clusters left goes, too."""
    found = place.read(name) if place.lives(name) else None
    if found:
        os.kill(found.keeper, signal.SIGTERM)
        until(lambda: not place.lives(name), PATIENCE_S)
    with place.turn():
        sweep()
    return found is not None


def find(name: str) -> Cluster:
    """Return a cluster that `up` started; raises Refused (`no-cluster`) if there is none."""
    found = place.read(name) if place.lives(name) else None
    if found is None or not _note(found).exists():
        raise Refused(
            "no-cluster",
            f"no cluster `{name}` runs on this machine.",
            "A cluster is found by the name that it was started with.",
            f"make cluster CLUSTER={name}",
        )
    noted = json.loads(_note(found).read_text(encoding="utf-8"))
    return Cluster(found, Options(**noted["options"]), noted["admin_password"])


def _keeper(name: str) -> subprocess.Popen[bytes]:
    """Start the process that makes a cluster's place, and ends the cluster when this one ends."""
    machine.prepare()
    keep = subprocess.Popen(
        [sys.executable, "-c", KEEPER, name],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, CODE))},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,  # not this one's, which whoever reads it would wait for
        start_new_session=True,  # Ctrl-C does not reach it
    )
    _held.append(keep)
    return keep


def _start(keep: subprocess.Popen[bytes], name: str, options: Options) -> Cluster:
    """Return a cluster once all of it answers; raises Unknown, saying why, if it does not."""
    folders = programs.folders()
    until(lambda: place.read(name) is not None or keep.poll() is not None, PATIENCE_S)
    found = place.read(name)
    if found is None or found.keeper != keep.pid:
        raise failed(f"no place for a cluster `{name}`: {_why(keep)}")
    cluster = Cluster(found, options, secrets.token_urlsafe(12))
    try:
        _bring_up(cluster, folders)
    except (DeliveryError, OSError) as err:
        # Its keeper, which knows why, first clears away what is left: that may take seconds.
        patience_s = 1 if Path("/proc", str(found.init)).exists() else 60
        if not until(lambda: keep.poll() is not None, patience_s):
            raise
        raise failed(f"the cluster ended by itself: {_why(keep)}") from err
    return cluster


def _bring_up(cluster: Cluster, folders: list[Path]) -> None:
    """Start every part, in the order in which they need each other."""
    _write(cluster, folders)
    _wait(cluster, "the API server", lambda: all(plane.ready() for plane in cluster.planes))
    for plane in cluster.planes:
        supervision.tell(cluster.place.folder, *control_plane.controllers(plane))
    _start_argocd(cluster)
    if cluster.options.node:
        _start_node(cluster)
    for plane in cluster.planes:
        _simulate(cluster, plane)
    _wait(cluster, "Argo CD", lambda: answers(f"{cluster.argocd}/healthz"))
    for plane in cluster.planes:
        _wait(cluster, f"a node of {plane.environment}", partial(_nodes_are_ready, cluster, plane))


def _end(keep: subprocess.Popen[bytes]) -> None:
    assert keep.stdin
    assert keep.stderr
    keep.stdin.close()
    keep.wait()
    keep.stderr.close()
    with place.turn():
        sweep()  # this process may have written where the keeper had removed


def _why(keep: subprocess.Popen[bytes]) -> str:
    """Return the last words of a keeper that gave up."""
    assert keep.stderr
    keep.wait(PATIENCE_S)
    return tail(keep.stderr.read().decode(errors="replace")) or "it said nothing"


def _write(cluster: Cluster, folders: list[Path]) -> None:
    """Write all that process 1 of the cluster needs to know, and what `find` reads."""
    folder = cluster.place.folder
    for name in ("bin", "home", "tmp"):
        (folder / name).mkdir()
    parts = services.programs(
        cluster.place, Login(*cluster.git_login), Login(*cluster.registry_login)
    )
    for plane in cluster.planes:
        parts += control_plane.programs(plane)
        parts += [node.simulator(plane)]
    parts += argocd.programs(cluster.planes[0], cluster.options.argocd)
    parts += node.programs(cluster.planes[0]) if cluster.options.node else []
    path = [folder / "bin", *folders, "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    homes = {"HOME": folder / "home", "TMPDIR": folder / "tmp"}
    supervision.start(folder, parts, {"PATH": ":".join(map(str, path)), **homes})
    noted = {"options": asdict(cluster.options), "admin_password": cluster.admin_password}
    place.write(_note(cluster.place), json.dumps(noted))


def _start_argocd(cluster: Cluster) -> None:
    first, *members = cluster.planes
    _apply(
        cluster,
        first,
        *argocd.objects(first, members, cluster.admin_password, cluster.webhook_secret),
    )
    _wait(cluster, "Argo CD's kinds", lambda: _serves_argocd(cluster))
    supervision.tell(cluster.place.folder, *argocd.WAITING)


def _serves_argocd(cluster: Cluster) -> bool:
    """Return whether the API server knows Argo CD's kinds; its server ends if it does not."""
    try:
        cluster.kubectl("get", "applications,applicationsets,appprojects", "--all-namespaces")
    except ProgramFailed:
        return False
    return True


def _start_node(cluster: Cluster) -> None:
    _apply(cluster, cluster.planes[0], node.more_cores(cluster.planes[0]))
    archive = cluster.place.folder / "pause.tar"
    images.pause(archive)
    ctr = programs.build(programs.CONTAINERD) / "ctr"
    load = (ctr, "--namespace", "k8s.io", "images", "import", "--local", archive)
    _wait(cluster, "containerd", lambda: cluster.inside(*load).returncode == 0)
    supervision.tell(cluster.place.folder, *node.WAITING)


def _simulate(cluster: Cluster, plane: Plane) -> None:
    real = cluster.has_node(plane)
    count = cluster.nodes(plane) - real
    if count:
        _apply(cluster, plane, node.simulated(plane, count, beside_real=real))
        supervision.tell(cluster.place.folder, plane.name("kwok"))


def _apply(cluster: Cluster, plane: Plane, *files: Path) -> None:
    names = [word for file in files for word in ("--filename", file)]
    cluster.kubectl("apply", "--server-side", *names, environment=plane.environment)


def _nodes_are_ready(cluster: Cluster, plane: Plane) -> bool:
    ready = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"
    states = cluster.kubectl("get", "nodes", "-o", ready, environment=plane.environment).split()
    return len(states) == cluster.nodes(plane) and set(states) == {"True"}


def _wait(cluster: Cluster, what: str, condition: Callable[[], bool]) -> None:
    """Wait for a part that comes up; raises Unknown with the end of every program's output."""
    folder = cluster.place.folder
    lives = (folder / "supervisord.conf").exists
    if until(lambda: condition() or not lives(), PATIENCE_S) and lives():
        return
    logs = sorted((folder / "log").glob("*.log"))
    ends = [f"{log.stem}:\n{tail(log.read_text(errors='replace'))}" for log in logs]
    raise failed("\n".join([f"{what} did not come up within {PATIENCE_S} s", *ends]))


def _note(found: place.Place) -> Path:
    return found.folder / "cluster.json"
