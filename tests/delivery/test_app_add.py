"""`deliver app add` writes an app whole, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from delivery.app import AppFile, Style
from delivery.canonical import sha256
from delivery.check import check_whole
from delivery.errors import Refused, Unknown, UsageError
from delivery.files import parse_model
from delivery.policy import Task
from delivery.skeletons import NewApp
from delivery.verbs.app_add import require_room, wanted_app, work_tree_settings
from delivery.verbs.app_holdout import app_holdout

from tests.delivery.growing import (
    ENVIRONMENTS,
    NAME,
    OWNER,
    PACKAGE,
    add,
    commit,
    deliver,
    say,
    shared_environments,
    untracked,
    wanted,
    with_environments,
)
from tests.delivery.world import World

MODEL = ["__init__.py", "__main__.py", "data.py", "evaluate.py", "split.py", "train.py"]
APP = ["app.yaml", "holdout.yaml", "holdout/features.csv", "holdout/labels.csv"]
LOCKED = ["requirements.in", "requirements.lock", "conversion.in", "conversion.lock"]
DEPLOY: dict[Style, list[str]] = {
    "kustomize": [
        "deployment.yaml",
        "kustomization.yaml",
        "networkpolicy.yaml",
        "poddisruptionbudget.yaml",
        "service.yaml",
        "serviceaccount.yaml",
    ],
    "helm": ["values.yaml"],
}
OVERLAY: dict[Style, str] = {"kustomize": "kustomization.yaml", "helm": "values.yaml"}


@pytest.fixture
def place(fresh: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A baked repository of the test's own that shares the apps' environments with others."""
    return with_environments(fresh, shared_environments(tmp_path_factory))


def expected(style: Style) -> list[str]:
    return sorted(
        [f"{PACKAGE}/churn_risk/{name}" for name in [*MODEL, "parameters.toml"]]
        + [f"apps/{NAME}/{name}" for name in APP + LOCKED]
        + [f"apps/{NAME}/deploy/{name}" for name in DEPLOY[style]]
        + [f"overlays/{env}/{NAME}/{OVERLAY[style]}" for env in ENVIRONMENTS]
    )


@pytest.mark.parametrize("task", get_args(Task))
@pytest.mark.parametrize("style", get_args(Style))
def test_new_app_is_whole_and_its_change_passes_the_rules(
    place: World, style: Style, task: Task
) -> None:
    assert add(place, NAME, style, task) == sorted([*expected(style), ".github/CODEOWNERS"])
    assert untracked(place) == expected(style)
    commit(place, "add")
    assert [finding.lines() for finding in place.check("add").findings] == []


@pytest.mark.parametrize("style", get_args(Style))
def test_new_app_is_released_and_promoted(place: World, style: Style) -> None:
    add(place, NAME, style)
    commit(place)
    place.deliver_to("prod", 1, NAME)
    assert [finding.lines() for finding in check_whole(place.repository).findings] == []
    assert place.line("prod", NAME).current is not None


def test_new_app_has_a_holdout_that_the_judge_takes(place: World) -> None:
    add(place)
    commit(place)
    app = place.work.app(NAME)
    assert app.holdout().rows > 150
    assert app.file.owners == [OWNER]
    assert [app.in_environment(env) for env in ENVIRONMENTS] == [True, True, True]


def test_new_app_leaves_the_code_of_others_as_it_was(place: World) -> None:
    before = {app.name: app.made_of(place.work.settings) for app in place.work.apps}
    add(place)
    commit(place)
    after = {app.name: app.made_of(place.work.settings) for app in place.work.apps}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1


def test_new_app_takes_the_lock_of_an_app_that_asks_for_the_same(place: World) -> None:
    add(place)
    locks = (place.root / "apps").glob("*/requirements.lock")
    assert len({sha256(path.read_bytes()) for path in locks}) == 1


def test_owner_of_the_first_app_is_taken(baked: World) -> None:
    first = sorted((baked.root / "apps").glob("*/app.yaml"))[0]
    file = parse_model(AppFile, first.read_bytes(), "app.yaml")
    assert wanted(baked, NAME).owner == file.owners[0]


