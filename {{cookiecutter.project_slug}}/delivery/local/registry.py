"""An image registry on this machine: Debian's docker-registry, or its program in a container."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from ..errors import Refused
from ..process import run
from . import daemons, engines

FOLDER = ".local/registry"
IMAGE_VARIABLE = "DELIVER_REGISTRY_IMAGE"
IMAGE = "docker.io/library/registry:2"
CONFIGURATION = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  cache: {{blobdescriptor: inmemory}}
  delete: {{enabled: true}}
  filesystem: {{rootdirectory: "{folder}"}}
http: {{addr: "{address}"}}
"""


def start(root: Path, address: str, deadline_s: float) -> None:
    """Leave a registry answering at `host:port`, its store in the repository's .local/registry."""
    url = f"http://{address}"
    daemon = daemons.running(root, "registry")
    if daemon and daemon.url == url:
        daemons.wait(root, daemon, "/v2/", deadline_s)
        return
    if _container_runs(root) and daemons.answers(f"{url}/v2/"):
        return
    daemons.stop(root, "registry")  # one that served the address of an older delivery.yaml
    stop_container(root)
    host, port = _host_and_port(address)
    daemons.check_port_is_free("the image registry", host, port, "`registry` in delivery.yaml")
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    if shutil.which("docker-registry"):
        command = ("docker-registry", "serve", _configuration(root, address))
        daemons.wait(root, daemons.start(root, "registry", url, command, {}), "/v2/", deadline_s)
    else:
        _start_container(root, address, deadline_s)


def stop_container(root: Path) -> bool:
    """End the registry's container, if there is one; return whether there was."""
    engine = _engine_note(root)
    if not engine.exists():
        return False
    program = engine.read_text(encoding="utf-8")
    ended = run(program, "rm", "--force", _container(root), check=False)
    engine.unlink()
    return ended.code == 0


def _configuration(root: Path, address: str) -> Path:
    path = root / ".local" / "registry.yml"
    folder = (root / FOLDER).resolve()
    path.write_text(CONFIGURATION.format(folder=folder, address=address), encoding="utf-8")
    return path


def _start_container(root: Path, address: str, deadline_s: float) -> None:
    engine = engines.first(engines.RUNNERS)
    if engine is None:
        raise Refused(
            "no-registry",
            "there is neither docker-registry nor a docker or podman that answers.",
            f"delivery.yaml keeps images at {address}, on this machine.",
            "run `make machine`, or name another registry in delivery.yaml",
        )
    _engine_note(root).parent.mkdir(parents=True, exist_ok=True)
    _engine_note(root).write_text(engine, encoding="utf-8")
    run(engine, "rm", "--force", _container(root), check=False)
    run(
        *(engine, "run", "--detach", "--name", _container(root), "--publish", f"{address}:5000"),
        *("--volume", f"{(root / FOLDER).resolve()}:/var/lib/registry:Z"),
        os.environ.get(IMAGE_VARIABLE, IMAGE),
    )
    if not daemons.until(lambda: daemons.answers(f"http://{address}/v2/"), deadline_s):
        raise Refused(
            "service-failed",
            f"the registry's container does not answer at {address}.",
            "What was started must answer before anything relies on it.",
            f"read `{engine} logs {_container(root)}`, mend the cause, run `make services`",
        )


def _container_runs(root: Path) -> bool:
    note = _engine_note(root)
    if not note.exists():
        return False
    command = ("inspect", "--format", "{{.State.Running}}", _container(root))
    return run(note.read_text(encoding="utf-8"), *command, check=False).text == "true"


def _container(root: Path) -> str:
    """Return a container name that no other repository on this machine uses."""
    return "deliver-registry-" + hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]


def _engine_note(root: Path) -> Path:
    return root / ".local" / "run" / "registry.engine"


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.partition(":")
    if not port:
        raise Refused(
            "no-registry-port",
            f"`registry` in delivery.yaml names {address} without a port.",
            "A registry on this machine is served at a port of its own.",
            f"write `registry: {address}:5000/…`, with a port that is free",
        )
    return ("127.0.0.1" if host == "localhost" else host), int(port)
