from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from delivery.app import read_apps
from delivery.errors import DeliveryError, Refused, UsageError
from delivery.git import Repository, Snapshot
from delivery.records import Place
from delivery.rendering import Recipe, find_tools, render
from delivery.settings import read_settings
from delivery.validation import Kind, allowed_kinds, validate, validate_argocd
from delivery.validation.schemas import CRDS

from tests.bake.template import FOLDER, ROOT, bake, git
from tests.delivery.recipes import RENDERER_PIN, make_recipe, read_files

PROJECT = "argocd/prod/project.yaml"
SET = "argocd/dev/applicationset.yaml"


@pytest.fixture(scope="module")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = bake(ROOT, tmp_path_factory.mktemp("argocd") / "out")
    git("init", "--quiet", "--initial-branch=main", cwd=root)
    return root


@pytest.fixture
def files(baked: Path) -> dict[str, bytes]:
    return read_files(baked, "argocd") | read_files(baked, "delivery.yaml")


def commit(files: dict[str, bytes], folder: Path) -> Snapshot:
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "x", cwd=folder)
    return Repository(folder).snapshot("HEAD")


def test_every_app_in_every_environment_renders_and_is_valid(baked: Path, tmp_path: Path) -> None:
    wanted = ("apps", "argocd", "charts", "delivery.yaml", "overlays")
    made = {p: d for name in wanted for p, d in read_files(baked, name).items()}
    snapshot = commit(made, tmp_path)
    settings = read_settings(snapshot)
    for app in read_apps(snapshot, settings):
        pinned = make_recipe(app=app.name)
        for env in settings.environments:
            recipe = Recipe(
                env.name,
                app.name,
                {path: snapshot.folder(path) for path in app.source_paths},
                snapshot.folder(f"overlays/{env.name}/{app.name}"),
                Place(namespace=env.namespace, kubernetes=env.kubernetes),
                RENDERER_PIN,
                pinned.release,
                pinned.question,
            )
            manifests = render(recipe, find_tools(settings.renderer))
            validate(manifests, recipe.place, allowed_kinds(snapshot, env.name))


def test_objects_of_a_baked_repository_are_valid(files: dict[str, bytes], tmp_path: Path) -> None:
    snapshot = commit(files, tmp_path)
    validate_argocd(snapshot)
    allowed = allowed_kinds(snapshot, "prod")
    assert Kind("apps", "Deployment") in allowed
    assert b"kind: Pod}" in files[PROJECT]  # for Argo CD's page
    assert Kind("", "Pod") not in allowed  # but no app brings one


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        (SET, "goTemplate: true", "goTemplates: true", "schema"),
        (SET, 'revision: "refs/heads/main"', "revision: 1", "schema"),
        (SET, "argoproj.io/v1alpha1", "argoproj.io/v1", "no-schema"),
        (SET, "kind: ApplicationSet", "kind: ApplicationSets", "no-schema"),
        (SET, "apiVersion:", "- apiVersion:", "broken-manifest"),
        (PROJECT, "sourceRepos:", "sourceRepositories:", "schema"),
        (PROJECT, "kind: ConfigMap", "kind: '*'", "open-project"),
        (PROJECT, "namespaceResourceWhitelist:", "namespaceResourceBlacklist:", "broken-file"),
        ("argocd/root.yaml", "prune: false", "prune: maybe", "schema"),
        ("argocd/dev/namespace.yaml", "selfHeal:", "selfheal:", "schema"),
        ("argocd/dev/namespace/quota.yaml", "hard:", "hart:", "schema"),
        ("argocd/dev/namespace/namespace.yaml", "kind: Namespace", "kind: Space", "no-schema"),
    ],
)
def test_broken_object_is_refused_with_its_file(
    path: str, old: str, new: str, code: str, files: dict[str, bytes], tmp_path: Path
) -> None:
    assert old.encode() in files[path]
    files[path] = files[path].replace(old.encode(), new.encode(), 1)
    with pytest.raises(DeliveryError) as caught:
        validate_argocd(commit(files, tmp_path))
    assert caught.value.code == code
    assert path in caught.value.seen


def test_environment_without_a_project_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    files.pop(PROJECT)
    with pytest.raises(UsageError, match="no-project"):
        allowed_kinds(commit(files, tmp_path), "prod")


PULL_SECRET = b"""\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: registry}
spec:
  secretStoreRef: {name: vault, kind: ClusterSecretStore}
  data: [{secretKey: .dockerconfigjson, remoteRef: {key: acme-prod-registry}}]
"""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("", "", None),
        ("remoteRef: {key:", "remoteRef: {name:", "schema"),
        ("kind: ClusterSecretStore", "kind: Store", "schema"),
        ("external-secrets.io/v1", "external-secrets.io/v1beta1", "no-schema"),
    ],
)
def test_external_secret_follows_the_schema_of_its_module(
    old: str, new: str, code: str | None, files: dict[str, bytes], tmp_path: Path
) -> None:
    path = "argocd/dev/namespace/registry.yaml"
    files[path] = PULL_SECRET.replace(old.encode(), new.encode())
    snapshot = commit(files, tmp_path)
    if code is None:
        validate_argocd(snapshot)
        return
    with pytest.raises(Refused, match=path) as caught:
        validate_argocd(snapshot)
    assert caught.value.code == code


@pytest.mark.slow
def test_schemas_of_custom_kinds_are_those_of_their_modules(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools/crds.py", tmp_path], check=True)
    ours = ROOT / FOLDER / "delivery/validation"
    for name in CRDS.values():
        assert (tmp_path / name).read_bytes() == (ours / name).read_bytes()
