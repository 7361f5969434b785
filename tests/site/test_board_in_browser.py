"""The board in a real browser: light, dark and on a phone, for everyone, asking nobody else.

BOARD_SHOTS=<folder> keeps what was seen as pictures.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from delivery.verbs.site import site

from tests.delivery.chronicled import chronicled
from tests.delivery.world import KUSTOMIZE_APP, World, bake
from tests.site.browser import look, served, wrong

pytestmark = pytest.mark.slow
APPS, RECORDS, MOST = 100, 1000, 300_000
HELD = f"{KUSTOMIZE_APP}-003"
PAGES = ("index.html", "about.html", f"apps/{HELD}.html", f"records/{HELD}/prod-0002.html")
PLACE = "acme/models/"
"""Hosts show a repository's pages below a folder of its name."""


def board(folder: Path, apps: int, records: int) -> Path:
    """Return the folder with the board of so many apps and records."""
    world = chronicled(World(bake(folder / "bake")), apps, records)
    site(world.work, folder / PLACE, None)
    return folder / PLACE


# One test for all views: workers of a parallel run would each build the board for its own.
def test_board_of_many_apps_meets_its_bars_in_a_browser(tmp_path: Path, modules: Path) -> None:
    board(tmp_path, APPS, RECORDS)
    shots = os.environ.get("BOARD_SHOTS")
    with served(tmp_path) as url:
        seen = look(modules, url + PLACE, PAGES, Path(shots) if shots else None)
    assert wrong(seen) == {}
    assert max(one["bytes"] for one in seen if one["path"] == PAGES[0]) <= MOST
    assert all(one["styled"] and one["rules"] > 20 for one in seen)


def test_board_reads_from_a_folder_without_server(tmp_path: Path, modules: Path) -> None:
    seen = look(modules, f"{board(tmp_path, 3, 24).as_uri()}/", PAGES, None)
    assert wrong(seen) == {}
    assert all(one["styled"] for one in seen)
