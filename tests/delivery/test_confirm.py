"""Confirming: waits as long as it may help, then notes, then moves the alias."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from delivery.argocd.api import ArgoCD, connect
from delivery.argocd.confirm import SETTLE_S, Confirmed, Patience, Wait, confirm, newest
from delivery.argocd.mainline import Mainline
from delivery.argocd.notes import read_notes
from delivery.argocd.refs import NOTES
from delivery.errors import DeliveryError, Refused, Unknown
from delivery.models.aliases import Aliases
from delivery.models.registry import Registry

from tests.delivery.growing import deliver
from tests.delivery.models import register
from tests.delivery.recorded import at
from tests.delivery.replaying import DENIED, TOKEN, Answer, Server, replaying
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own

PATH = "applications/acme-models-dev-tumour-classifier"
TIME = "2026-11-22T09:30:00Z"
Waiting = Callable[..., Wait]


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now(self) -> float:
        return self.time_s

    def pause(self, seconds: float) -> None:
        self.time_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[Server]:
    with replaying() as found:
        yield found


@pytest.fixture
def argocd(server: Server) -> Iterator[ArgoCD]:
    environ = {"ARGOCD_SERVER": server.url, "ARGOCD_AUTH_TOKEN": TOKEN}
    with connect("dev", environ) as found:
        yield found


@pytest.fixture
def waiting(delivered: World, argocd: ArgoCD, clock: Clock) -> Waiting:
    """Return a function that gives a wait for the newest record in dev."""

    def made(timeout_s: float = 600, world: World = delivered) -> Wait:
        place = world.work
        patience = Patience(timeout_s, clock.now, clock.pause)
        entry = newest(place, KUSTOMIZE_APP, "dev")
        return Wait(argocd, Mainline(place), entry, patience, lambda _: None)

    return made


def main_of(world: World) -> str:
    return world.git("rev-parse", "main")


def refusal(wait: Wait) -> DeliveryError:
    with pytest.raises(DeliveryError) as found:
        wait.until_it_runs()
    return found.value


def test_wait_ends_when_the_record_runs(
    delivered: World, server: Server, waiting: Waiting, clock: Clock
) -> None:
    main = main_of(delivered)
    server.gives(PATH, *(at(name, main) for name in ("first-sync", "question-asked", "runs")))
    assert waiting().until_it_runs().revision == main
    assert 0 < clock.time_s < 10


def test_wait_asks_argo_cd_to_look_again_until_it_knows_the_record(
    delivered: World, server: Server, waiting: Waiting
) -> None:
    first = delivered.git("rev-list", "--max-parents=0", "main")
    behind, there = at("runs", first), at("runs", main_of(delivered))
    server.gives(PATH, behind, behind, there)
    waiting().until_it_runs()
    assert ["refresh=normal" in asked for asked in server.asked] == [False, True, False]


def test_wait_asks_argo_cd_to_look_again_at_what_differs(
    delivered: World, server: Server, waiting: Waiting
) -> None:
    main = main_of(delivered)
    server.gives(PATH, at("window-closed", main), at("first-sync", main), at("runs", main))
    server.gives(f"{PATH}/syncwindows", {})  # it was opened meanwhile
    waiting().until_it_runs()
    asked = [path for path in server.asked if "syncwindows" not in path]
    assert ["refresh=normal" in path for path in asked] == [False, True, False]


def test_failed_question_ends_the_wait_at_once(
    delivered: World, server: Server, waiting: Waiting, clock: Clock
) -> None:
    server.gives(PATH, at("question-failed", main_of(delivered)))
    found = refusal(waiting())
    assert isinstance(found, Refused)
    assert found.code == "question-failed"
    assert "deliver rollback tumour-classifier --env dev" in found.next_step
    assert clock.time_s == 0


def test_moment_of_bad_health_is_waited_for(
    delivered: World, server: Server, waiting: Waiting
) -> None:
    main = main_of(delivered)
    server.gives(PATH, at("degraded", main), at("degraded", main), at("runs", main))
    assert waiting().until_it_runs().verdict == "runs"


def test_bad_health_that_stays_is_refused(
    delivered: World, server: Server, waiting: Waiting, clock: Clock
) -> None:
    server.gives(PATH, at("degraded", main_of(delivered)))
    found = refusal(waiting())
    assert isinstance(found, Refused)
    assert found.code == "degraded"
    assert "exceeded its progress deadline" in found.seen
    assert SETTLE_S <= clock.time_s < 2 * SETTLE_S


def test_question_that_nobody_will_ask_is_not_waited_for(
    delivered: World, server: Server, waiting: Waiting, clock: Clock
) -> None:
    server.gives(PATH, at("resumed", main_of(delivered)))
    found = refusal(waiting())
    assert isinstance(found, Unknown)
    assert found.code == "not-asked"
    assert clock.time_s < 2 * SETTLE_S


def test_wait_has_an_end(delivered: World, server: Server, waiting: Waiting, clock: Clock) -> None:
    server.gives(PATH, at("question-asked", main_of(delivered)))
    found = refusal(waiting(60))
    assert isinstance(found, Unknown)
    assert found.code == "syncing"
    assert "--timeout" in found.next_step
    assert clock.time_s == pytest.approx(60, abs=3)


def test_closed_window_is_told_at_once(
    delivered: World, server: Server, waiting: Waiting, clock: Clock
) -> None:
    window = {"kind": "deny", "schedule": "0 0 * * *", "duration": "24h", "manualSync": False}
    server.gives(PATH, at("window-closed", main_of(delivered)))
    server.gives(f"{PATH}/syncwindows", {"assignedWindows": [window], "activeWindows": [window]})
    found = refusal(waiting())
    assert found.code == "window-closed"
    assert "deny 0 0 * * * for 24h" in found.seen
    assert clock.time_s == 0


@pytest.mark.parametrize("away", [Answer("<html>", 502), DENIED], ids=["proxy", "denied"])
def test_server_that_is_away_is_waited_for_once_it_has_answered(
    away: Answer, delivered: World, server: Server, waiting: Waiting
) -> None:
    main = main_of(delivered)
    server.gives(PATH, at("first-sync", main), away, away, at("runs", main))
    assert waiting().until_it_runs().verdict == "runs"


def test_server_that_stays_away_is_named(
    delivered: World, server: Server, waiting: Waiting
) -> None:
    server.gives(PATH, at("first-sync", main_of(delivered)), Answer("<html>", 502))
    assert refusal(waiting(60)).code == "argocd-unreachable"


def test_server_that_does_not_let_in_is_not_waited_for(
    server: Server, waiting: Waiting, clock: Clock
) -> None:
    server.gives(PATH, DENIED)
    assert refusal(waiting()).code == "argocd-denied"
    assert clock.time_s == 0


def test_record_that_comes_meanwhile_supersedes(
    world: World, server: Server, waiting: Waiting, tmp_path: Path
) -> None:
    world.git("clone", "--quiet", "--bare", str(world.root), str(tmp_path / "origin.git"))
    world.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    world.git("fetch", "--quiet", "origin")
    colleague = World(tmp_path / "colleague")
    world.git("clone", "--quiet", str(tmp_path / "origin.git"), str(colleague.root))
    colleague.merge(colleague.release(3))
    colleague.git("push", "--quiet", "origin", "main")
    server.gives(PATH, at("first-sync", main_of(world)), at("first-sync", main_of(colleague)))
    assert refusal(waiting(world=world)).code == "superseded"


def test_app_without_a_release_has_nothing_to_confirm(delivered: World) -> None:
    with pytest.raises(Refused, match="nothing-to-confirm"):
        newest(delivered.work, "progression-forecast", "dev")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("confirm", KUSTOMIZE_APP, "--env", "nowhere"), "no-such-environment"),
        (("confirm", "nothing", "--env", "dev"), "no-such-app"),
        (("confirm", HELM_APP, "--env", "dev"), "nothing-to-confirm"),
        (("confirm", KUSTOMIZE_APP, "--env", "dev"), "argocd-settings"),
        (("drift", "--env", "nowhere"), "no-such-environment"),
    ],
)
def test_wrong_name_is_told_before_a_setting_that_is_missing(
    words: tuple[str, ...], code: str, delivered: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARGOCD_SERVER", "ARGOCD_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert deliver(delivered, *words).stderr.startswith(f"{code}: ")


def confirmed(world: World, argocd: ArgoCD, clock: Clock) -> Confirmed:
    place = world.work
    return confirm(
        place,
        KUSTOMIZE_APP,
        "dev",
        server=argocd,
        aliases=aliases(world),
        patience=Patience(60, clock.now, clock.pause),
        clock=lambda: TIME,
        say=lambda _: None,
    )


def aliases(world: World) -> Aliases:
    return Aliases(Registry.of(world.work.settings, world.root))


@pytest.mark.slow
def test_confirmed_record_is_noted_then_named_by_its_alias(
    world: World, server: Server, argocd: ArgoCD, clock: Clock
) -> None:
    register(world, 1, 2)
    added = main_of(world)
    world.change({"README.md": "Hello\n"})
    server.gives(PATH, at("runs", main_of(world)))
    found = confirmed(world, argocd, clock)
    # `delivered` promotes after the release to dev: the note is on the commit of the release.
    assert found.commit != added
    assert world.git("log", "-1", "--format=%s", found.commit).endswith("0002")
    assert (found.noted, found.moved) == (True, True)
    text = world.git("notes", f"--ref={NOTES}", "show", found.commit)
    assert f'"time":"{TIME}"' in text
    assert aliases(world).of(KUSTOMIZE_APP) == {"dev": "2"}
    again = confirmed(world, argocd, clock)
    assert (again.noted, again.moved) == (False, False)


@pytest.mark.slow
def test_alias_goes_back_with_a_rollback(
    world: World, server: Server, argocd: ArgoCD, clock: Clock
) -> None:
    register(world, 1, 2)
    server.gives(PATH, at("runs", main_of(world)))
    confirmed(world, argocd, clock)
    world.merge(world.rollback("dev"))
    server.gives(PATH, at("rolled-back", main_of(world)))
    assert confirmed(world, argocd, clock).entry.record.kind == "rollback"
    assert aliases(world).of(KUSTOMIZE_APP) == {"dev": "1"}


@pytest.mark.slow
def test_note_stays_where_the_registry_does_not_answer(
    world: World,
    server: Server,
    argocd: ArgoCD,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.gives(PATH, at("runs", main_of(world)))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(Unknown, match="mlflow-unreachable"):
        confirmed(world, argocd, clock)
    assert len(read_notes(world.repository) or {}) == 1
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    register(world, 1, 2)
    assert confirmed(world, argocd, clock).moved


@pytest.mark.slow
def test_alias_names_no_other_model(
    world: World, server: Server, argocd: ArgoCD, clock: Clock
) -> None:
    register(world, 1, 7)  # version 2 is another model than the release's
    server.gives(PATH, at("runs", main_of(world)))
    with pytest.raises(Refused, match="version-differs"):
        confirmed(world, argocd, clock)
    assert aliases(world).of(KUSTOMIZE_APP) == {}


@pytest.mark.slow
def test_version_that_is_gone_is_named_and_no_registry_is_made(
    world: World, server: Server, argocd: ArgoCD, clock: Clock
) -> None:
    server.gives(PATH, at("runs", main_of(world)))
    with pytest.raises(Refused, match="version-gone"):
        confirmed(world, argocd, clock)
    assert not (world.root / ".local/mlflow").exists()
    register(world, 1)
    with pytest.raises(Refused, match="version-gone"):
        confirmed(world, argocd, clock)
