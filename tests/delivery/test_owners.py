"""CODEOWNERS follows from delivery.yaml and the apps, and nobody else writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from delivery.app import AppFile
from delivery.check import check_whole
from delivery.owners import Owned, owners_file, owners_path
from delivery.settings import Settings
from delivery.verbs.owners import write_owners
from pydantic import ValidationError

from tests.delivery.growing import deliver
from tests.delivery.world import KUSTOMIZE_APP, World

PATH = ".github/CODEOWNERS"
GITEA = {"kind": "gitea", "api": "https://git.acme.io/api/v1"}


def settings(world: World, **more: Any) -> Settings:
    return Settings.model_validate(world.work.settings.model_dump(by_alias=True) | more)


def lines(world: World, found: Settings) -> list[str]:
    apps = {app.name: app.file for app in world.work.apps}
    return owners_file(found, apps).decode().splitlines()


def with_approvers(world: World, *names: str) -> Settings:
    environments = [env.model_dump() for env in world.work.settings.environments]
    environments[-1]["approvers"] = list(names)
    return settings(world, environments=environments)


def test_baked_file_is_what_deliver_writes(baked: World) -> None:
    data = (baked.root / PATH).read_text().splitlines()
    assert data == lines(baked, baked.work.settings)


def test_what_needs_no_approval_is_owned_by_nobody(baked: World) -> None:
    found = lines(baked, baked.work.settings)
    assert f"/releases/prod/{KUSTOMIZE_APP}/ @acme/ml" in found
    assert not any(line.startswith("/releases/dev") for line in found)


def test_approvers_take_the_place_of_owners(baked: World) -> None:
    found = lines(baked, with_approvers(baked, "@acme/on-call", "@ada"))
    assert [line for line in found if "/prod/" in line and "releases" in line] == [
        "/releases/prod/ @acme/on-call @ada"
    ]


def test_judge_without_owners_is_owned_by_those_of_all_apps(baked: World) -> None:
    assert "/delivery/ @acme/ml" in lines(baked, settings(baked, owners=[]))
    assert "/delivery/ @acme/platform" in lines(baked, settings(baked, owners=["@acme/platform"]))


def test_what_trusted_jobs_call_is_owned(baked: World) -> None:
    """Make takes a GNUmakefile before the Makefile, and pip asks pyproject.toml whom to call."""
    found = lines(baked, settings(baked, owners=["@acme/platform"]))
    assert "/* @acme/platform" in found
    assert f"/{baked.work.settings.package}/* @acme/platform" in found
    root = Owned("*", ("@acme/platform",))
    assert root.covers("GNUmakefile")
    assert not root.covers("docs/index.md")


def test_gitea_gets_expressions_at_its_own_place(baked: World) -> None:
    found = settings(baked, host=GITEA)
    assert owners_path(found) == ".gitea/CODEOWNERS"
    assert f"releases/prod/{KUSTOMIZE_APP}/.* @acme/ml" in lines(baked, found)


@pytest.mark.parametrize("owner", ["acme", "@acme ml", "@acme\n* @mallory", "@a/b/c", "@"])
def test_owner_that_would_be_another_line_is_refused(owner: str, baked: World) -> None:
    file = baked.work.app(KUSTOMIZE_APP).file.model_dump(by_alias=True)
    with pytest.raises(ValidationError):
        AppFile.model_validate(file | {"owners": [owner]})


@pytest.mark.parametrize("text", ["* @mallory\n", None])
def test_file_that_is_not_current_is_refused(text: str | None, fresh: World) -> None:
    fresh.git("switch", "--quiet", "--create", "owners")
    fresh.write({PATH: text})
    fresh.commit()
    assert fresh.codes("owners") == {"owners-not-current"}
    assert [one.code for one in check_whole(fresh.repository).findings] == ["owners-not-current"]


def test_owner_that_changes_has_the_file_written_again(fresh: World) -> None:
    fresh.git("switch", "--quiet", "--create", "owners")
    path = f"apps/{KUSTOMIZE_APP}/app.yaml"
    fresh.write({path: (fresh.root / path).read_text().replace("@acme/ml", "@acme/vision")})
    fresh.commit()
    assert fresh.codes("owners") == {"owners-not-current"}
    assert write_owners(fresh.root, fresh.work.settings) == PATH
    assert write_owners(fresh.root, fresh.work.settings) is None
    fresh.commit()
    assert fresh.codes("owners") == set()


def test_file_that_gitea_would_read_before_is_refused(fresh: World) -> None:
    text = (fresh.root / "delivery.yaml").read_text()
    at = "host: {kind: gitea, api: https://git.acme.io/api/v1}\nmain: main\n"
    fresh.write({"delivery.yaml": text.replace("main: main\n", at), "CODEOWNERS": "* @mallory\n"})
    write_owners(fresh.root, settings(fresh, host=GITEA))
    fresh.commit()
    [found] = check_whole(fresh.repository).findings
    assert (found.code, found.next_step) == ("owners-not-current", "git rm CODEOWNERS")


def on_gitea(world: World) -> None:
    """Say that the repository is on a Gitea at a port where nothing listens."""
    text = (world.root / "delivery.yaml").read_text()
    at = 'host: {kind: gitea, api: "http://127.0.0.1:9/api/v1"}\nmain: main\n'
    world.change({"delivery.yaml": text.replace("main: main\n", at)})


def test_repository_that_moves_to_another_host_keeps_one_file(fresh: World) -> None:
    on_gitea(fresh)
    done = deliver(fresh, "owners", "--json")
    assert json.loads(done.stdout) == {"written": ".gitea/CODEOWNERS", "removed": [PATH]}
    assert not (fresh.root / PATH).exists()
    done = deliver(fresh, "owners", "--json")
    assert json.loads(done.stdout) == {"written": None, "removed": []}


def test_file_of_somebody_else_is_not_removed(fresh: World) -> None:
    on_gitea(fresh)
    fresh.write({PATH: "* @acme/ml\n"})
    assert f"removed: {PATH}" not in deliver(fresh, "owners").stdout
    assert (fresh.root / PATH).exists()


def test_main_without_its_owners_is_not_protected(
    fresh: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITEA_TOKEN", "canary")
    on_gitea(fresh)
    refused = deliver(fresh, "protect")
    assert refused.stderr.startswith("owners-not-current: on main: .gitea/CODEOWNERS is missing.")
    deliver(fresh, "owners")
    fresh.commit()
    assert deliver(fresh, "protect").stderr.startswith("host-unreachable")


@pytest.mark.parametrize(
    ("path", "file", "covers"),
    [
        ("delivery/", "delivery/cli.py", True),
        ("delivery/", "delivery.yaml", False),
        ("delivery.yaml", "delivery.yaml", True),
        ("delivery.yaml", "delivery.yaml.orig", False),
        ("overlays/*/churn/", "overlays/prod/churn/values.yaml", True),
        ("overlays/*/churn/", "overlays/prod/other/churn/values.yaml", False),
    ],
)
def test_owned_path_covers_what_is_in_it(path: str, file: str, covers: bool) -> None:
    assert Owned(path, ("@acme/ml",)).covers(file) is covers
