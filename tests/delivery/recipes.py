"""Recipes made from the template's own apps, and what a test changes about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from delivery import RENDERER
from delivery.canonical import files_digest, sha256
from delivery.errors import DeliveryError
from delivery.git import Folder
from delivery.records import (
    BuiltFrom,
    Model,
    Pin,
    Place,
    Question,
    Release,
    RendererPin,
)
from delivery.rendering import Recipe, find_tools, render
from delivery.validation import Kind

TEMPLATE = Path(__file__).parent.parent.parent / "{{cookiecutter.project_slug}}"
KUSTOMIZE_APP = "tumour-classifier"
HELM_APP = "progression-forecast"
APPS = (KUSTOMIZE_APP, HELM_APP)
ENVIRONMENT = "prod"
BASE = f"apps/{KUSTOMIZE_APP}/deploy"
OVERLAY = f"overlays/{ENVIRONMENT}/{KUSTOMIZE_APP}/kustomization.yaml"
CHART = "charts/model-server"
COMPONENTS = "components/"
RENDERER_PIN = RendererPin(kustomize="5.8.1", helm="3.22.0", deliver=RENDERER)
PLACE = Place(namespace="acme-prod", kubernetes="1.36")
COMMIT = "0" * 40
DIGEST = sha256(b"nothing")
QUESTION = b'{"answers":[0.25],"schema":1}\n'
IMAGE = f"registry.example.com/acme/model@{sha256(b'image')}"
KINDS = frozenset(
    {
        Kind("", "ConfigMap"),
        Kind("", "Service"),
        Kind("", "ServiceAccount"),
        Kind("apps", "Deployment"),
        Kind("autoscaling", "HorizontalPodAutoscaler"),
        Kind("batch", "Job"),
        Kind("networking.k8s.io", "NetworkPolicy"),
        Kind("policy", "PodDisruptionBudget"),
    }
)


def template_files(app: str = KUSTOMIZE_APP) -> dict[str, bytes]:
    """Return what the template ships for an app in prod, by path; none of it is rendered."""
    folders = [f"apps/{app}/deploy", f"overlays/{ENVIRONMENT}/{app}"]
    folders += [CHART] if app == HELM_APP else []
    return {path: data for name in folders for path, data in read_files(TEMPLATE, name).items()}


def read_files(root: Path, name: str) -> dict[str, bytes]:
    """Return a file, or every file of a folder, by path relative to the root."""
    found = (root / name).rglob("*") if (root / name).is_dir() else [root / name]
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(found) if path.is_file()
    }


def make_recipe(
    files: Mapping[str, bytes] | None = None, app: str = KUSTOMIZE_APP, version: str = "7"
) -> Recipe:
    """Return the recipe of an app in prod whose pins stand for these files."""
    files = template_files(app) if files is None else files
    paths = [f"apps/{app}/deploy"]
    paths += [CHART] if any(path.startswith(f"{CHART}/") for path in files) else []
    shared = (path for path in files if path.startswith(COMPONENTS))
    paths += sorted({"/".join(path.split("/")[:2]) for path in shared})
    sources = {path: _folder(files, path) for path in paths}
    release = Release(
        id=DIGEST,
        image=IMAGE,
        model=Model(digest=DIGEST, name=app, version=version, run="0123456789"),
        sources={
            path: Pin(sha256=folder.sha256, tree=COMMIT, commit=COMMIT)
            for path, folder in sources.items()
        },
        question=Question(sha256=sha256(QUESTION)),
        built_from=BuiltFrom(
            commit=COMMIT, code=DIGEST, lock=DIGEST, data=DIGEST, server=DIGEST, base=DIGEST
        ),
    )
    overlay = _folder(files, f"overlays/{ENVIRONMENT}/{app}")
    return Recipe(ENVIRONMENT, app, sources, overlay, PLACE, RENDERER_PIN, release, QUESTION)


def rendered(files: Mapping[str, bytes] | None = None, app: str = KUSTOMIZE_APP) -> dict[str, str]:
    """Return manifests by file name, as text."""
    made = render(make_recipe(files, app), find_tools(RENDERER_PIN))
    return {name: data.decode() for name, data in made.items()}


def refusal(files: Mapping[str, bytes], app: str = KUSTOMIZE_APP) -> DeliveryError:
    """Return the error that rendering these files ends with."""
    with pytest.raises(DeliveryError) as caught:
        rendered(files, app)
    return caught.value


def _folder(files: Mapping[str, bytes], root: str) -> Folder:
    own = {p.removeprefix(f"{root}/"): d for p, d in files.items() if p.startswith(f"{root}/")}
    return Folder(own, files_digest(own))
