"""The list of what an image holds, as CycloneDX 1.6 in JSON: equal content gives equal bytes.

It is made before the image, of what the image is made of, and lies in it as `/sbom.cdx.json`.
See: https://cyclonedx.org/docs/1.6/json/, and https://github.com/package-url/purl-spec.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement

from ..canonical import sha256
from .contract import ModelFiles
from .system import Package, System

HASH = re.compile(r"\s*--hash=sha256:([0-9a-f]{64})")


def compose(
    app: str,
    version: str,
    made_of: Mapping[str, str],
    model: ModelFiles,
    lock: bytes,
    system: System,
) -> bytes:
    """Return the list for an image of a model version; `made_of` is what its labels say."""
    image = Component(name=app, version=version, type=ComponentType.CONTAINER, bom_ref="image")
    held = [
        _model(app, version, made_of, model),
        *_system(system),
        *(_library(*locked) for locked in parse_lock(lock, system.python)),
    ]
    bom = Bom(components=held, serial_number=uuid.UUID(int=0))
    bom.metadata.timestamp = None  # type: ignore[assignment] # the schema asks for none
    bom.metadata.component = image
    bom.register_dependency(image, held)
    # Lists are told apart by their serial numbers, so that of equal ones is equal.
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, sha256(_dump(bom)))
    return _dump(bom)


def parse_lock(lock: bytes, python: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield name, version and accepted SHA-256s of what pip installs from a lock on Linux.

    `python` is the whole version of Python, such as 3.11.2; the processor is this machine's.
    """
    here = {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
    }
    for line in lock.decode().replace("\\\n", "").splitlines():
        words = HASH.sub("", line).strip()
        if not words or words.startswith("#"):
            continue
        wanted = Requirement(words)
        if wanted.marker is None or wanted.marker.evaluate(here):
            yield wanted.name, str(wanted.specifier).removeprefix("=="), HASH.findall(line)


def _library(name: str, version: str, hashes: Iterable[str]) -> Component:
    purl = PackageURL("pypi", name=name, version=version)
    return Component(
        name=name,
        version=version,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in hashes],
    )


def _model(app: str, version: str, made_of: Mapping[str, str], model: ModelFiles) -> Component:
    """Return the model with its files; its properties say where each part of it came from."""
    files = [
        Component(
            name=name,
            type=ComponentType.FILE,
            bom_ref=f"model/{name}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=_hex(data))],
        )
        for name, data in model.files.items()
    ]
    return Component(
        name=app,
        version=version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        components=files,
        properties=[Property(name=name, value=value) for name, value in made_of.items()],
    )


def _system(system: System) -> Iterator[Component]:
    if system.distribution:
        yield Component(
            name=system.distribution,
            version=system.version or None,
            type=ComponentType.OPERATING_SYSTEM,
            bom_ref="system",
        )
    if system.own_python:
        yield Component(
            name="python",
            version=system.python,
            type=ComponentType.PLATFORM,
            bom_ref="python",
            cpe=f"cpe:2.3:a:python:python:{system.python}:*:*:*:*:*:*:*",
            purl=PackageURL("generic", name="python", version=system.python),
        )
    for package in system.packages:
        yield _package(package, system)


def _package(package: Package, system: System) -> Component:
    named = {"arch": package.architecture}
    if system.version:
        named["distro"] = f"{system.distribution}-{system.version}"
    if package.source != package.name:
        named["upstream"] = package.source
    where = system.distribution or "debian"
    purl = PackageURL("deb", where, package.name, package.version, named)
    return Component(
        name=package.name, version=package.version, purl=purl, bom_ref=purl.to_string()
    )


def _hex(data: bytes) -> str:
    return sha256(data).removeprefix("sha256:")


def _dump(bom: Bom) -> bytes:
    written = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return f"{written.output_as_string(indent=1)}\n".encode()
