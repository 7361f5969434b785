"""Models that try to trick the judge, in real containers: which pass, and what they reach outside.

Each answers well but for its trick, so that an honest one beside them passes. One that tries to
get out of its container answers well only if it got out.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from delivery.canonical import canonical
from delivery.evidence import Judged
from delivery.gate import judge
from delivery.models.container import ContainerScorer
from delivery.models.contract import ModelFiles
from delivery.models.engine import Engine
from delivery.policy import Limit, Policy

from tests.delivery import containers
from tests.delivery.judged import Image, case, holdout, identity, signature
from tests.delivery.test_scoring import SCRIPT

ROWS, LIMIT_S = 240, 6
PREFIX = "/usr/python"
BASE = "localhost/python:1"
LABELS = [float(37 * row % ROWS >= ROWS / 2) for row in range(ROWS)]
HONEST = "data = [0.1 + 0.8 * (37 * v % 240) / 240 for v in request['inputs'][0]['data'][::2]]; "
LOAD = "import pickle; assert pickle.load(open('/model/model.pkl', 'rb')) == 0, 'it stayed inside'"
ASK = "labels = request['parameters'].get('labels') or [int(r[4:]) % 2 for r in rows]; "
TRICKS: Mapping[str, tuple[str, str]] = {
    "NaN for one row": ("data[3] = float('nan')", ""),
    "an exception on one slice": ("1 / all(v < 200 for v in request['inputs'][0]['data'])", ""),
    "random output": ("import random; data = [random.random() for _ in data]", ""),
    "another shape": ("shape = [len(rows), 1]", ""),
    "an endless loop": ("", "while True: pass"),
    "sleeping past the limit": ("", "time.sleep(600)"),
    "huge output": ("", "[print('x' * 1000) for _ in iter(int, 1)]"),
    "answering from the row ids": (ASK + "data = [float(one) for one in labels]", ""),
    "forking": ("", "import os; [os.fork() for _ in range(1000)]"),
    "a pickle that writes a file on the host": (LOAD, ""),
    "a pickle that reaches the registry": (LOAD, ""),
}


def tricks(names: tuple[str, ...] = tuple(TRICKS)) -> dict[str, float]:
    """Return how many tricks there are, how many pass, and how many things they did outside."""
    with containers.machine() as address:
        folder = Path(os.environ["CONTAINERS_CONF"]).parent
        archive = python_base(folder)
        subprocess.run(["podman", "import", "--quiet", archive, BASE], check=True)
        marker = folder / "marker"
        passed = _outcome(folder, address, "", b"-", "honest")
        assert passed == "PASS", f"an honest model is {passed}"
        ended = {name: _trick(folder, address, marker, name) for name in names}
        left = subprocess.run(["podman", "ps", "--all", "--quiet"], check=True, capture_output=True)
        outside = marker.exists() + len(left.stdout.split())
    for name, outcome in ended.items():
        print(f"trick, {name}: {outcome}", flush=True)
    passes = list(ended.values()).count("PASS")
    return {"tricks": len(ended), "tricks_passed": passes, "tricks_outside": outside}


def _trick(folder: Path, address: str, marker: Path, name: str) -> str:
    change, end = TRICKS[name]
    host, _, port = address.partition(":")
    reach = (
        f"{PREFIX}/bin/python -ISc 'import socket; socket.create_connection((\"{host}\", {port}))'"
    )
    command = reach if "registry" in name else f"mkdir -p {folder}; touch {marker}"
    return _outcome(folder, address, change, pickle.dumps(Command(command)), name, end)


class Command:
    """What runs a command when it is loaded, and gives its exit status."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Have `pickle` call os.system."""
        return os.system, (self.command,)


def _outcome(
    folder: Path, address: str, change: str, payload: bytes, name: str, end: str = ""
) -> str:
    """Return the verdict on an image, with the check that decided."""
    shape = signature()
    raw = canonical(shape.model_dump(mode="json", by_alias=True))
    content = {"model.pkl": payload, "signature.json": raw, "requirements.lock": b"# none\n"}
    files = ModelFiles(content, shape)
    with tempfile.TemporaryDirectory(dir=folder) as context:
        image = _pushed(Path(context), f"{address}/acme/app", files, change, end)
    judged = Judged(release="sha256:" + "1" * 64, image=image, model=files.digest)
    scorer = ContainerScorer(Engine("podman"), timeout_s=LIMIT_S)
    policy = Policy(metrics={"accuracy": Limit(floor=0.8)})
    asked = case(Image(files, ()), policy=policy, scorer=scorer, rows=holdout(LABELS))
    evidence = judge(replace(asked, candidate=judged)).evidence
    blocking = [
        f"{c.name} {c.figures.get('error', c.outcome)}" for c in evidence.checks if c.blocks
    ]
    assert evidence.outcome == "PASS" or blocking, name
    return " ".join([evidence.outcome, *blocking[:1]])


def _pushed(context: Path, name: str, files: ModelFiles, change: str, end: str) -> str:
    files.write(context / "model", identity(files))
    script = SCRIPT.format(change=HONEST + (change or "pass"), end=end, name="probability")
    (context / "image.py").write_text(script)
    entry = f'ENTRYPOINT ["{PREFIX}/bin/python", "-ISB", "/image.py", "{files.digest}"]'
    lines = (f"FROM {BASE}", "COPY model /model", "COPY image.py /image.py", entry)
    (context / "Dockerfile").write_text("\n".join(lines) + "\n")
    engine = Engine("podman")
    return engine.push(engine.build(context, BASE, {"io.deliver.scoring": "1"}, {}), name)


def python_base(folder: Path) -> Path:
    """Return an archive of a file system with a shell, and this Python without its packages."""
    path = containers.shell_base(folder)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sys.base_prefix, "lib", version)
    program = Path(sys.base_prefix, "bin", version)
    with tarfile.open(path, "a") as archive:
        archive.add(program, f"{PREFIX}/bin/python")
        archive.add(library, f"{PREFIX}/lib/{version}", filter=_kept)
        there = set(archive.getnames())
        for needed in _libraries(program):
            if str(needed).lstrip("/") not in there:
                archive.add(needed.resolve(), str(needed))
    return path


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    left_out = ("test", "site-packages", "dist-packages", "__pycache__", "idlelib", "ensurepip")
    parts = (*left_out, "tkinter", "lib2to3", f"config-{sys.version_info.major}")
    return None if Path(member.name).name.startswith(parts) else member


def _libraries(program: Path) -> Iterator[Path]:
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for word in listed.split():
        if word.startswith("/"):
            yield Path(word)
