"""The process that owns a cluster: makes its namespaces, and clears away what no kernel does.

It runs on its own, so that neither Ctrl-C nor a SIGKILL of who started the cluster reaches it: it
reads from them, and when they are gone it ends the cluster. Once it was told `stay`, only SIGTERM
ends it. If it is killed itself, the kernel kills the cluster, with mounts and network; its files
and empty cgroups go when the next cluster comes up or goes down.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

from delivery.local.daemons import until
from delivery.process import run

from . import cgroups
from .place import CLUSTERS, NUMBERS, Place, claim, device, names, read, turn

STAY = b"stay"
PATIENCE_S = 10
# Process 1 of the cluster. What programs write below /run and /var ends with its mounts. It has no
# server of names, for which programs would wait. Settings of the kernel that the kubelet would
# change for the whole machine are copies of its own.
INIT = """\
set -e
for folder in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 cluster $folder; done
: > /run/resolv.conf
mount --bind /run/resolv.conf /etc/resolv.conf
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=/run/sysctl/${setting%=*}
  mkdir -p ${file%/*}
  echo ${setting#*=} > $file
  mount --bind $file /proc/sys/${setting%=*}
done
until [ -e "$1/supervisord.conf" ]; do sleep 0.05; done
exec "$2" -m supervisor.supervisord --nodaemon --configuration "$1/supervisord.conf"
"""


def main(name: str) -> int:
    """Keep one cluster until it is to end; return 1, and say why, if it cannot be kept."""
    with turn():
        sweep()
        hold = claim(name)
    if hold is None:
        return _fail(f"a cluster {name} runs already")
    tree = place = None
    signal.signal(signal.SIGTERM, _leave)
    try:
        tree = _start(CLUSTERS / name)
        place = _connect(name, _init(tree))
        cgroups.make(place.cgroup)
        place.write()
        threading.Thread(target=_listen, daemon=True).start()
        tree.wait()
        return _fail((CLUSTERS / name / "init.log").read_text(errors="replace"))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if tree:
            tree.kill()  # process 1 follows, and with it every process of the cluster
            tree.wait()
        clear(name, place)


def _fail(why: str) -> int:
    sys.stderr.write(why)
    return 1


def sweep() -> None:
    """Clear away what clusters left whose keeper was killed."""
    for name in names():
        hold = claim(name)
        if hold is not None:
            clear(name, read(name))
            hold.close()


def clear(name: str, place: Place | None) -> None:
    """Remove what a cluster leaves that has no process any more."""
    if place:
        until(lambda: not _lives(place.init), PATIENCE_S)
        run("ip", "link", "delete", place.device, check=False)
        cgroups.remove(place.cgroup)
    shutil.rmtree(CLUSTERS / name, ignore_errors=True)


def _lives(init: int) -> bool:
    """Return whether a process is the first one of a namespace below this one."""
    try:
        status = Path(f"/proc/{init}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.partition("\nNSpid:")[2].partition("\n")[0].endswith("\t1")


def _start(folder: Path) -> subprocess.Popen[bytes]:
    """Start process 1 in namespaces of its own; it dies with this process, whatever ends that."""
    namespaces = ("unshare", "--pid", "--mount", "--net", "--fork", "--kill-child", "--mount-proc")
    script = ("sh", "-c", INIT, "cluster", str(folder), sys.executable)
    with (folder / "init.log").open("wb") as log:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *namespaces, *script],
            cwd="/",
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _init(tree: subprocess.Popen[bytes]) -> int:
    """Return the number that process 1 of the cluster has on this machine."""
    children = Path(f"/proc/{tree.pid}/task/{tree.pid}/children")
    until(lambda: tree.poll() is not None or bool(children.read_text().strip()), PATIENCE_S)
    return int(children.read_text())


def _connect(name: str, init: int) -> Place:
    """Lay a cable into the cluster's network; the first number whose device is free is its own."""
    for number in NUMBERS:
        place = Place(name, number, os.getpid(), init)
        peer = ("peer", "name", "eth0", "netns", str(init))
        if run("ip", "link", "add", device(number), "type", "veth", *peer, check=False).code == 0:
            break
    inside = ("nsenter", f"--net=/proc/{init}/ns/net", "ip")
    run("ip", "address", "add", f"{place.gateway}/30", "dev", place.device)
    run("ip", "link", "set", place.device, "up")
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "address", "add", f"{place.address}/30", "dev", "eth0")
    run(*inside, "link", "set", "eth0", "up")
    run(*inside, "route", "add", "default", "via", place.gateway)
    return place


def _listen() -> None:
    """End the cluster when who started it is gone without a word."""
    said = b""
    while part := os.read(0, len(STAY)):  # sys.stdin, waited for by a thread, fails at the end
        said += part
    if said != STAY:
        os.kill(os.getpid(), signal.SIGTERM)


def _leave(*_: object) -> NoReturn:
    sys.exit(0)
