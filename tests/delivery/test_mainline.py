"""Where the commits that Argo CD names stand among the records of main."""

from __future__ import annotations

from pathlib import Path

import pytest
from delivery.argocd.mainline import Mainline, Where
from delivery.errors import Unknown
from delivery.ledger import Entry
from delivery.workplace import Workplace

from tests.delivery.world import KUSTOMIZE_APP, World


def newest(world: World, environment: str = "dev") -> Entry:
    """Return the newest record of the app."""
    entry = world.line(environment).newest
    assert entry is not None
    return entry


def where(world: World, entry: Entry, revision: str) -> Where:
    return Mainline(world.work).where(entry, revision)


def with_origin(world: World, folder: Path) -> World:
    """Return a colleague's clone of a repository's new origin."""
    world.git("clone", "--quiet", "--bare", str(world.root), str(folder / "origin.git"))
    world.git("remote", "add", "origin", str(folder / "origin.git"))
    world.git("fetch", "--quiet", "origin")
    colleague = World(folder / "colleague")
    world.git("clone", "--quiet", str(folder / "origin.git"), str(colleague.root))
    return colleague


def test_commit_with_the_record_is_here(world: World) -> None:
    assert where(world, newest(world), world.git("rev-parse", "main")) is Where.HERE
    later = world.change({"README.md": "Hello\n"})
    assert where(world, newest(world), later) is Where.HERE


def test_commit_without_the_record_is_before(world: World) -> None:
    earlier = world.git("rev-parse", "main")
    world.merge(world.release(3))
    assert where(world, newest(world), earlier) is Where.BEFORE
    first = world.git("rev-list", "--max-parents=0", "main")
    assert where(world, newest(world), first) is Where.BEFORE


def test_commit_with_a_later_record_is_after(world: World) -> None:
    entry = newest(world)
    world.merge(world.release(3))
    assert where(world, entry, world.git("rev-parse", "main")) is Where.AFTER


def test_rollback_stands_apart_from_the_record_that_it_repeats(world: World) -> None:
    first, second = world.line("dev").entries
    synced = world.git("rev-parse", "main")
    world.merge(world.rollback("dev"))
    back = newest(world)
    assert back.record.manifests == first.record.manifests != second.record.manifests
    assert where(world, back, synced) is Where.BEFORE


def test_record_with_equal_manifests_is_the_same(world: World) -> None:
    world.merge(world.rollback("dev"))
    synced = world.git("rev-parse", "main")
    world.merge(world.resume("dev"))
    assert where(world, newest(world), synced) is Where.SAME


def test_other_environments_do_not_matter(world: World) -> None:
    entry = newest(world, "prod")
    world.merge(world.release(3))
    assert where(world, entry, world.git("rev-parse", "main")) is Where.HERE


def test_commit_of_a_branch_is_apart(world: World) -> None:
    proposal = world.release(3)
    assert where(world, newest(world), proposal.commit) is Where.APART


def test_record_that_was_rewritten_is_apart(world: World) -> None:
    entry = newest(world)
    synced = world.git("rev-parse", "main")
    path = world.root / entry.path
    path.write_bytes(path.read_bytes().replace(b"reason: test", b"reason: other"))
    world.git("commit", "--quiet", "--all", "--amend", "--message", "Rewrite history")
    assert where(world, newest(world), synced) is Where.APART


def test_commit_that_origin_has_is_fetched(world: World, tmp_path: Path) -> None:
    colleague = with_origin(world, tmp_path)
    mainline, entry = Mainline(world.work), newest(world)
    colleague.merge(colleague.release(3))
    colleague.git("push", "--quiet", "origin", "main")
    synced = colleague.git("rev-parse", "main")
    assert mainline.where(entry, synced) is Where.AFTER
    newer = mainline.place.ledger.line("dev", KUSTOMIZE_APP).newest
    assert newer is not None
    assert newer.number == entry.number + 1


def test_commit_that_nobody_has_is_apart_and_asked_for_once(world: World, tmp_path: Path) -> None:
    with_origin(world, tmp_path)
    mainline, entry = Mainline(world.work), newest(world)
    assert mainline.where(entry, "a" * 40) is Where.APART
    (tmp_path / "origin.git").rename(tmp_path / "gone")
    assert mainline.where(entry, "a" * 40) is Where.APART
    with pytest.raises(Unknown, match="origin-unreachable"):
        mainline.where(entry, "b" * 40)


def test_clone_without_an_origin_fetches_nothing(world: World) -> None:
    assert where(world, newest(world), "a" * 40) is Where.APART


def test_main_that_was_forced_back_is_seen(world: World, tmp_path: Path) -> None:
    colleague = with_origin(world, tmp_path)
    gone = newest(world, "staging")
    colleague.git("reset", "--quiet", "--hard", "HEAD~1")
    colleague.git("push", "--quiet", "--force", "origin", "main")
    mainline = Mainline(world.work)
    mainline.fetch()
    assert mainline.place.ledger.line("staging", KUSTOMIZE_APP).newest != gone
    assert mainline.where(gone, world.git("rev-parse", "main")) is Where.APART


def test_shallow_clone_cannot_tell(world: World, tmp_path: Path) -> None:
    early = world.git("rev-list", "--max-parents=0", "main")
    shallow = World(tmp_path / "shallow")
    world.git("clone", "--quiet", "--depth=1", f"file://{world.root}", str(shallow.root))
    mainline = Mainline(Workplace.open(shallow.root))
    assert mainline.where(newest(world), world.git("rev-parse", "main")) is Where.HERE
    shallow.git("fetch", "--quiet", "--depth=1", "origin", early)
    with pytest.raises(Unknown, match="history-missing"):
        mainline.where(newest(world), early)
