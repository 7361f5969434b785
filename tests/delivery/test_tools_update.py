"""Delivery tools are updated on main: old records stay good, clusters change by records alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World
from tests.e2e.user import User

pytestmark = pytest.mark.slow

ENVIRONMENTS = ("dev", "staging", "prod")
WHY = ("--reason", "because")
RENDER = "delivery/rendering/recipe.py"
Update = Callable[[World], object]


def our_rendering(world: World) -> None:
    """Have our own part of rendering write one more annotation, under a new number."""
    files = {"delivery/__init__.py": ("RENDERER = 3", "RENDERER = 4")}
    old = '"deliver.io/run": model.run,'
    files[RENDER] = (old, f'{old} "deliver.io/renderer": "4",')
    for path, (before, after) in files.items():
        text = (world.root / path).read_text()
        assert before in text
        world.write({path: text.replace(before, after)})
    world.commit("Update delivery/")


def kustomize(world: World) -> None:
    """Name the kustomize of another kubectl that is on this machine."""
    path = shutil.which("kubectl")
    version = kustomize_version(path) if path else ""
    settings = (world.root / "delivery.yaml").read_text()
    if not version or version in settings:
        pytest.skip("no kubectl with another kustomize is on PATH")
    world.change({"delivery.yaml": settings.replace("kustomize: 5.8.1", f"kustomize: {version}")})


def kustomize_version(kubectl: str) -> str:
    words = [kubectl, "version", "--client", "--output=json"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    found = re.search(r'"kustomizeVersion": "v([0-9.]+)"', done.stdout)
    return found[1] if found else ""


UPDATES = [our_rendering, kustomize]


@pytest.fixture
def world(both_delivered: World, tmp_path: Path) -> World:
    """Both apps in all environments; one of them with two releases everywhere."""
    world = both_delivered.copy(tmp_path / "old/repository")
    world.merge(world.promote("prod"))
    return world


def user_of(world: World) -> User:
    """Return a user with the repository's own `deliver`, as main has it."""
    return User(world.root, world.root, world.root.with_name("tmp"))


def releases(world: World, environment: str) -> str:
    """Return what a cluster reads, as one id."""
    return world.git("rev-parse", f"HEAD:releases/{environment}")


def done(user: User, *words: str) -> str:
    """Return what a verb printed that did its work."""
    answer = user.deliver(*words)
    assert (answer.status, answer.err) == (0, ""), answer
    return answer.out


def merge(world: World, user: User, printed: str) -> None:
    """Check a branch, squash-merge it and delete it."""
    branch = re.findall(r"on branch (\S+)", printed)[0]
    done(user, "check", "--base", "main", "--head", branch)
    world.git("merge", "--quiet", "--squash", branch)
    world.commit(f"Merge {branch}")
    world.git("branch", "--quiet", "-D", branch)


@pytest.mark.parametrize("update", UPDATES)
def test_update_reaches_environments_one_by_one(update: Update, world: World) -> None:
    before = [releases(world, name) for name in ENVIRONMENTS]
    update(world)
    user = user_of(world)
    assert [releases(world, name) for name in ENVIRONMENTS] == before
    done(user, "check")
    notes = [row["note"] for row in json.loads(done(user, "status", "--json"))]
    assert all("rerender pending" in note for note in notes)
    for at, name in enumerate(ENVIRONMENTS):
        merge(world, user, done(user, "render", "--env", name))
        after = [releases(world, other) for other in ENVIRONMENTS]
        assert after[at] != before[at]
        assert after[at + 1 :] == before[at + 1 :]
        newest = [world.line(name, app).entries[-1].record for app in (KUSTOMIZE_APP, HELM_APP)]
        assert [record.kind for record in newest] == ["rerender", "rerender"]
    done(user, "check")


@pytest.mark.parametrize("update", UPDATES)
def test_rollback_to_what_another_renderer_wrote_is_byte_for_byte(
    update: Update, world: World
) -> None:
    old = world.git("rev-parse", f"HEAD~1:releases/prod/{KUSTOMIZE_APP}/manifests")
    update(world)
    user = user_of(world)
    merge(world, user, done(user, "render", "--env", "prod", KUSTOMIZE_APP))
    merge(world, user, done(user, "rollback", KUSTOMIZE_APP, "--env", "prod", *WHY))
    assert world.git("rev-parse", f"HEAD:releases/prod/{KUSTOMIZE_APP}/manifests") == old
    assert world.line("prod").entries[-1].record.release.model.version == "1"
    done(user, "check")
    merge(world, user, done(user, "resume", KUSTOMIZE_APP, "--env", "prod", *WHY))
    merge(world, user, done(user, "render", "--env", "prod", KUSTOMIZE_APP))
    done(user, "check")


def test_step_from_before_an_update_is_taken_anew(world: World) -> None:
    path = f"overlays/prod/{KUSTOMIZE_APP}/kustomization.yaml"
    world.change({path: (world.root / path).read_text() + "# changed\n"})
    out = done(user_of(world), "render", "--env", "prod", KUSTOMIZE_APP)
    branch = re.findall(r"on branch (\S+)", out)[0]
    our_rendering(world)
    user = user_of(world)
    world.git("rebase", "--quiet", "main", branch)
    answer = user.deliver("check", "--base", "main", "--head", branch)
    assert answer.status == 1
    assert "not-of-main" in answer.err
    world.git("switch", "--quiet", "main")
    world.git("branch", "--quiet", "-D", branch)
    merge(world, user, done(user, "render", "--env", "prod", KUSTOMIZE_APP))


def test_update_is_judged_by_the_old_tools(both_delivered: World, world: World) -> None:
    our_rendering(world)
    words = ("check", "--base", "HEAD~1")
    old = User(world.root, both_delivered.root, world.root.with_name("tmp"))
    assert old.deliver(*words).status == 0
    assert old.deliver("check").status == 0
    new = user_of(world).deliver(*words)
    assert (new.status, new.out.partition(":")[0]) == (3, "preview")


def test_tools_that_render_the_same_leave_nothing_pending(world: World) -> None:
    path = "delivery/verbs/status.py"
    world.change({path: (world.root / path).read_text() + "\n# newer\n"})
    user = user_of(world)
    done(user, "check")
    assert "pending" not in done(user, "status")
    user.deliver("render", "--env", "dev").refuses("nothing-pending", 1)
