"""Which host answers for a repository, and which variable holds its token."""

from __future__ import annotations

from typing import Any

import pytest
from delivery.errors import UsageError
from delivery.hosts.finding import connect, place_of
from delivery.hosts.gitea import Gitea
from delivery.hosts.github import GitHub
from delivery.settings import Settings

from tests.delivery.world import World

GITEA = {"kind": "gitea"}
GITEA_AT = {"kind": "gitea", "api": "http://127.0.0.1:3000/api/v1"}
GITHUB = {"kind": "github"}


def settings(world: World, repository: str, host: dict[str, str] | None) -> Settings:
    data: dict[str, Any] = world.work.settings.model_dump(by_alias=True)
    return Settings.model_validate(data | {"repository": repository, "host": host})


@pytest.mark.parametrize(
    ("repository", "host", "api"),
    [
        ("https://github.com/acme/models.git", None, "https://api.github.com"),
        ("git@github.com:acme/models.git", None, "https://api.github.com"),
        ("ssh://git@github.com/acme/models.git", GITHUB, "https://api.github.com"),
        ("https://git.acme.io:8443/acme/models.git", GITHUB, "https://git.acme.io:8443/api/v3"),
        ("https://git.acme.io/acme/models.git", GITEA, "https://git.acme.io/api/v1"),
        ("https://git.acme.io/git/acme/models.git", GITEA_AT, "http://127.0.0.1:3000/api/v1"),
        ("file:///srv/git/acme/models.git", GITEA_AT, "http://127.0.0.1:3000/api/v1"),
    ],
)
def test_host_is_told_by_the_repository_and_by_delivery_yaml(
    repository: str, host: dict[str, str] | None, api: str, baked: World
) -> None:
    found = place_of(settings(baked, repository, host))
    assert (found.api, found.repository) == (api, "acme/models")


@pytest.mark.parametrize(
    ("repository", "host"),
    [
        ("https://git.acme.io/acme/models.git", None),
        ("file:///srv/git/models.git", None),
        ("file:///srv/git/models.git", GITEA),
        ("https://github.com.evil.io/acme/models.git", None),
    ],
)
def test_repository_that_tells_no_host_is_refused(
    repository: str, host: dict[str, str] | None, baked: World
) -> None:
    with pytest.raises(UsageError, match="host-settings") as refusal:
        place_of(settings(baked, repository, host))
    assert "delivery.yaml on main" in refusal.value.seen
    assert "git push" in refusal.value.next_step


def test_token_comes_from_the_variable_of_its_host(baked: World) -> None:
    github = settings(baked, "https://github.com/acme/models.git", None)
    gitea = settings(baked, "https://git.acme.io/acme/models.git", GITEA)
    environ = {"GITHUB_TOKEN": "one", "GITEA_TOKEN": "two"}
    with connect(github, environ) as one, connect(gitea, environ) as other:
        assert isinstance(one, GitHub)
        assert isinstance(other, Gitea)
        assert (one.rest.token, other.rest.token) == ("one", "two")
        assert "token" not in f"{one!r}{other!r}"


@pytest.mark.parametrize(
    ("host", "right", "line"),
    [
        (None, "pull requests", "export GH_TOKEN="),
        (GITEA_AT, "write:issue", "export GITEA_TOKEN="),
    ],
)
def test_token_that_lacks_is_told_with_its_rights_and_the_line_to_set(
    host: dict[str, str] | None, right: str, line: str, baked: World
) -> None:
    asked = settings(baked, "https://github.com/acme/models.git", host)
    with pytest.raises(UsageError) as refusal, connect(asked, {}):
        pass
    assert right in refusal.value.next_step
    assert line in refusal.value.next_step
