"""Settings of one machine: `.env` beside the repository, and the cache that repositories share.

`.env` holds KEY=VALUE lines, as a shell reads them; it is ignored by Git. What the real environment
says wins. Standard library only: it is read before `.venv` exists.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .errors import UsageError

FILE = ".env"


def read_env(root: Path) -> dict[str, str]:
    """Return what `.env` sets, or nothing when there is no such file.

    Raises UsageError (`broken-file`), naming the line, for what is no KEY=VALUE.
    """
    found = {}
    for number, line in enumerate(_lines(root), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            key, value = _pair(line, number)
            found[key] = value
    return found


def write_env(root: Path, changes: Mapping[str, str | None]) -> None:
    """Set keys in `.env`, or take out those that are None; other lines stay as they are."""
    before = _lines(root)
    kept = [line for line in before if _key(line) not in changes]
    new = [f"{key}={shlex.quote(value)}" for key, value in changes.items() if value is not None]
    if kept + new != before:
        _replace(root / FILE, "".join(f"{line}\n" for line in kept + new))


def load(root: Path) -> None:
    """Add what `.env` sets to this process's environment, which wins where both set something."""
    for key, value in read_env(root).items():
        os.environ.setdefault(key, value)


def cache_home() -> Path:
    """Return the folder for what is made once for all repositories of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or home() / ".cache"
    return Path(base) / "deliver"


def home() -> Path:
    """Return this user's home folder; raises UsageError (`no-home`)."""
    try:
        return Path.home()
    except RuntimeError:
        raise UsageError(
            "no-home",
            f"user {os.getuid()} has no home folder, and HOME is not set.",
            "Caches, and the settings of other programs, are kept there.",
            "set HOME to a folder that this user may write to",
        ) from None


def _lines(root: Path) -> list[str]:
    try:
        text = (root / FILE).read_bytes()
    except FileNotFoundError:
        return []
    # What is no UTF-8, or NUL, can be no value of a variable: its line is then no pair.
    return text.replace(b"\0", b"\xff").decode("utf-8", "replace").splitlines()


def _key(line: str) -> str:
    return line.partition("=")[0].strip().removeprefix("export ").strip()


def _pair(line: str, number: int) -> tuple[str, str]:
    key, equals, value = _key(line), "=" in line, line.partition("=")[2].strip()
    try:
        words = shlex.split(value) if value[:1] in ("'", '"') else [value]
    except ValueError:
        words = []
    readable = "\N{REPLACEMENT CHARACTER}" not in value
    if not (key.isidentifier() and equals and len(words) == 1 and readable):
        raise UsageError(
            "broken-file",
            f"{FILE}, line {number}: `{line.strip()}` is no KEY=VALUE.",
            "Each line sets one variable; a value with spaces stands in quotes.",
            "mend the line, or remove the file and run `make base`",
        )
    return key, words[0]


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    Path(name).chmod(0o644)
    Path(name).replace(path)
