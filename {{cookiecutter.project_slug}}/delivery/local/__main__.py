"""Prepare this machine. Exit 0 done, 1 refused, 2 wrong usage, 3 could not tell."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - it may be the system's own, older Python
    sys.exit("old-python: this Python is too old. Next: call make with PYTHON=python3.11 or newer")

from ..environment import load
from ..errors import DeliveryError
from . import base, containers, machine, services, setup, tools

VERBS = {
    "machine": "check the system packages; as root on Debian, install what is missing",
    "setup": "make .venv from the lock files, with `deliver` in it",
    "tools": "find or build the helm that delivery.yaml names",
    "containers": "write the settings that podman and buildah need here",
    "base": "have a base image, from a registry or from the distribution's packages",
    "services": "start the image registry and an MLflow server",
    "services-stop": "stop them; data stay",
}


def main(arguments: list[str]) -> int:
    """Run a verb in the current folder; return the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m delivery.local", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, what in VERBS.items():
        added = verbs.add_parser(verb, help=what, description=what)
        if verb == "services":
            added.add_argument("--only", choices=services.NAMES, help="start just this one")
    chosen = parser.parse_args(arguments)
    root = Path.cwd()
    try:
        load(root)
        _run(chosen, root)
    except DeliveryError as err:
        print("\n".join(err.lines()), file=sys.stderr)  # noqa: T201 - no console yet
        return err.exit_code
    return 0


def _run(chosen: argparse.Namespace, root: Path) -> None:
    if chosen.verb == "services":
        services.main(root, _say, chosen.only)
    elif chosen.verb == "services-stop":
        services.stop(root, _say)
    else:
        modules = (machine, setup, tools, containers, base)
        verbs = {module.__name__.rpartition(".")[2]: module.main for module in modules}
        verbs[chosen.verb](root, _say)


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - no console yet


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
