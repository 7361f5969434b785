"""`serve` answers over HTTP until SIGTERM; `score` answers lines of standard input.

MODEL_DIR names the model's folder (/model), HOST and PORT where to listen (0.0.0.0, 8080).
Exit 0 done, 1 the model or a request was refused (a line on standard error says why), 2 wrong call.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

# One answer needs one thread; more only fight over the processor that a pod has.
# Read by numerical libraries as they are imported, so it comes before them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from .model import Model, ModelError
from .protocol import RequestError

DRAIN_S = 20
USAGE = "usage: python -m server serve | score"


def main() -> int:
    """Run the command that the arguments name and return its exit code."""
    commands = {"serve": serve, "score": score}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    # As process 1 of a container a signal without a handler would be ignored.
    signal.signal(signal.SIGTERM, _stop)
    try:
        commands[sys.argv[1]](Path(os.environ.get("MODEL_DIR", "/model")))
    except (ModelError, RequestError) as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 1
    return 0


def serve(folder: Path) -> None:
    """Serve the model until SIGTERM, then answer what was begun."""
    import uvicorn

    from .app import App

    config = uvicorn.Config(
        App(Model.load(folder)),
        host=os.environ.get("HOST", "0.0.0.0"),  # noqa: S104  a pod's own address
        port=_port(),
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    uvicorn.Server(config).run()


def score(folder: Path) -> None:
    """Answer the requests on standard input; whatever else would print goes to standard error."""
    from .scoring import score as answer_lines

    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        answer_lines(Model.load(folder), sys.stdin.buffer, answers)


def _port() -> int:
    text = os.environ.get("PORT", "8080")
    if not text.isdecimal() or int(text) > 65535:
        raise ModelError(f"PORT: got {text!r}, expected a number up to 65535")
    return int(text)


def _stop(_signal: int, _frame: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
