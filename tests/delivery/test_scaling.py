"""Autoscaling and GPUs: a component or a value more, and what may not stand beside them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from delivery.errors import Refused
from delivery.validation import require_gpu_image

from tests.delivery.manifests import found
from tests.delivery.recipes import (
    CHART,
    HELM_APP,
    KUSTOMIZE_APP,
    OVERLAY,
    TEMPLATE,
    read_files,
    refusal,
    rendered,
    template_files,
)
from tests.delivery.scaled import HEAD, ON_GPUS, SCALED, SHARED, listing, valued
from tests.delivery.world import World
from tests.docs.pages import GENERATED, Page

PAGE = Page(f"{GENERATED.name}/docs/scaling.md")
CODES = {
    "max: 2, min: 3": "autoscaler-bounds",
    "max: 0, min: 0": "does-not-render",
    "min: 3": "does-not-render",
    "max: 3, target: 50": "does-not-render",
}


@pytest.mark.parametrize(("app", "files"), SCALED)
def test_autoscaler_alone_says_how_many_pods_there_are(app: str, files: dict[str, bytes]) -> None:
    made = rendered(files, app)
    assert found({name: text.encode() for name, text in made.items()}) == []
    deployment = object_of(made, "deployment", app)
    scaler = object_of(made, "horizontalpodautoscaler", app)
    assert "replicas" not in deployment["spec"]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": app}
    assert scaler["spec"]["scaleTargetRef"] == target
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (3, 6)
    assert scaler["metadata"]["labels"] == deployment["metadata"]["labels"]


def test_overlay_sets_the_bounds_of_the_autoscaler() -> None:
    more = """patches:
  - target: {kind: HorizontalPodAutoscaler}
    patch: |
      - {op: replace, path: /spec/maxReplicas, value: 9}
"""
    made = rendered(listing("autoscaling", more))
    assert object_of(made, "horizontalpodautoscaler", KUSTOMIZE_APP)["spec"]["maxReplicas"] == 9


def test_number_of_replicas_beside_an_autoscaler_is_refused() -> None:
    more = f"replicas:\n  - {{name: {KUSTOMIZE_APP}, count: 3}}\n"
    (problem,) = problems(listing("autoscaling", more), KUSTOMIZE_APP)
    assert problem == "two-counts"


@pytest.mark.parametrize(("values", "code"), CODES.items(), ids=CODES)
def test_bounds_that_make_no_sense_are_refused(values: str, code: str) -> None:
    files = valued(f"autoscaling: {{{values}}}\n")
    if code == "does-not-render":
        assert refusal(files, HELM_APP).code == code
    else:
        assert problems(files, HELM_APP) == [code]


@pytest.mark.parametrize("text", PAGE.blocks("yaml"))
def test_example_on_the_page_renders(text: str) -> None:
    if {"components", "patches"} & set(yaml.safe_load(text)):
        app, files = KUSTOMIZE_APP, template_files() | SHARED | {OVERLAY: (HEAD + text).encode()}
    else:
        app, files = HELM_APP, valued(text)
    assert problems(files, app) == []


@pytest.mark.parametrize(("app", "files"), ON_GPUS)
def test_pod_on_a_gpu_asks_for_one_and_for_its_nodes(app: str, files: dict[str, bytes]) -> None:
    made = rendered(files, app)
    assert found({name: text.encode() for name, text in made.items()}) == []
    pod = object_of(made, "deployment", app)["spec"]["template"]["spec"]
    (server,) = pod["containers"]
    expected = {"cpu": "1", "memory": "4Gi", "nvidia.com/gpu": "1"}
    assert server["resources"]["limits"] == expected
    provider = {"name": "ONNX_PROVIDERS", "value": "CUDAExecutionProvider,CPUExecutionProvider"}
    assert provider in server["env"]
    assert "RELEASE_ID" in {one["name"] for one in server["env"]}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    asking = yaml.safe_load(made[f"job-{app}-question.yaml"])["spec"]["template"]["spec"]
    assert asking["affinity"] == pod["affinity"]
    assert asking["tolerations"] == pod["tolerations"]


@pytest.mark.parametrize(
    ("app", "line"), [(KUSTOMIZE_APP, "components: [gpu]"), (HELM_APP, "accelerator: gpu")]
)
def test_image_for_gpus_carries_cuda(fresh: World, app: str, line: str) -> None:
    path = f"apps/{app}/app.yaml"
    before = fresh.work.app(app)
    fresh.change({path: f"{(fresh.root / path).read_text()}{line}\n"})
    after = fresh.work.app(app)
    assert b"nvidia-cudnn" not in before.engine_lock()
    assert b"nvidia-cudnn" in after.engine_lock()
    assert before.locks_sha256 != after.locks_sha256


@pytest.mark.parametrize(
    "values", ["gpu: true", "env: {ONNX_PROVIDERS: CUDAExecutionProvider}", "replicas: 2"]
)
def test_pod_that_asks_for_a_gpu_needs_an_image_with_cuda(fresh: World, values: str) -> None:
    made = rendered(valued(f"{values}\n"), HELM_APP)
    manifests = {name: text.encode() for name, text in made.items()}
    if values.startswith("replicas"):
        require_gpu_image(manifests, lambda: fresh.work.app(HELM_APP))
        return
    with pytest.raises(Refused, match="gpu-image-missing"):
        require_gpu_image(manifests, lambda: fresh.work.app(HELM_APP))


def test_both_styles_put_the_same_onto_a_gpu() -> None:
    pods = [
        object_of(rendered(files, app), "deployment", app)["spec"]["template"]["spec"]
        for app, files in ON_GPUS
    ]
    for field in ("affinity", "tolerations"):
        assert pods[0][field] == pods[1][field]
    ours, theirs = (pod["containers"][0] for pod in pods)
    assert ours["resources"] == theirs["resources"]


def test_component_that_the_release_does_not_pin_is_refused() -> None:
    files = {path: data for path, data in listing("gpu").items() if "components/" not in path}
    error = refusal(files)
    assert error.code == "outside-sources"
    assert "`components` in app.yaml" in error.next_step


def test_components_beside_a_chart_are_refused() -> None:
    files = template_files(HELM_APP) | read_files(TEMPLATE, "components/gpu")
    assert any(path.startswith(CHART) for path in files)
    assert refusal(files, HELM_APP).code == "sources-differ"


def object_of(made: dict[str, str], kind: str, name: str) -> Any:
    """Return a rendered object."""
    return yaml.safe_load(made[f"{kind}-{name}.yaml"])


def problems(files: dict[str, bytes], app: str) -> list[str]:
    """Return the codes of what is wrong with what an app renders to."""
    made = rendered(files, app)
    return [one.code for one in found({name: text.encode() for name, text in made.items()})]
