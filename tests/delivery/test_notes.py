"""Confirmations are noted beside records, for everyone, whoever else notes at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from delivery.argocd.notes import Confirmation, read_notes, write_note
from delivery.argocd.refs import NOTES, REFSPEC
from delivery.canonical import sha256
from delivery.errors import Unknown

from tests.delivery.world import World

TIME = "2026-11-22T09:30:00Z"
LATER = "2026-11-23T09:30:00Z"
SEVERAL = 6
Clone = Callable[[str], World]


def confirmation(record: str, time: str = TIME) -> Confirmation:
    return Confirmation(
        record=sha256(record.encode()), revision="a" * 40, outcome="confirmed", time=time
    )


def note(world: World, record: str, time: str = TIME) -> bool:
    """Note a record on the first commit of main."""
    first = world.git("rev-list", "--max-parents=0", "main")
    return write_note(world.repository, first, confirmation(record, time))


def noted(world: World) -> set[str]:
    """Return the records that are noted in a clone."""
    return set(read_notes(world.repository) or {})


@pytest.fixture
def origin(tmp_path: Path) -> World:
    """A repository with a commit, from which people clone."""
    source = World(tmp_path / "source")
    source.root.mkdir()
    source.git("init", "--quiet", "--initial-branch=main")
    source.change({"README.md": "Hello\n"})
    source.git("clone", "--quiet", "--bare", str(source.root), str(tmp_path / "origin.git"))
    return World(tmp_path / "origin.git")


@pytest.fixture
def clone(origin: World, tmp_path: Path) -> Clone:
    """Return a function that gives a clone by name."""

    def cloned(name: str) -> World:
        world = World(tmp_path / name)
        origin.git("clone", "--quiet", str(origin.root), str(world.root))
        for key, value in (("user.name", name), ("user.email", f"{name}@example.com")):
            world.git("config", key, value)
        return world

    return cloned


def test_repository_without_notes_says_so(origin: World) -> None:
    assert read_notes(origin.repository) is None


def test_note_is_one_canonical_line_that_git_shows(clone: Clone) -> None:
    world = clone("ada")
    assert note(world, "x")
    text = world.git("notes", "--ref=deliver", "show", "main")
    assert text == confirmation("x").line()
    assert text.startswith('{"outcome":"confirmed","record":"sha256:')


def test_note_reaches_those_who_fetch(clone: Clone) -> None:
    ada, bob = clone("ada"), clone("bob")
    note(ada, "x")
    assert note(bob, "y")
    assert noted(bob) == {sha256(b"x"), sha256(b"y")}
    assert noted(ada) == {sha256(b"x")}


def test_second_note_of_a_record_changes_nothing(origin: World, clone: Clone) -> None:
    ada, bob = clone("ada"), clone("bob")
    note(ada, "x")
    before = origin.git("rev-parse", NOTES)
    assert not note(ada, "x", LATER)
    assert not note(bob, "x", LATER)
    assert origin.git("rev-parse", NOTES) == before
    found = read_notes(bob.repository)
    assert found is not None
    assert found[sha256(b"x")].time == TIME


def test_notes_written_at_once_are_all_kept(origin: World, clone: Clone) -> None:
    clones = [clone(f"person-{number}") for number in range(SEVERAL)]
    with ThreadPoolExecutor(SEVERAL) as pool:
        new = list(pool.map(note, clones, [f"record {n}" for n in range(SEVERAL)]))
    assert all(new)
    assert noted(origin) == {sha256(f"record {n}".encode()) for n in range(SEVERAL)}


def test_notes_written_at_once_in_one_clone_are_all_kept(origin: World, clone: Clone) -> None:
    world = clone("ada")
    with ThreadPoolExecutor(SEVERAL) as pool:
        list(pool.map(note, [world] * SEVERAL, [f"record {n}" for n in range(SEVERAL)]))
    assert noted(origin) == {sha256(f"record {n}".encode()) for n in range(SEVERAL)}


def test_note_that_origin_does_not_take_stays_and_goes_along_later(
    origin: World, clone: Clone
) -> None:
    world = clone("ada")
    hook = origin.root / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'no notes today' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Unknown) as refusal:
        note(world, "x")
    assert refusal.value.code == "notes-not-pushed"
    assert noted(world) == {sha256(b"x")}
    hook.unlink()
    assert not note(world, "x", LATER)
    assert noted(origin) == {sha256(b"x")}


def test_origin_that_is_gone_is_named(origin: World, clone: Clone) -> None:
    world = clone("ada")
    origin.root.rename(origin.root.with_name("gone"))
    with pytest.raises(Unknown, match="notes-not-pushed"):
        note(world, "x")


def test_fetch_takes_away_no_note_that_was_not_pushed(origin: World, clone: Clone) -> None:
    ada, bob = clone("ada"), clone("bob")
    note(bob, "x")
    ada.git("remote", "set-url", "--push", "origin", "/nowhere")
    with pytest.raises(Unknown, match="notes-not-pushed"):
        note(ada, "y")
    note(bob, "z")
    ada.git("fetch", "--quiet", "origin", REFSPEC)
    assert noted(ada) == {sha256(b"x"), sha256(b"y"), sha256(b"z")}
    assert noted(origin) == {sha256(b"x"), sha256(b"z")}


def test_repository_without_an_origin_notes_for_itself(clone: Clone) -> None:
    world = clone("ada")
    world.git("remote", "remove", "origin")
    assert note(world, "x")
    assert noted(world) == {sha256(b"x")}


def test_line_of_another_format_is_kept_and_not_read(clone: Clone) -> None:
    world = clone("ada")
    world.git("notes", "--ref=deliver", "add", "--message", '{"schema":2,"more":1}', "main")
    note(world, "x")
    assert noted(world) == {sha256(b"x")}
    assert '{"schema":2,"more":1}' in world.git("notes", "--ref=deliver", "show", "main")
