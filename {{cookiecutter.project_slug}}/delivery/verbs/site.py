"""`deliver site`: the board as static pages, built from the repository alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..files import write
from ..site.board import Board
from ..site.chronicle import committed, read_chronicle
from ..site.pages import FIRST_VIEW, Pages
from ..workplace import Workplace


@dataclass(frozen=True)
class Built:
    """What was written: how many pages, and the bytes of all that the first one needs."""

    folder: Path
    pages: int
    first_view_bytes: int


def site(workplace: Workplace, folder: Path, now: datetime | None) -> Built:
    """Write the board of main into a folder and return what was written.

    Lengths of time are reckoned at `now`, or else at the time of main's newest commit: the same
    commit, branches and confirmations give the same bytes. Raises Unknown (`history-missing`) in a
    shallow clone. What else is in the folder stays.
    """
    moment = now or committed(workplace.repository, workplace.main.commit)
    board = Board(workplace, read_chronicle(workplace), moment, is_newest_commit=now is None)
    sizes = {}
    for path, data in Pages(board):
        write(folder / path, data)
        sizes[path] = len(data)
    pages = sum(path.endswith(".html") for path in sizes)
    return Built(folder, pages, sum(sizes[path] for path in FIRST_VIEW))
