"""Git gets the token for the address that it is for, and for no other."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from delivery.errors import Refused, Unknown
from delivery.pushing import USER, Origin
from delivery.template.linked import Linked
from delivery.template.source import cloned

from tests.delivery.world import World
from tests.listening import listening

TOKEN = "ghs_planted_canary"  # noqa: S105 - of nothing


class Asking(ThreadingHTTPServer):
    """Asks everyone for a password, and keeps what they give."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.given: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Asking

    def do_GET(self) -> None:
        """Ask."""
        given = self.headers.get("Authorization")
        self.server.given += [given] if given else []
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def asking() -> Iterator[Asking]:
    with listening(Asking()) as server:
        yield server


def origin(world: World, asking: Asking, url: str) -> Origin:
    remote = f"http://127.0.0.1:{asking.server_port}/acme/models.git"
    world.git("remote", "add", "origin", remote)
    return Origin(world.repository, TOKEN, url or remote, "GITEA_TOKEN")


def test_token_goes_to_the_address_of_the_repository(fresh: World, asking: Asking) -> None:
    with pytest.raises(Unknown) as refusal:
        origin(fresh, asking, "").push("main", "HEAD", replace=False)
    pair = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    assert asking.given == [f"Basic {pair}"]
    assert refusal.value.code == "branch-not-pushed"
    assert TOKEN not in str(refusal.value.as_json())


def test_token_that_is_not_taken_is_named(fresh: World, asking: Asking) -> None:
    """With one's own login `git fetch origin` works, which the message must not send one to."""
    here = origin(fresh, asking, "")
    with pytest.raises(Unknown) as fetching:
        here.fetch()
    with pytest.raises(Unknown) as pushing:
        here.push("main", "HEAD", replace=False)
    for refusal in (fetching, pushing):
        assert "GITEA_TOKEN" in refusal.value.next_step
        assert "git " not in refusal.value.next_step


def test_token_goes_to_no_other_address(fresh: World, asking: Asking) -> None:
    with pytest.raises(Unknown, match="origin-unreachable") as refusal:
        origin(fresh, asking, "https://github.com/acme/models.git").fetch()
    assert asking.given == []
    assert "`git fetch origin`" in refusal.value.next_step


def test_branch_that_somebody_else_pushed_is_refused(fresh: World, tmp_path: Path) -> None:
    fresh.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    fresh.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    fresh.git("push", "--quiet", "origin", f"{fresh.commit('Theirs')}:refs/heads/promote/dev/a")
    fresh.git("reset", "--quiet", "--hard", "HEAD~1")
    ours, here = fresh.commit("Ours"), Origin(fresh.repository)
    with pytest.raises(Refused, match="branch-exists"):
        here.push("promote/dev/a", ours, replace=False)
    here.fetch()
    here.push("promote/dev/a", ours, replace=True)
    here.delete("promote/dev/a")
    here.delete("promote/dev/a")
    assert fresh.git("ls-remote", "origin", "refs/heads/*") == ""


def test_host_that_does_not_take_a_branch_says_why(fresh: World, tmp_path: Path) -> None:
    hook = tmp_path / "origin.git/hooks/update"
    fresh.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    fresh.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    with pytest.raises(Unknown, match=r"branch-not-pushed: .*\(hook declined\)"):
        Origin(fresh.repository).push("update/template", "HEAD", replace=True)


def test_token_of_a_template_goes_to_its_address(fresh: World, asking: Asking) -> None:
    template = f"http://127.0.0.1:{asking.server_port}/acme/template.git"
    state = {"template": template, "commit": "c" * 40, "context": {"cookiecutter": {}}}
    linked, environ = Linked.model_validate(state), {"TEMPLATE_TOKEN": TOKEN}
    with pytest.raises(Unknown) as refusal, cloned(linked, fresh.root, environ):
        pass
    pair = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    assert asking.given == [f"Basic {pair}"]
    assert refusal.value.code == "template-unreachable"
    assert TOKEN not in str(refusal.value.as_json())


def test_branch_that_is_not_deleted_is_told(fresh: World, asking: Asking) -> None:
    """Left behind, it would stand in the way of the next step of its number."""
    with pytest.raises(Unknown, match="branch-not-pushed"):
        origin(fresh, asking, "").delete("promote/dev/a")
