"""What an image brings before anything is put into it: its distribution, packages and Python.

Read from its files, without starting it.
See: deb-control(5) for the fields of /var/lib/dpkg/status, and os-release(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .engine import Engine
from .files import read_files

STATUS, RELEASE = "/var/lib/dpkg/status", "/usr/lib/os-release"
SOURCE = re.compile(r"(?P<name>\S+)(?: \((?P<version>\S+)\))?")
PYTHON = "3.11.0"
"""The Python of a base that does not say which one it has; the Dockerfile asks for 3.11."""


@dataclass(frozen=True, order=True)
class Package:
    """An installed package of Debian, or of what is made of it."""

    name: str
    version: str
    architecture: str
    source: str
    """The source package that it was built from, which advisories are about."""


@dataclass(frozen=True)
class System:
    """A base image's distribution, as os-release names it, its packages, and its Python."""

    distribution: str = ""
    version: str = ""
    packages: tuple[Package, ...] = ()
    python: str = PYTHON
    own_python: bool = False
    """Whether its Python is no package of the distribution."""


def read_system(engine: Engine, image: str) -> System:
    """Return what an image brings; one that is not made of Debian's packages lists none."""
    engine.pull(image)
    found = read_files(engine, image, (RELEASE, STATUS))
    release = parse_release(found.get(RELEASE, b"").decode("utf-8", "replace"))
    packages = tuple(sorted(parse_status(found.get(STATUS, b"").decode("utf-8", "replace"))))
    own = engine.variables(image).get("PYTHON_VERSION", "")
    return System(
        release.get("ID", ""),
        release.get("VERSION_ID", ""),
        packages,
        own or _packaged_python(packages) or PYTHON,
        bool(own),
    )


def parse_status(text: str) -> Iterator[Package]:
    """Yield the packages that dpkg has installed; of others it keeps only their settings."""
    for paragraph in text.split("\n\n"):
        fields = _fields(paragraph)
        if fields.get("Status", "").endswith(" installed"):
            source = SOURCE.match(fields.get("Source", ""))
            yield Package(
                fields["Package"],
                fields["Version"],
                fields.get("Architecture", ""),
                source["name"] if source else fields["Package"],
            )


def parse_release(text: str) -> dict[str, str]:
    """Return the assignments in an os-release file."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, _, value in pairs}


def _fields(paragraph: str) -> Mapping[str, str]:
    """Return a paragraph's fields that have one line."""
    pairs = (line.partition(": ") for line in paragraph.splitlines() if line[:1].isalpha())
    return {key: value.strip() for key, _, value in pairs}


def _packaged_python(packages: tuple[Package, ...]) -> str:
    """Return the release of the distribution's Python, such as 3.11.2."""
    names = re.compile(r"python3\.\d+")
    found = (one.version for one in packages if names.fullmatch(one.name))
    return next((re.split(r"[^0-9.]", version)[0] for version in found), "")
