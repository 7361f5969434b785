"""Asking the image that prod pins for a prediction, over HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

from delivery.environment import read_env

from .folder import Place, free_port
from .shell import StepError

DEADLINE_S = 60


def ask_prod(place: Place, app: str) -> None:
    """Print the answer of prod's image to the release's known question."""
    records = place.root / f"releases/prod/{app}/records"
    question = json.loads(sorted(records.glob("*.question.json"))[-1].read_text())
    image = pinned_image(place, app)
    port = free_port()
    engine = shutil.which("podman") or "docker"
    words = [
        engine, "run", "--rm", "--network", "host", "--read-only", "--cap-drop=ALL",
        "--security-opt", "no-new-privileges", "--env", f"PORT={port}", image,
    ]  # fmt: skip
    print(f"    $ {' '.join(words)}", flush=True)
    env = {**read_env(place.root), **place.shell.environment()}
    server = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answer = post(f"http://127.0.0.1:{port}/v2/models/{app}/infer", question["request"])
    finally:
        server.terminate()
        server.wait(timeout=30)
    show(question, answer)


def show(question: dict[str, object], answer: dict[str, object]) -> None:
    """Print what was asked for and what came; raises StepError where it is another answer."""
    outputs = answer["outputs"]
    assert isinstance(outputs, list)
    values, expected = outputs[0]["data"], question["answers"]
    assert isinstance(expected, list)
    print(f"    | {outputs[0]['name']} of the {len(values)} synthetic rows of its known question:")
    print(f"    | {[round(value, 4) for value in values]}", flush=True)
    if any(abs(a - b) > 1e-6 for a, b in zip(values, expected, strict=True)):
        raise StepError(f"the release says {expected}")
    print("    | the same that the release recorded when it was made", flush=True)


def pinned_image(place: Place, app: str) -> str:
    """Return the image that prod's Deployment names."""
    out = (place.root / f"releases/prod/{app}/manifests/deployment-{app}.yaml").read_text()
    return next(line.split("image: ")[1] for line in out.splitlines() if "image: " in line)


def post(url: str, body: object) -> dict[str, object]:
    """Return a server's answer, waiting until it listens; raises StepError at the deadline."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                answer: dict[str, object] = json.load(reply)
                return answer
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise StepError(f"{url} did not answer within {DEADLINE_S} s")
