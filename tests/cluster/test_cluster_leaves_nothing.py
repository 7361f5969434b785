"""However a cluster ends, the machine is as it was before."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from delivery.errors import Unknown
from delivery.local.daemons import until

from cluster import Cluster, down, find, place, running
from tests.cluster.answering import deploy, push

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
GONE_S = 60
# What has a cluster until it is told something, whatever it is.
PROGRAM = """\
import sys
from cluster import running
with running(name=sys.argv[1]):
    print("up", flush=True)
    sys.stdin.read()
"""
FOLDERS = ("/etc", "/opt", "/run", "/run/netns", "/tmp", "/var/lib", "/var/log")  # noqa: S108
SETTINGS = ("kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory", "net/ipv4/ip_forward")

Ending = Callable[[subprocess.Popen[bytes], Cluster], None]


def told(launcher: subprocess.Popen[bytes], _: Cluster) -> None:
    launcher.communicate(timeout=GONE_S)


def interrupted(launcher: subprocess.Popen[bytes], _: Cluster) -> None:
    os.killpg(launcher.pid, signal.SIGINT)


def killed(launcher: subprocess.Popen[bytes], _: Cluster) -> None:
    launcher.kill()


def keeper_killed(_: subprocess.Popen[bytes], cluster: Cluster) -> None:
    os.kill(cluster.place.keeper, signal.SIGKILL)
    until(lambda: not place.lives(cluster.place.name), GONE_S)
    down(cluster.place.name)


@pytest.mark.parametrize("end", [told, interrupted, killed, keeper_killed])
def test_nothing_is_left(end: Ending, tmp_path: Path) -> None:
    before = traces()
    with launched(f"leaves-{end.__name__}") as launcher:
        assert launcher.stdout
        assert launcher.stdout.readline() == b"up\n"
        cluster = find(f"leaves-{end.__name__}")
        deploy(cluster, "leaves", push(cluster, tmp_path))
        during = traces()
        end(launcher, cluster)
        until(lambda: traces() <= before, GONE_S)
    assert traces() - before == set()
    kinds = {trace.split()[0] for trace in during - before}
    assert kinds >= {"cgroup", "cluster", "device", "process"}  # else the test sees nothing


def test_nothing_is_left_of_what_did_not_come_up() -> None:
    before = traces()
    with launched("leaves-early") as launcher:
        until(lambda: place.read("leaves-early") is not None, GONE_S)
        launcher.kill()
        until(lambda: traces() <= before, GONE_S)
    assert traces() - before == set()


def test_a_cluster_that_ends_by_itself_is_told_at_once() -> None:
    before = traces()

    def break_it() -> None:
        until(lambda: place.read("leaves-broken") is not None, GONE_S)
        found = place.read("leaves-broken")
        assert found
        os.kill(found.init, signal.SIGKILL)

    with ThreadPoolExecutor() as pool:
        pool.submit(break_it)
        told = pytest.raises(Unknown, match=r"ended by itself|no place")
        with told, running(name="leaves-broken"):
            pass
    assert traces() - before == set()


def test_a_taken_name_is_refused() -> None:
    with launched("leaves-first") as launcher:
        until(lambda: place.lives("leaves-first"), GONE_S)
        with pytest.raises(Unknown, match="runs already"), running(name="leaves-first"):
            pass
        launcher.kill()
        until(lambda: not place.lives("leaves-first"), GONE_S)


@contextmanager
def launched(name: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", PROGRAM, name]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "{{cookiecutter.project_slug}}")])
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as launcher:
        try:
            yield launcher
        finally:
            launcher.kill()


def traces() -> set[str]:
    """Return all that a cluster might leave, without what belongs to clusters of others."""
    names = [name for name in place.names() if not name.startswith("leaves-")]
    others = [one for one in map(place.read, names) if one]
    found = {f"device {device.name}" for device in Path("/sys/class/net").iterdir()}
    found |= {f"mount {line.split()[4]}" for line in lines("/proc/self/mountinfo")}
    found |= {f"cgroup {path}" for path, _, _ in os.walk("/sys/fs/cgroup")}
    found |= {f"file {path}" for folder in FOLDERS for path in Path(folder).glob("*")}
    found |= {f"cluster {name}" for name in place.names()}
    found |= {f"setting {name} {lines(f'/proc/sys/{name}')}" for name in SETTINGS}
    found |= {f"rule {line}" for line in rules()}
    found |= processes({one.keeper for one in others})
    words = [word for one in others for word in (one.device, one.cgroup, f"cluster {one.name}")]
    theirs = re.compile(rf"\b({'|'.join(words or ['none'])})(?![\w-])")
    return {trace for trace in found if not theirs.search(trace)}


def lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def rules() -> list[str]:
    saved = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout
    return [line for line in saved.splitlines() if line.startswith("-A")]


def processes(without: set[int]) -> set[str]:
    """Return keepers and what runs in namespaces, but for the children of some keepers."""
    own = Path("/proc/self/ns/pid").readlink()
    found = {}
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            parents[process.name] = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if (process / "ns/pid").readlink() != own or "cluster.keeper" in " ".join(words):
                found[process.name] = f"process {process.name} {words[0]}"
        except OSError:  # ended meanwhile
            continue
    return {what for pid, what in found.items() if not without & set(above(pid, parents))}


def above(pid: str, parents: dict[str, str]) -> Iterator[int]:
    """Yield a process and those that it descends from."""
    while pid in parents:
        yield int(pid)
        pid = parents[pid]