def test_first_app_of_all_needs_an_owner(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-owner"):
        wanted_app(tmp_path, NAME, "helm", "regression", None)


@pytest.mark.parametrize(
    ("code", "name", "style", "task"),
    [
        ("bad-name", "Churn", "helm", "regression"),
        ("bad-name", "churn_risk", "helm", "regression"),
        ("bad-name", "a" * 41, "helm", "regression"),
        ("bad-name", "../churn", "helm", "regression"),
        ("bad-name", "class", "helm", "regression"),
        ("no-such-style", NAME, "jsonnet", "regression"),
        ("no-such-task", NAME, "helm", "clustering"),
    ],
)
def test_call_that_cannot_be_taken_is_wrong_usage(
    baked: World, code: str, name: str, style: str, task: str
) -> None:
    with pytest.raises(UsageError, match=f"^{code}: "):
        wanted(baked, name, style, task)


def test_owner_that_is_no_account_is_wrong_usage(baked: World) -> None:
    with pytest.raises(UsageError, match="bad-owner"):
        wanted_app(baked.root, NAME, "helm", "regression", "sam@example.com")


@pytest.mark.parametrize(
    ("code", "name", "there"),
    [
        ("name-taken", "tumour-classifier", None),
        ("name-taken", NAME, f"overlays/prod/{NAME}/values.yaml"),
        ("name-taken", NAME, f"releases/dev/{NAME}/records/0001.yaml"),  # of an app since retired
        ("module-taken", "contract", None),
        ("module-taken", NAME, f"{PACKAGE}/churn_risk/data.py"),
    ],
)
def test_name_that_is_taken_is_refused(
    fresh: World, code: str, name: str, there: str | None
) -> None:
    fresh.write({there: "mine\n"} if there else {})
    with pytest.raises(Refused, match=f"^{code}: "):
        add(fresh, name)
    assert untracked(fresh) == ([there] if there else [])


def test_helm_style_without_the_chart_is_refused(fresh: World) -> None:
    fresh.write({"charts/model-server/Chart.yaml": None})
    new = NewApp(NAME, "helm", "regression", OWNER)
    with pytest.raises(Refused, match="chart-missing"):
        require_room(fresh.root, work_tree_settings(fresh.root), new)


def test_folder_without_settings_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no-settings"):
        work_tree_settings(tmp_path)


def test_model_code_that_fails_leaves_nothing_behind(place: World) -> None:
    place.write({f"{PACKAGE}/contract.py": "raise SystemExit('no contract today')\n"})
    with pytest.raises(Refused, match=r"holdout-failed: (.|\n)*no contract today"):
        add(place)
    assert_nothing_left(place)


def test_file_that_comes_in_between_is_kept_and_the_rest_undone(place: World) -> None:
    late = f"overlays/prod/{NAME}/mine.yaml"

    def interfere(text: str) -> None:
        if "drawing" in text:
            place.write({late: "mine\n"})

    with pytest.raises(Refused, match="name-taken"):
        add(place, saying=interfere)
    assert untracked(place) == [late]


def test_interrupted_call_leaves_nothing_behind(place: World) -> None:
    def interrupt(text: str) -> None:
        if "drawing" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(place, saying=interrupt)
    assert_nothing_left(place)


def test_lock_that_cannot_be_had_leaves_nothing_behind(
    fresh: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    for app in ("tumour-classifier", "progression-forecast"):
        fresh.write({f"apps/{app}/requirements.in": "numpy\n"})
    with pytest.raises(Unknown, match="lock-failed"):
        add(fresh)
    assert_nothing_left(fresh)


def test_holdout_of_unchanged_data_is_drawn_the_same(place: World) -> None:
    settings = work_tree_settings(place.root)
    for app in place.work.apps:
        app_holdout(place.root, settings, app.name, say)
    assert place.git("status", "--porcelain") == ""


def test_holdout_of_other_data_is_drawn_anew(place: World) -> None:
    add(place)
    commit(place)
    data = place.root / PACKAGE / "churn_risk/data.py"
    data.write_text(data.read_text().replace("MACHINES = 600", "MACHINES = 700"))
    written = app_holdout(place.root, work_tree_settings(place.root), NAME, say)
    changed = place.git("diff", "--name-only").splitlines()
    assert sorted([*written, f"{PACKAGE}/churn_risk/data.py"]) == sorted(changed)
    commit(place)
    assert place.work.app(NAME).holdout().rows > 175


def test_holdout_of_no_app_is_wrong_usage(baked: World) -> None:
    with pytest.raises(UsageError, match="no-such-app"):
        app_holdout(baked.root, work_tree_settings(baked.root), "nobody", say)


def test_command_says_what_was_wrong_in_two_lines(baked: World) -> None:
    done = deliver(baked, "app", "add", NAME, "--style", "jsonnet", "--task", "regression")
    first, second = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert first == "no-such-style: there is no style `jsonnet`."
    assert "Next: use `--style kustomize` or `--style helm`" in second


@pytest.mark.parametrize("command", ["add", "holdout"])
def test_help_has_an_example(baked: World, command: str) -> None:
    done = deliver(baked, "app", command, "--help")
    assert done.returncode == 0
    assert f"Example: deliver app {command} " in done.stdout


def assert_nothing_left(world: World) -> None:
    assert untracked(world) == []
    assert not list((world.root / ".local").glob("staging-*"))
