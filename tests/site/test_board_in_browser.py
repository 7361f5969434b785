"""The board in a real browser: light, dark and on a phone, for everyone, asking nobody else.

BOARD_SHOTS=<folder> keeps what was seen as pictures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from delivery.verbs.site import site

from tests.delivery.chronicled import chronicled
from tests.delivery.world import KUSTOMIZE_APP, World, bake
from tests.site.browser import look, prepare, served

pytestmark = pytest.mark.slow
APPS, RECORDS, MOST = 100, 1000, 300_000
HELD = f"{KUSTOMIZE_APP}-003"
PAGES = ("index.html", "about.html", f"apps/{HELD}.html", f"records/{HELD}/prod-0002.html")
PLACE = "acme/models/"
"""Hosts show a repository's pages below a folder of its name."""

Seen = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The board of 100 apps with 1,000 records, in the folder that a server hands out."""
    out = tmp_path_factory.mktemp("served")
    world = chronicled(World(bake(tmp_path_factory.mktemp("many"))), APPS, RECORDS)
    site(world.work, out / PLACE, None)
    return out


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("modules"))


@pytest.fixture(scope="module")
def seen(folder: Path, modules: Path) -> Seen:
    """What the browser made of each page in each view."""
    shots = os.environ.get("BOARD_SHOTS")
    with served(folder) as url:
        return look(modules, url + PLACE, PAGES, Path(shots) if shots else None)


def told(seen: Seen, key: str) -> dict[str, Any]:
    """Return what is not empty of one kind, by view and page."""
    return {f"{one['view']} {one['path']}": one[key] for one in seen if one[key]}


def test_browser_reports_no_error(seen: Seen) -> None:
    assert told(seen, "errors") == {}


def test_browser_asks_nobody_else(seen: Seen) -> None:
    assert told(seen, "outside") == {}


def test_pages_meet_wcag_aa(seen: Seen) -> None:
    assert told(seen, "axe") == {}
    assert min(one["rules"] for one in seen) > 20


def test_first_view_is_small(seen: Seen) -> None:
    assert [
        one["bytes"] for one in seen if one["path"] == "index.html" and one["bytes"] > MOST
    ] == []


def test_nothing_runs_over_the_edge(seen: Seen) -> None:
    assert told(seen, "overflow") == {}
    assert len(told(seen, "styled")) == len(seen)


def test_board_reads_from_a_folder_without_server(folder: Path, modules: Path) -> None:
    seen = look(modules, f"{(folder / PLACE).as_uri()}/", PAGES[:1], None)
    assert (told(seen, "errors"), len(told(seen, "styled"))) == ({}, len(seen))
