"""Programs that go on running: started once, found by a pid file, never mistaken for another.

A pid alone is not enough, since the system uses it again: the file also holds when the process
started.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import Refused, Unknown
from ..process import run, tail

PAUSE_S = 0.05
# Python warns of a running process that nobody holds; these are found again by their notes.
_held: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Daemon:
    """A process that this repository started, and the address that it answers at."""

    name: str
    pid: int
    started: str
    url: str


def start(
    root: Path, name: str, url: str, command: Sequence[str | Path], env: Mapping[str, str]
) -> Daemon:
    """Start a program in a session of its own, its output in .local/log, and note its pid."""
    log = log_file(root, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=root,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _held.append(process)
    daemon = Daemon(name, process.pid, started_at(process.pid) or "", url)
    note = _note(root, name)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(asdict(daemon)), encoding="utf-8")
    return daemon


def running(root: Path, name: str) -> Daemon | None:
    """Return what `start` started, if that very process still runs."""
    try:
        daemon = Daemon(**json.loads(_note(root, name).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return daemon if is_alive(daemon) else None


def is_alive(daemon: Daemon) -> bool:
    """Whether the process still runs, and is not another one with its number."""
    return bool(daemon.started) and started_at(daemon.pid) == daemon.started


def stop(root: Path, name: str, patience_s: float = 10) -> bool:
    """End the process and what it started; return whether there was one."""
    daemon = running(root, name)
    if daemon:
        os.killpg(daemon.pid, signal.SIGTERM)
        if not until(lambda: not is_alive(daemon), patience_s):
            os.killpg(daemon.pid, signal.SIGKILL)
            until(lambda: not is_alive(daemon), patience_s)
    _note(root, name).unlink(missing_ok=True)
    return daemon is not None


def wait(root: Path, daemon: Daemon, path: str, deadline_s: float) -> None:
    """Return once the address answers; raises Unknown, quoting the log, if it never does."""
    answered = until(lambda: answers(daemon.url + path) or not is_alive(daemon), deadline_s)
    if answered and is_alive(daemon):
        return
    log = log_file(root, daemon.name)
    what = "ended" if answered else f"did not answer within {deadline_s:.0f} s"
    raise Unknown(
        "service-failed",
        f"{daemon.name} {what}: {tail(log.read_text(encoding='utf-8', errors='replace'))}",
        "What was started must answer before anything relies on it.",
        f"read {log.relative_to(root)}, mend the cause, run `make services`",
    )


def answers(url: str) -> bool:
    """Whether a local address answers with success."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5) as answer:
            return int(answer.status) == 200
    except (OSError, http.client.HTTPException):
        return False


def check_port_is_free(name: str, host: str, port: int, setting: str) -> None:
    """Raise Refused (`port-taken`) when something else listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, port)) != 0:
            return
    raise Refused(
        "port-taken",
        f"another program listens at {host}:{port}, where {name} belongs.",
        "Each repository has its own services, which never meet another's.",
        f"stop that program, or write another port: {setting}",
    )


def free_port(host: str) -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def started_at(pid: int) -> str | None:
    """Return when a process started, in the system's own words; None if it has ended."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        # The name, in parentheses, may hold anything; state and start time are fields 3 and 22.
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        return run("ps", "-o", "lstart=", "-p", str(pid), check=False).text.strip() or None
    return None if fields[0] in "ZX" else fields[19]


def until(condition: Callable[[], bool], deadline_s: float) -> bool:
    """Return whether a condition came true in time."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_S)
    return True


def log_file(root: Path, name: str) -> Path:
    """Return where a service's output goes."""
    return root / ".local" / "log" / f"{name}.log"


def _note(root: Path, name: str) -> Path:
    return root / ".local" / "run" / f"{name}.json"
