"""From kustomize's one stream to a file per object, each with the released image in it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import Refused
from ..validation.objects import (
    Kind,
    KubernetesObject,
    NotPlainError,
    containers,
    documents,
    pod_specs,
    refuse,
)
from ..validation.workloads import images

IMAGE_NAME = "model-server"
DEPLOYMENT = Kind("apps", "Deployment")
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def split(stream: bytes) -> dict[str, bytes]:
    """Return `<kind>-<name>.yaml`, lower case and sorted, with the bytes that kustomize wrote.

    Raises Refused where there is no object, or where an object has no name to be a file's.
    """
    files: dict[str, bytes] = {}
    # A block or a quoted text is indented, so a separator in the first column is none of theirs.
    for part in re.split(rb"^---\n", stream, flags=re.MULTILINE):
        data = part.strip(b"\n") + b"\n"
        if data == b"\n":
            continue
        name = _file_name(data)
        if name in files:
            raise _unnamed(f"two objects would both be {name}")
        files[name] = data
    if not files:
        raise Refused(
            "nothing-rendered",
            "not one object was rendered.",
            "An app that is deployed has at least one object: nothing is never valid.",
            "see which resources the overlay and the base, or the chart, refer to",
        )
    return dict(sorted(files.items()))


def require_image(manifests: Mapping[str, bytes], image: str) -> None:
    """Raise Refused (`image-not-pinned`) unless the workloads run the released image, by digest.

    Every Deployment has a container of it, every container named `model-server` is of it, at
    least one container is, and no image is named otherwise than by digest.
    """
    used = False
    for name, data in manifests.items():
        item = KubernetesObject(name, documents(data)[0])
        refuse(list(images(item)))
        mine = False
        for at, spec in pod_specs(item.data):
            for where, container in containers(spec):
                mine = mine or container.get("image") == image
                if container.get("name") == IMAGE_NAME and container.get("image") != image:
                    raise _other_image(item, f"{at}.{where}.image is {container.get('image')}")
        if item.kind == DEPLOYMENT and not mine:
            raise _other_image(item, "none of its containers runs the released image")
        used = used or mine
    if not used:
        raise _other_image(None, "no container runs the released image")


def _file_name(data: bytes) -> str:
    try:
        (content,) = documents(data)
    except (NotPlainError, ValueError) as err:
        raise _unnamed(str(err)) from err
    if not isinstance(content, dict):
        raise _unnamed("what was rendered is no object")
    item = KubernetesObject("", content)
    if not (item.kind.kind and NAME.fullmatch(item.name)):
        raise _unnamed(f"{item.kind.kind or 'an object'} has the name {item.name!r}")
    return f"{item.kind.kind}-{item.name}.yaml".lower()


def _unnamed(seen: str) -> Refused:
    return Refused(
        "no-file-name",
        f"{seen}.",
        "Each object gets a file <kind>-<name>.yaml, so it needs a kind and a DNS name of its own.",
        "give the object a name of lower-case letters, digits, dots and hyphens",
    )


def _other_image(item: KubernetesObject | None, what: str) -> Refused:
    return Refused(
        "image-not-pinned",
        f"{item.where}: {what}." if item else f"{what}.",
        "What runs is the image that was judged: every Deployment runs it, by digest.",
        f"name the container's image `{IMAGE_NAME}`; rendering puts the released one",
    )
