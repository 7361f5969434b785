"""The `deliver` command: every verb mounted, every error caught, here and only here."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

import typer

from .commands import adding, cluster, guarding, making, moving, reading, updating
from .console import show_error
from .environment import load
from .errors import DeliveryError, Unknown, UsageError
from .settings import PATH

INTERRUPTED = 130

app = typer.Typer(
    name="deliver",
    help="Bring machine-learning models through dev, staging and prod, by records in Git.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # costs 0.14 s of start-up
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (reading, adding, making, moving, cluster, guarding, updating):
    group.mount(app)


def main() -> None:
    """Run the command; exit 0 done, 1 refused, 2 wrong usage, 3 could not tell."""
    if isinstance(sys.stdout, TextIOWrapper):  # no terminal's alphabet is a reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        load(root_of(Path.cwd()))
        _call()
    except DeliveryError as err:
        stop(err)
    except OSError as err:
        stop(_io_failed(err))
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer has turned the signal into an exit
            sys.stderr.write("stopped; nothing is half-written\n")
        raise


def _call() -> None:
    """Call the verb. What it cannot take is told by typer, or as JSON where machines read."""
    if "--json" not in sys.argv:
        app()
        return
    try:
        ended = app(standalone_mode=False)
    except typer.TyperException as err:
        words = str(err), "Each verb takes what its --help names.", "see `deliver --help`"
        raise UsageError("bad-call", *words) from None
    sys.exit(ended if isinstance(ended, int) else 0)


def stop(err: DeliveryError) -> NoReturn:
    """Print an error and exit with its status."""
    show_error(err, as_json="--json" in sys.argv)
    raise SystemExit(err.exit_code) from None


def _io_failed(err: OSError) -> Unknown:
    remedy = "make room on the disk, or mend the folder's rights, and call again"
    if isinstance(err, FileExistsError | NotADirectoryError):
        remedy = "a folder is needed there, and a file has that name: name another folder"
    return Unknown(
        "io-failed",
        f"{err.strerror or err}: {err.filename or 'no file named'}.",
        "Files are written whole or not at all, so nothing is half-written.",
        remedy,
    )


def root_of(start: Path) -> Path:
    """Return the folder with delivery.yaml at or above a folder, else that folder."""
    return next((p for p in (start, *start.parents) if (p / PATH).is_file()), start)
