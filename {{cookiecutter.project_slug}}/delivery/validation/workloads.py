"""What every container of a workload states: its image by digest, its requests and its limit.

And what it does not: which release it is of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .objects import KubernetesObject, Problem, containers, mapping, pod_specs

PINNED = re.compile(r"[a-z0-9.:/_-]+@sha256:[0-9a-f]{64}")
RELEASE, TOLD = "RELEASE_ID", "metadata.annotations['deliver.io/release']"
"""What the server tells everyone its release is, and where that has to come from."""
# No limit for the CPU is asked: it throttles a server that could use idle cores, while memory
# without a limit endangers the other pods of the node.
NEEDED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


def images(item: KubernetesObject) -> Iterator[Problem]:
    """Yield containers whose image is not named by digest."""
    for at, spec in pod_specs(item.data):
        for where, container in containers(spec):
            image = container.get("image")
            if not (isinstance(image, str) and PINNED.fullmatch(image)):
                yield Problem(
                    "image-not-pinned",
                    item.where,
                    f"{at}.{where}.image is {image or 'missing'}",
                    "Every image is named by its digest: a tag may stand for other bytes tomorrow.",
                    "name the app's own image `model-server`, and others as <image>@sha256:…",
                )


def resources(item: KubernetesObject) -> Iterator[Problem]:
    """Yield containers that do not request CPU and memory, or have no limit on memory."""
    for at, spec in pod_specs(item.data):
        for where, container in containers(spec):
            stated = mapping(container.get("resources"))
            for group, resource in NEEDED:
                if not mapping(stated.get(group)).get(resource):
                    yield Problem(
                        "no-limits",
                        item.where,
                        f"{at}.{where}.resources.{group}.{resource} is missing",
                        "Containers request CPU and memory, and have a limit on memory.",
                        "state them in the app's base, chart values or overlay",
                    )


def releases(item: KubernetesObject) -> Iterator[Problem]:
    """Yield containers that are told another release than the one that rendering wrote."""
    for at, spec in pod_specs(item.data):
        for where, container in containers(spec):
            stated = [one for one in container.get("env") or () if one.get("name") == RELEASE]
            sources = [mapping(mapping(one.get("valueFrom")).get("fieldRef")) for one in stated]
            if any(source.get("fieldPath") != TOLD for source in sources):
                yield Problem(
                    "release-stated",
                    item.where,
                    f"{at}.{where}.env.{RELEASE} is not the pod's annotation",
                    "Answers and metrics name the release that a record brought, and no other.",
                    f"leave {RELEASE} out of patches and values; the base and the chart set it",
                )
