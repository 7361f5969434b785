"""Requests one after the other, each on a connection of its own: `load.py URL BODY STOP`.

Touches `began` beside the file STOP with the first answer and ends when STOP is there. Prints JSON:
how many were asked, and what became of those that had no answer of 200.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

LIMIT_S = 300
PAUSE_S = 0.005


def main(url: str, body: bytes, stop: Path) -> None:
    """Ask until the file is there, but at most for five minutes."""
    asked, lost = 0, []
    end = time.monotonic() + LIMIT_S
    while not stop.exists() and time.monotonic() < end:
        problem = ask(url, body)
        asked += 1
        if problem:
            lost.append(problem)
        stop.with_name("began").touch()
        time.sleep(PAUSE_S)
    print(json.dumps({"asked": asked, "lost": lost}))  # noqa: T201


def ask(url: str, body: bytes) -> str:
    """Return why a request was lost, nothing where it was answered."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        line.request("POST", parts.path, body, {"Content-Type": "application/json"})
        reply = line.getresponse()
        reply.read()
        return "" if reply.status == 200 else str(reply.status)
    except OSError as err:
        return str(err)
    finally:
        line.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).read_bytes(), Path(sys.argv[3]))
