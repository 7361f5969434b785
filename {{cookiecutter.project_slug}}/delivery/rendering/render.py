"""Rendering by the real kustomize and helm, in a folder of its own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import Refused
from ..process import Result
from ..validation.objects import shorten
from .closed import require_closed
from .documents import IMAGE_NAME, require_image, split
from .question import question_manifests
from .recipe import Recipe
from .tools import Tools, call

CHART_OUTPUT = "chart.yaml"
POD_TEMPLATES = [
    {"group": "apps", "kind": kind, "path": "spec/template/metadata/annotations"}
    for kind in ("DaemonSet", "Deployment", "StatefulSet")
]


def render(recipe: Recipe, tools: Tools) -> dict[str, bytes]:
    """Return an app's manifests by file name: one object a file, as kustomize wrote it.

    The files of the known question stand among them. Raises Refused where the inputs are not
    closed, do not render, do not run the released image, or cannot be asked; Unknown where a
    program of the pinned version is missing.
    """
    recipe.require_renderer(tools.pin)
    recipe.require_sources()
    require_closed(recipe)
    with tempfile.TemporaryDirectory(prefix="deliver-render-") as name:
        folder = Path(name).resolve()
        _write(folder, recipe.files)
        rendered = recipe.overlay_path
        if recipe.chart_path:
            _write(folder, {CHART_OUTPUT: _template(recipe, recipe.chart_path, tools, folder)})
            rendered = CHART_OUTPUT
        _write(folder, {"kustomization.yaml": last_step(recipe, rendered)})
        done = call(tools.kubectl, "kustomize", folder, cwd=folder)
        manifests = split(_output("kustomize", done, folder))
    require_image(manifests, recipe.release.image)
    return dict(sorted({**manifests, **question_manifests(recipe, manifests)}.items()))


def last_step(recipe: Recipe, resource: str) -> bytes:
    """Return the kustomization that puts in what the record says, the same for both styles.

    Every object is annotated with release, model and run. Pod templates get the release alone: the
    server tells it with each answer, and knows it from nowhere else. So a new release restarts the
    pods, even one with an equal image, while another record of the same release restarts none.
    kustomize's `commonAnnotations` would put all three there. Written as JSON, where texts are
    quoted: kustomize reads a run such as 0123 or 12e4 in YAML as a number.
    """
    image, digest = recipe.release.image.split("@")
    return json.dumps(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": recipe.place.namespace,
            "resources": [resource],
            "images": [{"name": IMAGE_NAME, "newName": image, "digest": digest}],
            "transformers": [
                _annotate("objects", recipe.annotations, [{"path": "metadata/annotations"}]),
                _annotate("pods", recipe.pod_annotations, POD_TEMPLATES),
            ],
        }
    ).encode()


def _annotate(name: str, annotations: Mapping[str, str], where: list[dict[str, str]]) -> str:
    """Return a transformer that puts annotations in, whether there were some before or not."""
    return json.dumps(
        {
            "apiVersion": "builtin",
            "kind": "AnnotationsTransformer",
            "metadata": {"name": name},
            "annotations": annotations,
            "fieldSpecs": [{**path, "create": True} for path in where],
        }
    )


def _template(recipe: Recipe, chart: str, tools: Tools, folder: Path) -> bytes:
    values = [f"{path}/values.yaml" for path in (recipe.deploy_path, recipe.overlay_path)]
    words = [word for path in values for word in ("--values", path)]
    place = ["--namespace", recipe.place.namespace]
    # Left to itself, helm says the Kubernetes version that it was built for, or v1.20.
    version = ["--kube-version", f"{recipe.place.kubernetes}.0"]
    done = call(
        tools.helm, "template", recipe.app, f"./{chart}", *place, *version, *words, cwd=folder
    )
    return _output("helm", done, folder)


def _output(program: str, done: Result, folder: Path) -> bytes:
    if done.code == 0:
        return done.stdout
    said = done.stderr.replace(f"{folder}/", "").replace(str(folder), ".")
    raise Refused(
        "does-not-render",
        f"{program}: {shorten(said)}",
        "A base, chart or overlay renders as it stands in the pinned folders.",
        "mend what the message names",
    )


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
