from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from delivery.errors import Refused, Unknown
from delivery.git import Folder
from delivery.records import RendererPin
from delivery.rendering import Recipe, find_tools, render

from tests.delivery.recipes import (
    APPS,
    BASE,
    CHART,
    HELM_APP,
    IMAGE,
    KUSTOMIZE_APP,
    OVERLAY,
    RENDERER_PIN,
    make_recipe,
    refusal,
    rendered,
    template_files,
)

NONSENSE = {
    "HELM_NAMESPACE": "elsewhere",
    "HELM_DEBUG": "true",
    "HELM_PLUGINS": "/nonexistent",
    "HELM_CONFIG_HOME": "/nonexistent",
    "KUBECONFIG": "/nonexistent",
    "KUBECTL_KUBERC": "true",
    "KUSTOMIZE_PLUGIN_HOME": "/nonexistent",
    "KUSTOMIZE_ENABLE_ALPHA_COMMANDS": "maybe",
    "LC_ALL": "tr_TR.UTF-8",
    "TZ": "Pacific/Chatham",
    "GODEBUG": "randautoseed=0",
}
OTHER = "registry.example.com/other@sha256:" + "b" * 64
SECOND_DEPLOYMENT = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: second}}
spec:
  selector: {{matchLabels: {{app: second}}}}
  template:
    metadata: {{labels: {{app: second}}}}
    spec:
      containers: [{{name: other, image: "{OTHER}"}}]
