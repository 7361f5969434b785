"""Programs that run until the cluster ends, started again whenever one dies."""

from __future__ import annotations

import shlex
import xmlrpc.client
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from .place import write

HEAD = """\
[supervisord]
user=root
pidfile={folder}/supervisord.pid
logfile={folder}/log/supervisord.log
logfile_maxbytes=0
silent=true
environment={environment}
[unix_http_server]
file={folder}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
# A program that ends within a second is started again after 1, 2, 3 … seconds, without end.
PROGRAM = """\
[program:{name}]
command={command}
environment={environment}
autostart={at_once}
autorestart=true
startsecs=1
startretries=1000000
redirect_stderr=true
stdout_logfile={folder}/log/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
"""


@dataclass(frozen=True)
class Program:
    """What to run; unless `at_once`, it waits until it is told to start."""

    name: str
    command: tuple[str | Path, ...]
    environment: Mapping[str, str | Path] = field(default_factory=dict)
    at_once: bool = True


def start(folder: Path, programs: Iterable[Program], environment: Mapping[str, str | Path]) -> None:
    """Write what process 1 of the cluster waits for."""
    (folder / "log").mkdir(exist_ok=True)
    parts = [HEAD.format(folder=folder, environment=_words(environment))]
    for program in programs:
        parts.append(
            PROGRAM.format(
                name=program.name,
                folder=folder,
                command=_escaped(shlex.join(str(word) for word in program.command)),
                environment=_words(program.environment),
                at_once=str(program.at_once).lower(),
            )
        )
    write(folder / "supervisord.conf", "".join(parts))


def tell(folder: Path, *names: str) -> None:
    """Start programs that wait."""
    with _door(folder) as door:
        for name in names:
            door.startProcess(name, False)


def state(folder: Path) -> dict[str, tuple[str, int]]:
    """Return the state of each program, such as RUNNING, and its process in the cluster or 0."""
    with _door(folder) as door:
        found = cast(list[dict[str, Any]], door.getAllProcessInfo())
    return {one["name"]: (one["statename"], one["pid"]) for one in found}


@contextmanager
def _door(folder: Path) -> Iterator[Any]:
    transport = SupervisorTransport("", "", f"unix://{folder}/supervisor.sock")
    try:
        yield xmlrpc.client.ServerProxy("http://cluster", transport=transport).supervisor
    finally:
        transport.close()


def _words(environment: Mapping[str, str | Path]) -> str:
    return _escaped(",".join(f'{name}="{value}"' for name, value in environment.items()))


def _escaped(text: str) -> str:
    """Return text as supervisord wants it, which replaces what follows a percent sign."""
    return text.replace("%", "%%")


def outside(inner: int, init: int) -> int | None:
    """Return the number that a process of the cluster has on this machine."""
    namespace = Path(f"/proc/{init}/ns/pid").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            status = (process / "status").read_text(encoding="utf-8", errors="replace")
            numbers = status.partition("\nNSpid:")[2].partition("\n")[0].split()
            if numbers[-1] == str(inner) and (process / "ns/pid").readlink() == namespace:
                return int(process.name)
        except OSError:  # ended meanwhile
            continue
    return None
