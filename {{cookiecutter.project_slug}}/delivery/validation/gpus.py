"""GPUs: pods that ask for one run an image that can compute there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..app import App
from .objects import KubernetesObject, Problem, containers, documents, mapping, pod_specs, refuse

RESOURCES = "nvidia.com/"
PROVIDERS, CUDA = "ONNX_PROVIDERS", "CUDA"


def require_gpu_image(manifests: Mapping[str, bytes], built: Callable[[], App]) -> None:
    """Raise Refused (`gpu-image-missing`) where pods ask for a GPU and their image has no CUDA.

    `manifests` are valid; `built` gives the app as the commit has it that the image is built from,
    and is asked only where a GPU is. What is always served natively has no ONNX Runtime: whether it
    computes on a GPU is up to its own packages.
    """
    asking = list(_asking(manifests))
    if not asking:
        return
    app = built()
    if not (app.on_gpus or app.file.serve == "native"):
        refuse([_missing(app, where, what) for where, what in asking])


def _asking(manifests: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Yield each object with a container that asks for a GPU, and how it does."""
    for name, data in sorted(manifests.items()):
        item = KubernetesObject(name, mapping(documents(data)[0]))
        for at, spec in pod_specs(item.data):
            for where, container in containers(spec):
                asked = _asked(container)
                if asked:
                    yield item.where, f"{at}.{where}.{asked}"


def _asked(container: Mapping[str, Any]) -> str:
    """Return how a container asks for a GPU; empty where it does not."""
    stated = mapping(container.get("resources"))
    for group in ("limits", "requests"):
        for name in mapping(stated.get(group)):
            if name.startswith(RESOURCES):
                return f"resources.{group} has {name}"
    for one in container.get("env") or ():
        if one.get("name") == PROVIDERS and CUDA in str(one.get("value", "")):
            return f"env.{PROVIDERS} names {CUDA}"
    return ""


def _missing(app: App, where: str, what: str) -> Problem:
    line = "accelerator: gpu" if app.file.style == "helm" else "components: [gpu]"
    return Problem(
        "gpu-image-missing",
        where,
        f"{what}, and the image is without CUDA",
        "Where CUDA is not in the image, the server does not start with it, and uses no GPU.",
        f"see that {app.folder}/app.yaml has `{line}`, merge it, then train, build and release "
        "the app again (docs/scaling.md)",
    )