"""


@pytest.mark.parametrize("app", APPS)
def test_rendering_again_elsewhere_gives_the_same_bytes(
    app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = find_tools(RENDERER_PIN)
    first = render(make_recipe(app=app), tools)
    for name, value in NONSENSE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert render(make_recipe(app=app), tools) == first


@pytest.mark.parametrize("app", APPS)
def test_rendered_files_hold_one_object_each_in_order(app: str) -> None:
    found = rendered(app=app)
    assert list(found) == sorted(found)
    for name, text in found.items():
        (item,) = yaml.safe_load_all(text)
        assert name == f"{item['kind']}-{item['metadata']['name']}.yaml".lower()
        assert item["metadata"]["namespace"] == "acme-prod"
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


@pytest.mark.parametrize("app", APPS)
def test_deployment_runs_the_released_image(app: str) -> None:
    deployment = yaml.safe_load(rendered(app=app)[f"deployment-{app}.yaml"])
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE


@pytest.mark.parametrize("app", APPS)
def test_record_of_the_same_release_is_told_on_objects_and_restarts_no_pod(app: str) -> None:
    older, newer = (deployment(make_recipe(app=app, version=version)) for version in ("7", "8"))
    assert newer["metadata"]["annotations"]["deliver.io/model"] == f"models:/{app}/8"
    assert newer["metadata"]["annotations"]["deliver.io/run"] == "0123456789"
    assert older["metadata"] != newer["metadata"]
    assert older["spec"] == newer["spec"]


@pytest.mark.parametrize("app", APPS)
def test_pods_know_their_release_and_a_new_one_restarts_them(app: str) -> None:
    recipe = make_recipe(app=app)
    other = recipe.release.model_copy(update={"id": "sha256:" + "b" * 64})
    for release in (recipe.release, other):
        pod = deployment(replace(recipe, release=release))["spec"]["template"]
        assert pod["metadata"]["annotations"] == {"deliver.io/release": release.id}
        field = {"fieldRef": {"fieldPath": "metadata.annotations['deliver.io/release']"}}
        assert {"name": "RELEASE_ID", "valueFrom": field} in pod["spec"]["containers"][0]["env"]


@pytest.mark.parametrize("kind", ["DaemonSet", "StatefulSet"])
def test_pods_of_other_workloads_know_their_release(kind: str) -> None:
    files = template_files()
    more = SECOND_DEPLOYMENT.replace("Deployment", kind).replace(OTHER, "model-server")
    files[f"{BASE}/second.yaml"] = more.encode()
    path = f"{BASE}/kustomization.yaml"
    files[path] = files[path].replace(b"resources:\n", b"resources:\n  - second.yaml\n")
    found = yaml.safe_load(rendered(files)[f"{kind}-second.yaml".lower()])
    assert "deliver.io/release" in found["spec"]["template"]["metadata"]["annotations"]


def test_kubernetes_version_reaches_the_chart() -> None:
    files = template_files(HELM_APP)
    files[f"{CHART}/templates/version.yaml"] = (
        b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: version}\n"
        b"data: {kubernetes: {{ .Capabilities.KubeVersion.Version | quote }}}\n"
    )
    assert "v1.36.0" in rendered(files, HELM_APP)["configmap-version.yaml"]


def test_text_that_looks_like_a_separator_stays_in_its_object() -> None:
    files = template_files()
    files[OVERLAY] += (
        b"configMapGenerator:\n  - name: notes\n    options: {disableNameSuffixHash: true}\n"
        b'    literals: ["text=one\\n---\\nkind: Secret\\n"]\n'
    )
    found = yaml.safe_load(rendered(files)["configmap-notes.yaml"])
    assert found["data"] == {"text": "one\n---\nkind: Secret\n"}


def test_files_differing_from_the_pins_are_refused() -> None:
    recipe = make_recipe()
    altered = replace(recipe, sources={BASE: Folder({}, "sha256:" + "0" * 64)})
    with pytest.raises(Refused, match="sources-differ"):
        render(altered, find_tools(RENDERER_PIN))


@pytest.mark.parametrize("other", [{"kustomize": "5.0.0"}, {"deliver": 999}])
def test_record_of_another_renderer_is_not_rendered(other: dict[str, object]) -> None:
    pin = RendererPin.model_validate({**RENDERER_PIN.model_dump(), **other})
    with pytest.raises(Unknown, match="wrong-renderer"):
        render(replace(make_recipe(), renderer=pin), find_tools(RENDERER_PIN))


def test_base_that_does_not_render_is_refused_without_temporary_paths() -> None:
    files = template_files()
    files[f"{BASE}/service.yaml"] = b"kind: [unfinished\n"
    error = refusal(files)
    assert error.code == "does-not-render"
    assert f"{BASE}" in error.seen
    assert "deliver-render-" not in error.seen


def test_value_that_the_chart_does_not_know_is_refused() -> None:
    files = template_files(HELM_APP)
    files[f"overlays/prod/{HELM_APP}/values.yaml"] = b"replica: 3\n"
    error = refusal(files, HELM_APP)
    assert error.code == "does-not-render"
    assert "replica" in error.seen


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (OTHER, "containers[0].image is registry.example.com/other"),
        ("registry.example.com/acme/model:latest", "model:latest"),
        ("model-servers", "model-servers"),
    ],
)
def test_other_image_is_refused(image: str, seen: str) -> None:
    files = template_files()
    path = f"{BASE}/deployment.yaml"
    files[path] = files[path].replace(b"image: model-server ", f"image: {image} ".encode())
    error = refusal(files)
    assert error.code == "image-not-pinned"
    assert seen in error.seen


def test_deployment_without_the_released_image_is_refused() -> None:
    files = template_files()
    files[f"{BASE}/second.yaml"] = SECOND_DEPLOYMENT.encode()
    path = f"{BASE}/kustomization.yaml"
    files[path] = files[path].replace(b"resources:\n", b"resources:\n  - second.yaml\n")
    error = refusal(files)
    assert error.code == "image-not-pinned"
    assert "Deployment/second" in error.seen


def test_kustomize_style_needs_no_helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tools = find_tools(RENDERER_PIN.model_copy(update={"helm": "9.9.9"}))
    assert render(make_recipe(), tools)
    assert f"deployment-{KUSTOMIZE_APP}.yaml" in rendered()


def deployment(recipe: Recipe) -> Any:
    """Return the Deployment of an app, as it renders."""
    found = render(recipe, find_tools(RENDERER_PIN))
    return yaml.safe_load(found[f"deployment-{recipe.app}.yaml"])
