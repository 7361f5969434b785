"""`serve` answers over HTTP until SIGTERM; `score` answers lines of standard input.

MODEL_DIR names the model's folder (/model); settings.py has the other settings. `ask` sends a known
question to another server, for at most ASK_S (60) seconds, and needs no model. Exit 0 done,
1 model, request or answer was refused (standard error says why), 2 wrong call.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings import Settings

# One answer needs one thread; more only fight over the processor that a pod has.
# Read by numerical libraries as they are imported, so it comes before them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

USAGE = "usage: python -m server serve | score | ask HOST PORT MODEL DIGEST QUESTION"
KILLED = 128 + signal.SIGTERM


def main() -> int:
    """Run the command that the arguments name and return its exit code."""
    command, words = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    # As process 1 of a container a signal without a handler would be ignored. A question that was
    # not answered must not look as if it was.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(KILLED if command == "ask" else 0))
    if command == "ask" and len(words) == 5:
        return ask(*words)
    if command in ("serve", "score") and not words:
        return _with_model(command)
    sys.stderr.write(f"{USAGE}\n")
    return 2


def ask(host: str, port: str, model: str, digest: str, file: str) -> int:
    """Ask the server at an address the question in a file; return the exit code."""
    from .ask import Asked, QuestionError, read_question
    from .ask import ask as ask_server

    wait = os.environ.get("ASK_S", "60")
    if not (_is_port(port) and wait.isdecimal()):
        sys.stderr.write(f"PORT or ASK_S: got {port!r} and {wait!r}, expected numbers\n")
        return 2
    try:
        question = read_question(Path(file).read_bytes())
        said = ask_server(Asked(host, int(port), model, digest), question, int(wait))
    except (QuestionError, OSError) as error:
        return _refused(error)
    sys.stdout.write(f"{said}\n")
    return 0


def _with_model(command: str) -> int:
    # Not before: what asks a question needs neither the model nor its libraries.
    from .folder import ModelError
    from .protocol import RequestError
    from .settings import Settings, SettingsError

    try:
        settings = Settings.read()
        if command == "score":
            return score(settings)
        from .serving import serve

        return serve(settings)
    except (ModelError, RequestError, SettingsError) as error:
        return _refused(error)


def _refused(error: Exception) -> int:
    sys.stderr.write(" ".join(str(error).split()) + "\n")
    return 1


def score(settings: Settings) -> int:
    """Answer the requests on standard input; whatever else would print goes to standard error."""
    from .folder import ModelFolder
    from .model import Model
    from .protocol import Codec
    from .scoring import score as answer_lines

    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        folder = ModelFolder.read(settings.folder)
        codec = Codec(folder, settings.named(folder), sys.maxsize)
        answer_lines(Model.load(folder), codec, sys.stdin.buffer, answers)
    return 0


def _is_port(text: str) -> bool:
    return text.isdecimal() and int(text) <= 65535


if __name__ == "__main__":
    sys.exit(main())
