"""From a pull request on a real Git host to the cluster, with no hand between them.

The tests are one story and run in order: each begins with what the one before it left.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster import Cluster
from demo.shell import StepError, tell_next
from tests.cluster.reviewed import APP, Merged, Reviewed, reviewed
from tests.delivery.forged import forged
from tests.delivery.hosted import ADA, BEN

pytestmark = pytest.mark.cluster

FORGED = "much-better"
SYNCED_S, HEALTHY_S = 20, 120
"""Measured: 3 to 5 and 5 to 9 beside other work. A poll of Git would come within 60 here."""


@pytest.fixture(scope="module")
def asked(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    with reviewed(cluster, tmp_path_factory.mktemp("pull-request")) as found:
        yield found


def arrives(asked: Reviewed, environment: str, merged: Merged) -> None:
    """See a merge come to an environment in time, run there, and be noted on the host."""
    team = asked.team
    synced_s, healthy_s = asked.arrival(environment, merged)
    figures = f"{environment}: {synced_s:.1f} s from merge to Synced, {healthy_s:.1f} s to Healthy"
    tell_next([figures])
    assert synced_s < SYNCED_S
    assert healthy_s < HEALTHY_S
    assert asked.was_told(environment, merged)
    before = team.git("ls-remote", "origin", "refs/notes/deliver")
    assert "confirmed" in team.confirm(APP, environment)
    assert team.git("ls-remote", "origin", "refs/notes/deliver") not in ("", before)


def test_nobody_pushes_to_main(asked: Reviewed) -> None:
    team = asked.team
    before = team.git("ls-remote", "origin", "main")
    commit = team.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "By hand")
    with pytest.raises(StepError):
        team.git("push", "origin", f"{commit}:main")
    assert team.git("ls-remote", "origin", "main") == before


def test_release_goes_to_dev_by_itself(asked: Reviewed) -> None:
    number = asked.request("release", APP)
    assert asked.hosted.open_numbers() == [number]
    asked.judge(number)
    arrives(asked, "dev", asked.merged(number))


def test_promotion_waits_for_an_approval(asked: Reviewed) -> None:
    number = asked.request("promote", APP, "--to", "staging")
    assert asked.unapproved(number) == 405


def test_forged_promotion_is_not_merged_and_changes_nothing(asked: Reviewed) -> None:
    team, hosted = asked.team, asked.hosted
    before = asked.state("staging")
    team.git("switch", "--quiet", "--create", FORGED, f"promote/staging/{APP}-0002")
    hosted.world.change(forged(hosted.world, "HEAD", "staging/0002", 0.999))
    team.git("switch", "--quiet", "main")
    number = asked.propose(FORGED)
    hosted.approve(number, ADA, BEN)
    assert "evidence-differs" in asked.judge(number, refused=True)
    assert hosted.merge(number) == 405
    assert asked.state("staging") == before
    hosted.ask(ADA, "PATCH", f"pulls/{number}", {"state": "closed"})


def test_promotion_goes_to_staging_once_it_is_approved(asked: Reviewed) -> None:
    [number] = asked.hosted.open_numbers()
    asked.hosted.approve(number, ADA)
    asked.judge(number)
    assert asked.hosted.merge(number) == 200
    arrives(asked, "staging", asked.merged(number))


def test_rollback_goes_to_staging_with_one_approver(asked: Reviewed) -> None:
    team = asked.team
    newer, good = team.digest(APP, "staging"), asked.first_question("staging")
    number = asked.request("rollback", APP, "--env", "staging")
    assert asked.unapproved(number) == 405
    asked.hosted.approve(number, BEN)
    asked.judge(number)
    assert asked.hosted.merge(number) == 200
    arrives(asked, "staging", asked.merged(number))
    assert team.digest(APP, "staging") != newer
    again = team.ask(APP, "staging", good["request"])
    assert again["outputs"][0]["data"] == pytest.approx(good["answers"], rel=1e-6)
    assert again["parameters"]["release"] == team.current(APP, "staging")["release"]
    assert team.alias(APP, "staging") == "1"
