"""The shipped apps are what the skeleton gives, in all that does not rest on their data."""

from __future__ import annotations

import ast

import pytest
from delivery.skeletons import NewApp, app_files, holdout_file
from delivery.verbs.app_add import work_tree_settings

from tests.delivery.growing import OWNER, PACKAGE
from tests.delivery.world import HELM_APP, KUSTOMIZE_APP, World

SHIPPED = [
    NewApp(KUSTOMIZE_APP, "kustomize", "binary-classification", OWNER),
    NewApp(HELM_APP, "helm", "regression", OWNER),
]
shipped = pytest.mark.parametrize("app", SHIPPED, ids=lambda app: app.name)


def files(baked: World, app: NewApp) -> dict[str, bytes]:
    """What the skeleton gives for an app of the same kind."""
    return app_files(app, work_tree_settings(baked.root))


def code(source: bytes) -> str:
    """The statements of a module, without what its docstring tells."""
    tree = ast.parse(source)
    return ast.unparse(ast.Module(tree.body[1:], []))


@shipped
def test_shipped_app_deploys_as_a_new_one_does(baked: World, app: NewApp) -> None:
    made = files(baked, app)
    alike = {path for path in made if "/deploy/" in path or path.startswith("overlays/")}
    alike |= {f"{app.folder}/requirements.in"}
    assert len(alike) >= 5
    assert {p: made[p] for p in alike} == {p: (baked.root / p).read_bytes() for p in alike}
    there = [*(baked.root / app.folder / "deploy").iterdir()]
    assert len([path for path in alike if "/deploy/" in path]) == len(there)


@shipped
def test_shipped_app_is_described_as_a_new_one_is(baked: World, app: NewApp) -> None:
    path = f"{app.folder}/app.yaml"
    made = files(baked, app)[path].split(b"gate:")[0]
    assert made == (baked.root / path).read_bytes().split(b"gate:")[0]


@shipped
def test_shipped_holdout_is_stated_as_a_new_one_is(baked: World, app: NewApp) -> None:
    folder = baked.root / app.folder
    features, labels = (
        (folder / "holdout" / f"{n}.csv").read_bytes() for n in ("features", "labels")
    )
    rows = labels.count(b"\n") - 1
    assert holdout_file(app.name, rows, features, labels) == (folder / "holdout.yaml").read_bytes()


@shipped
def test_shipped_model_is_trained_as_a_new_one_is(baked: World, app: NewApp) -> None:
    folder = f"{PACKAGE}/{app.module}"
    made = files(baked, app)
    for part in ("__main__", "train", "evaluate"):
        source = (baked.root / folder / f"{part}.py").read_bytes()
        ours = source.replace(b"malignant", b"positive")
        assert code(made[f"{folder}/{part}.py"]) == code(ours)


def test_no_word_to_fill_in_is_left(baked: World) -> None:
    words = [b"APP_NAME", b"MODULE", b"TASK", b"STYLE", b"OWNER", b"REPLICAS"]
    for app in [*SHIPPED, NewApp("digits", "helm", "multiclass-classification", OWNER)]:
        for path, data in files(baked, app).items():
            assert not [word for word in words if word in data], path
