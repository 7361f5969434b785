"""Drift: each way in which clusters, registries and Git may disagree has a name and a next step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from delivery.argocd.api import connect
from delivery.argocd.confirm import added_by, newest
from delivery.argocd.drift import Comparison, Drift, Finding, drift
from delivery.argocd.live import live
from delivery.argocd.mainline import Mainline
from delivery.argocd.notes import Confirmation, write_note
from delivery.errors import Refused
from delivery.models.aliases import Aliases
from delivery.models.registry import Registry
from delivery.models.stored import stored

from tests.delivery import containers
from tests.delivery.models import register
from tests.delivery.recorded import at
from tests.delivery.replaying import TOKEN, Answer, Server, replaying
from tests.delivery.world import KUSTOMIZE_APP, World

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own

NAME = "acme-models-dev-tumour-classifier"
TIME = "2026-11-22T09:30:00Z"


@pytest.fixture
def server() -> Iterator[Server]:
    with replaying() as found:
        yield found


def comparing(world: World, *environments: str) -> Comparison:
    return Comparison(Mainline(world.work), list(environments or ["dev"]))


def cluster(world: World, server: Server, *answers: dict[str, Any]) -> list[Finding]:
    """Return what is found where Argo CD gives these Applications."""
    server.gives("applications", {"items": list(answers)})
    for answer in answers:
        name = answer["metadata"]["name"]
        server.gives(f"applications/{name}", answer)
        server.answers.setdefault(f"/api/v1/applications/{name}/managed-resources", [Answer({})])
    environ = {"ARGOCD_SERVER": server.url, "ARGOCD_AUTH_TOKEN": TOKEN}
    return list(comparing(world).clusters("dev", partial(connect, environ=environ)))


def codes(findings: list[Finding]) -> list[str]:
    return [finding.problem.code for finding in findings]


def main_of(world: World) -> str:
    return world.git("rev-parse", "main")


def test_record_that_runs_is_no_finding(delivered: World, server: Server) -> None:
    assert cluster(delivered, server, at("runs", main_of(delivered))) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("degraded", "degraded"),
        ("question-failed", "question-failed"),
        ("window-closed", "not-synced"),
        ("first-sync", "syncing"),
        ("resumed", "not-asked"),
        ("unreadable", "behind"),
    ],
)
def test_record_that_does_not_run_is_named(
    name: str, code: str, delivered: World, server: Server
) -> None:
    [found] = cluster(delivered, server, at(name, main_of(delivered)))
    assert (found.environment, found.app, found.problem.code) == ("dev", KUSTOMIZE_APP, code)
    assert isinstance(found.problem, Refused)
    assert "deliver " in found.problem.next_step


def test_missing_application_is_named(delivered: World, server: Server) -> None:
    assert codes(cluster(delivered, server)) == ["no-application"]


def test_application_without_a_record_is_named(delivered: World, server: Server) -> None:
    ours = at("runs", main_of(delivered))
    old = at("runs", main_of(delivered))
    old["metadata"]["name"] = "acme-models-dev-old"
    old["spec"]["source"]["path"] = "releases/dev/old/manifests"
    [found] = cluster(delivered, server, ours, old)
    assert found.problem.code == "orphan-application"
    assert "acme-models-dev-old" in found.problem.next_step


def test_application_of_the_environment_itself_is_no_orphan(
    delivered: World, server: Server
) -> None:
    ours, own = at("runs", main_of(delivered)), at("runs", main_of(delivered))
    own["metadata"]["name"] = "acme-models-dev-namespace"
    own["spec"]["source"]["path"] = "argocd/dev/namespace"
    assert cluster(delivered, server, ours, own) == []


def test_other_image_of_the_app_is_named(delivered: World, server: Server) -> None:
    entry = newest(delivered.work, KUSTOMIZE_APP, "dev")
    image = entry.record.release.image
    other = f"{image.rsplit('@', 1)[0]}@sha256:{'0' * 64}"
    answer = at("runs", main_of(delivered))
    answer["status"]["summary"] = {"images": [image, "istio/proxyv2:1.31", other]}
    [found] = cluster(delivered, server, answer)
    assert found.problem.code == "other-image"
    assert "0" * 64 in found.problem.seen


def test_image_that_was_put_in_by_hand_is_named(delivered: World, server: Server) -> None:
    entry = newest(delivered.work, KUSTOMIZE_APP, "dev")
    other = f"registry.example.com/other@sha256:{'0' * 64}"
    template = {"spec": {"containers": [{"name": "server", "image": other}]}}
    live = [{"spec": {"template": template}}, {"spec": None}, None]
    items = [{"kind": "Deployment", "liveState": json.dumps(one)} for one in live]
    server.gives(f"applications/{NAME}/managed-resources", {"items": items})
    found = cluster(delivered, server, at("window-closed", main_of(delivered)))
    assert codes(found) == ["not-synced", "other-image"]
    assert other in found[1].problem.seen
    template["spec"]["containers"][0]["image"] = entry.record.release.image
    items[0]["liveState"] = json.dumps(live[0])
    server.gives(f"applications/{NAME}/managed-resources", {"items": items})
    assert codes(cluster(delivered, server, at("window-closed", main_of(delivered)))) == [
        "not-synced"
    ]


def test_record_that_nobody_confirmed_is_named(world: World) -> None:
    assert codes(list(comparing(world).notes())) == ["unconfirmed"]
    place = world.work
    entry = newest(place, KUSTOMIZE_APP, "dev")
    note = Confirmation(
        record=entry.sha256, revision=main_of(world), outcome="confirmed", time=TIME
    )
    write_note(place.repository, added_by(place, entry), note)
    assert list(comparing(world).notes()) == []
    assert codes(list(comparing(world, "dev", "staging", "prod").notes())) == ["unconfirmed"] * 2


@pytest.mark.slow
def test_alias_that_does_not_follow_is_named(world: World) -> None:
    aliases = Aliases(Registry.of(world.work.settings, world.root))

    def found() -> list[str]:
        return codes(list(comparing(world).aliases(aliases)))

    assert found() == ["alias-missing"]
    assert not (world.root / ".local/mlflow").exists()
    register(world, 1, 2, 3)
    assert found() == ["alias-missing"]
    releases = {n: world.make(n, KUSTOMIZE_APP) for n in (1, 2)}
    aliases.move("dev", releases[1].model)
    assert found() == ["alias-differs"]
    aliases.move("dev", releases[2].model)
    assert found() == []


@pytest.mark.slow
def test_version_that_is_another_model_is_named(world: World) -> None:
    register(world, 1, 7)
    registry = Registry.of(world.work.settings, world.root)
    registry.client.set_registered_model_alias(KUSTOMIZE_APP, "dev", "2")
    assert codes(list(comparing(world).aliases(Aliases(registry)))) == ["version-differs"]


@pytest.mark.skipif(not containers.available(), reason="docker-registry is needed")
def test_image_that_is_gone_is_named_in_each_environment(world: World, tmp_path: Path) -> None:
    with containers.registry(tmp_path) as address, stored() as images:
        settings = world.root / "delivery.yaml"
        was = world.work.settings.registry
        world.change({"delivery.yaml": settings.read_text().replace(was, f"{address}/acme")})
        world.merge(world.release(3))
        world.merge(world.promote("staging"))
        found = list(comparing(world, "dev", "staging").images(images))
    assert codes(found) == ["image-missing"] * 2
    assert [finding.environment for finding in found] == ["dev", "staging"]


def drifting(world: World, server: Server, *environments: str) -> Drift:
    environ = {"ARGOCD_SERVER": server.url, "ARGOCD_AUTH_TOKEN_DEV": TOKEN}
    with stored() as images:
        return drift(
            world.work,
            list(environments),
            connect=partial(connect, environ=environ),
            aliases=Aliases(Registry.of(world.work.settings, world.root)),
            stored=images,
            say=lambda _: None,
        )


@pytest.mark.slow
def test_source_that_does_not_answer_is_no_difference(world: World, server: Server) -> None:
    server.gives("applications", {"items": [at("runs", main_of(world))]})
    found = drifting(world, server, "dev", "prod")
    asked = {(one.environment, one.problem.code): one.problem for one in found.findings}
    assert ("prod", "argocd-settings") in asked  # it has no token
    assert ("", "registry-unreachable") in asked  # registry.example.com
    assert found.exit_code == 1  # for what differs: nothing was confirmed
    rest = [one for one in found.findings if not isinstance(one.problem, Refused)]
    assert Drift(rest, found.compared).exit_code == 3
    assert Drift([], 1).exit_code == 0


def test_live_status_tells_what_argo_cd_says_of_each_record(world: World, server: Server) -> None:
    server.gives("applications", {"items": [at("window-closed", main_of(world))]})
    environ = {"ARGOCD_SERVER": server.url, "ARGOCD_AUTH_TOKEN_DEV": TOKEN}
    rows, errors = live(Mainline(world.work), partial(connect, environ=environ))
    told = {(row["app"], row["environment"]): row["live"] for row in rows}
    assert told[KUSTOMIZE_APP, "dev"] == "not-synced"
    assert told[KUSTOMIZE_APP, "prod"] == "unknown"
    assert [error.code for error in errors] == ["argocd-settings", "argocd-settings"]
    assert {row["confirmed"] for row in rows if row["record"]} == {"no"}
