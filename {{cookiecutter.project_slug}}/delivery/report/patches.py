"""The exact difference of two manifests folders, a fenced block for each file.

Made here rather than by `git diff`, whose settings differ from one machine to the next.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import printable
from .objects import Shown

MOST_LINES = 3_000
"""Lines of a file that are compared one by one; more take too long."""


@dataclass(frozen=True)
class Patch:
    """One file's difference as Markdown, with the lines that come and go."""

    file: str
    lines: tuple[str, ...]
    added: int
    removed: int

    @property
    def block(self) -> list[str]:
        """The difference in a fence that nothing in it can end."""
        ticks = max((len(run) for run in re.findall("`+", "".join(self.lines))), default=0)
        fence = "`" * max(3, ticks + 1)
        return [f"{fence}diff", *self.lines, fence]


def patches(old: Mapping[str, Shown], new: Mapping[str, Shown]) -> tuple[list[Patch], list[str]]:
    """Return the difference of each file, and the files in which only ids differ."""
    found, quiet = [], []
    for file in sorted(old.keys() | new.keys()):
        before, after = old.get(file), new.get(file)
        if before is not None and after is not None:
            if (before.text, before.exact) == (after.text, after.exact):
                continue
            if before.data and after.data and _same(before, after):
                quiet.append(file)
                continue
        found.append(_patch(file, *_texts(before, after)))
    return found, quiet


def _same(before: Shown, after: Shown) -> bool:
    old, new = before.leaves(), after.leaves()
    return [(k, type(v), v) for k, v in old.items()] == [(k, type(v), v) for k, v in new.items()]


def _texts(before: Shown | None, after: Shown | None) -> tuple[str, str]:
    """Return both texts, exact where both may be shown so."""
    sides = [side for side in (before, after) if side is not None]
    exact = all(side.exact is not None for side in sides)
    texts = [("" if s is None else (s.exact if exact else s.text) or "") for s in (before, after)]
    return texts[0], texts[1]


def _patch(file: str, old: str, new: str) -> Patch:
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MOST_LINES:
        lines = [f"# {len(before)} lines become {len(after)}: too many to compare here"]
        return Patch(file, tuple(lines), len(after), len(before))
    lines = [printable(line) for line in difflib.unified_diff(before, after, lineterm="", n=3)][2:]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return Patch(file, tuple(lines), added, removed)
