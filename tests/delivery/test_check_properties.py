"""Random histories: no release gets past an environment, no edited byte gets past `check`."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from delivery.check import check_whole
from delivery.errors import Refused
from delivery.proposal import Proposal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.delivery.world import KUSTOMIZE_APP, World

ENVIRONMENTS = ("dev", "staging", "prod")
environments = st.sampled_from(ENVIRONMENTS)
OVERLAY = "overlays/{}/" + KUSTOMIZE_APP + "/kustomization.yaml"


class History(RuleBasedStateMachine):
    """People and programs who release, promote, configure, roll back, and edit by hand.

    What the verbs write has to pass `check` and is merged. What is edited by hand on top of it has
    to be refused, and is never merged.
    """

    baked: World

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="deliver-history-"))
        self.world = self.baked.copy(self.folder / "repository")
        self.numbers = iter(range(1, 1000))
        self.replicas = iter(range(2, 1000))

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    @rule()
    def release(self) -> None:
        self._merge(lambda: self.world.release(next(self.numbers)))

    @rule(environment=environments)
    def promote(self, environment: str) -> None:
        self._merge(lambda: self.world.promote(environment))

    @rule(environment=environments)
    def configure(self, environment: str) -> None:
        count = f"replicas:\n  - {{name: {KUSTOMIZE_APP}, count: {next(self.replicas)}}}\n"
        path = OVERLAY.format(environment)
        head = (self.world.root / path).read_text().split("replicas:")[0]
        self.world.change({path: head + count})
        self._merge(lambda: self.world.render(environment)[0])

    @rule(environment=environments)
    def rollback(self, environment: str) -> None:
        self._merge(lambda: self.world.rollback(environment))

    @rule(environment=environments)
    def resume(self, environment: str) -> None:
        self._merge(lambda: self.world.resume(environment))

    @rule(seed=st.integers(0, 2**32), on_top=st.booleans())
    def edit(self, seed: int, on_top: bool) -> None:
        """Edit what lies in releases/, alone or on top of what a verb wrote."""
        chance = random.Random(seed)  # noqa: S311 - hypothesis chose the seed
        base = self._some_branch(chance) if on_top else None
        self.world.git("switch", "--quiet", "--create", "edited", base or "main")
        if edit_by_hand(self.world, chance):
            self.world.commit("Edit by hand")
            assert self.world.check("edited").exit_code == 1
        self.world.git("switch", "--quiet", "--force", "main")
        self.world.git("clean", "-fdq")
        for branch in filter(None, ("edited", base)):
            self.world.git("branch", "--quiet", "-D", branch)

    @invariant()
    def each_release_passed_the_environment_before(self) -> None:
        for earlier, later in pairwise(ENVIRONMENTS):
            entries = self.world.line(later).entries
            accepted = {e.record.release.id for e in self.world.line(earlier).entries}
            assert {e.record.release.id for e in entries} <= accepted

    @invariant()
    def whole_repository_verifies(self) -> None:
        assert check_whole(self.world.repository).findings == []

    def _merge(self, verb: Callable[[], Proposal]) -> None:
        try:
            proposal = verb()
        except Refused:
            return
        assert self.world.check(proposal.branch).findings == []
        self.world.merge(proposal)

    def _some_branch(self, chance: random.Random) -> str | None:
        environment = chance.choice(ENVIRONMENTS)
        verbs: list[Callable[[], Proposal]] = [
            lambda: self.world.release(next(self.numbers)),
            lambda: self.world.promote(environment),
            lambda: self.world.rollback(environment),
        ]
        try:
            return chance.choice(verbs)().branch
        except Refused:
            return None


def edit_by_hand(world: World, chance: random.Random) -> bool:
    """Spoil `releases/` in one of many ways; return whether anything was changed."""
    files = sorted(p for p in (world.root / "releases").rglob("*") if p.is_file())
    files = [path for path in files if path.name != "README.md"]
    if not files:
        return False
    path = chance.choice(files)
    records = sorted(p for p in files if p.suffix == ".yaml" and p.parent.name == "records")
    edits: list[Callable[[], object]] = [
        lambda: flip(path, chance),
        lambda: flip(path, chance),
        lambda: path.unlink(),
        lambda: path.write_bytes(path.read_bytes() + b"---\nkind: Secret\n"),
        lambda: relink(path),
        lambda: path.chmod(0o755),
        lambda: path.rename(path.with_name("x-" + path.name)),
        lambda: shutil.copy(path, path.with_name("copy.yaml")),
        lambda: renumber(chance.choice(records)),
        lambda: shutil.copy(chance.choice(records), chance.choice(records).with_name("0099.yaml")),
        lambda: shutil.copytree(path.parent.parent, path.parent.parent.parent / "other"),
    ]
    chance.choice(edits)()
    return bool(world.git("status", "--porcelain"))


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(7)
    path.write_bytes(data)


def relink(path: Path) -> None:
    target = path.rename(path.with_name("target"))
    path.symlink_to(target.name)


def renumber(path: Path) -> None:
    path.rename(path.with_name(f"{int(path.stem) + 1:04}.yaml"))


@pytest.mark.slow
def test_no_history_gets_past_the_rules(baked: World) -> None:
    History.baked = baked
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
