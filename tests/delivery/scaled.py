"""The template's own apps with an autoscaler, or on GPUs, in both styles."""

from __future__ import annotations

from tests.delivery.recipes import (
    BASE,
    HELM_APP,
    KUSTOMIZE_APP,
    OVERLAY,
    TEMPLATE,
    read_files,
    template_files,
)

VALUES = f"overlays/prod/{HELM_APP}/values.yaml"
HEAD = f"resources:\n  - ../../../{BASE}\n"
SHARED = read_files(TEMPLATE, "components")


def listing(component: str, more: str = "") -> dict[str, bytes]:
    """Return the classifier's files with a component in its overlay, and no count of replicas."""
    shared = read_files(TEMPLATE, f"components/{component}")
    listed = f"components:\n  - ../../../components/{component}\n"
    return template_files() | shared | {OVERLAY: f"{HEAD}{listed}{more}".encode()}


def valued(text: str) -> dict[str, bytes]:
    """Return the forecast's files with other values in its overlay."""
    return template_files(HELM_APP) | {VALUES: text.encode()}


SCALED = [
    (KUSTOMIZE_APP, listing("autoscaling")),
    (HELM_APP, valued("autoscaling: {min: 3, max: 6}\n")),
    (HELM_APP, valued("replicas: 3\nautoscaling: {max: 6}\n")),
]
ON_GPUS = [
    (KUSTOMIZE_APP, listing("gpu")),
    (HELM_APP, valued("gpu: true\nresources: {requests: {memory: 4Gi}, limits: {memory: 4Gi}}\n")),
]
