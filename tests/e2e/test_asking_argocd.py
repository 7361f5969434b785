"""Verbs that ask Argo CD, called as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.delivery.recorded import at
from tests.delivery.replaying import TOKEN, Server, replaying
from tests.delivery.world import KUSTOMIZE_APP, World
from tests.e2e.user import User, interrupt

PATH = "applications/acme-models-dev-tumour-classifier"
CONFIRM = ("confirm", KUSTOMIZE_APP, "--env", "dev")
LOADED = """\
import sys
from delivery.cli import main
sys.argv = ["deliver", "status"]
try:
    main()
finally:
    heavy = ("httpx", "mlflow", "requests", "sklearn")
    print([name for name in heavy if name in sys.modules], file=sys.stderr)
"""


@pytest.fixture
def server() -> Iterator[Server]:
    with replaying() as found:
        yield found


@pytest.fixture
def settings(server: Server) -> dict[str, str | None]:
    return {"ARGOCD_SERVER": server.url, "ARGOCD_AUTH_TOKEN_DEV": TOKEN, "ARGOCD_AUTH_TOKEN": None}


def test_status_asks_no_server_and_loads_no_client(user: User) -> None:
    words = [sys.executable, "-P", "-c", LOADED]
    done = subprocess.run(
        words, cwd=user.root, env=user.environment({}), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")


@pytest.mark.parametrize("words", [CONFIRM, ("drift", "--json"), ("status", "--live")])
def test_settings_that_lack_are_named(words: tuple[str, ...], user: User) -> None:
    answer = user.deliver(*words, ARGOCD_SERVER=None, ARGOCD_AUTH_TOKEN=None)
    assert "argocd-settings" in answer.out + answer.err
    assert "Traceback" not in answer.err
    assert answer.status in ((2,) if words == CONFIRM else (1, 3))


def test_timeout_that_is_no_time_is_wrong_usage(user: User) -> None:
    answer = user.deliver(*CONFIRM, "--timeout", "soon")
    assert answer.status == 2
    assert "90s" in answer.err


def test_interrupted_wait_leaves_nothing(
    world: World, user: User, server: Server, settings: dict[str, str | None]
) -> None:
    server.gives(PATH, at("question-asked", world.git("rev-parse", "main")))
    before = user.state()
    answer = interrupt(user.start(*CONFIRM, **settings), lambda: len(server.asked) > 1)
    assert answer.status == 130
    assert "Traceback" not in answer.err
    assert "syncing" in answer.err
    assert user.state() == before


def test_live_status_is_json_where_machines_read(
    world: World, user: User, server: Server, settings: dict[str, str | None]
) -> None:
    server.gives("applications", {"items": [at("runs", world.git("rev-parse", "main"))]})
    answer = user.deliver("status", "--live", "--json", **settings)
    rows = {(row["app"], row["environment"]): row for row in json.loads(answer.out)}
    assert rows[KUSTOMIZE_APP, "dev"]["live"] == "runs"
    assert rows[KUSTOMIZE_APP, "staging"]["live"] == "unknown"
    assert answer.status == 3
    assert "argocd-settings" in answer.err
