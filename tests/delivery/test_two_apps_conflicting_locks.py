"""Two apps of one repository that need versions of a library which exclude each other."""

from __future__ import annotations

import json

import pytest
from delivery.errors import Unknown
from delivery.models.environment import app_python
from delivery.models.locking import LOCK, WANTED, resolve

from tests.delivery.growing import add, commit, deliver, run, shared_environments, with_environments
from tests.delivery.world import World

pytestmark = pytest.mark.slow

LIBRARY = "scikit-learn"
VERSIONS = {"older-model": "1.8", "newer-model": "1.9"}
VERSION = "import sklearn; print(sklearn.__version__)"


@pytest.fixture(scope="module")
def torn(baked: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A repository with an app for each version, locked and committed."""
    world = baked.copy(tmp_path_factory.mktemp("torn") / "repository")
    with_environments(world, shared_environments(tmp_path_factory))
    for app, version in VERSIONS.items():
        add(world, app)
        folder = world.root / "apps" / app
        lines = (folder / WANTED).read_text().splitlines()
        kept = [line for line in lines if not line.startswith(LIBRARY)]
        (folder / WANTED).write_text("\n".join([*kept, f"{LIBRARY}=={version}.*\n"]))
        for name, lock in resolve(folder).items():
            (folder / name).write_bytes(lock)
    commit(world)
    return world


def test_no_environment_could_serve_both(torn: World) -> None:
    folder = torn.root / ".local" / "both"
    folder.mkdir()
    wanted = "".join(f"{LIBRARY}=={version}.*\n" for version in VERSIONS.values())
    (folder / WANTED).write_text(wanted)
    with pytest.raises(Unknown, match=r"lock-failed: (.|\n)*unsatisfiable"):
        resolve(folder)


@pytest.mark.parametrize("app", VERSIONS)
def test_each_app_trains_with_the_version_that_it_needs(torn: World, app: str) -> None:
    done = deliver(torn, "train", app, "--json")
    assert done.returncode == 0, done.stderr
    lock = (torn.root / "apps" / app / LOCK).read_bytes()
    assert (
        json.loads(done.stdout)["model"]["lock"]
        == torn.work.app(app).made_of(torn.work.settings).lock
    )
    python = app_python(torn.root, app, lock)
    assert run(torn, str(python), "-c", VERSION).stdout.startswith(f"{VERSIONS[app]}.")
