"""The list of what an image holds: what stands in it, and that CycloneDX's own schema takes it."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest
from delivery.models.sbom import compose, parse_lock
from delivery.models.system import Package, System, parse_release, parse_status

from tests.delivery.judged import model

HASHES = ("a" * 64, "b" * 64)
LOCK = f"""\
# made by uv
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:{HASHES[0]} \\
    --hash=sha256:{HASHES[1]}
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:{HASHES[0]}
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:{HASHES[1]}
prometheus-client==0.26.0 \\
    --hash=sha256:{HASHES[0]}
""".encode()
STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl (3.0.17-1)
Version: 3.0.17-1~deb12u3
Description: Secure Sockets Layer toolkit
 Version: of a line that goes on

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: python3.11
Status: install ok installed
Architecture: amd64
Version: 3.11.2-6+deb12u6
"""
SYSTEM = System("debian", "12", tuple(parse_status(STATUS)), "3.11.2")
LABELS = {"io.deliver.run": "7", "org.opencontainers.image.revision": "f" * 40}


def listed(system: System = SYSTEM, lock: bytes = LOCK) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(compose("toy", "3", LABELS, model(), lock, system))
    return found


def names(found: dict[str, Any], kind: str) -> list[str]:
    return [one["name"] for one in found["components"] if one["type"] == kind]


def schema(name: str) -> Any:
    file = resources.files("cyclonedx.schema._res") / name.rpartition("/")[2]
    return json.loads(file.read_text())


@pytest.mark.parametrize("system", [SYSTEM, System(), System(python="3.11.16", own_python=True)])
def test_list_follows_cyclonedx(system: System) -> None:
    names = ("spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json")
    whole = schema("bom-1.6.SNAPSHOT.schema.json")
    validator = jsonschema_rs.validator_for(
        whole, retriever=lambda url: schema(next(name for name in names if url.endswith(name)))
    )
    validator.validate(listed(system))
    with pytest.raises(jsonschema_rs.ValidationError):
        validator.validate(listed(system) | {"specVersion": 1})


def test_same_content_gives_the_same_bytes_and_other_content_another_serial_number() -> None:
    first = compose("toy", "3", LABELS, model(), LOCK, SYSTEM)
    assert compose("toy", "3", LABELS, model(), LOCK, SYSTEM) == first
    assert listed()["serialNumber"] != listed(System())["serialNumber"]
    assert "timestamp" not in listed()["metadata"]


def test_what_pip_leaves_out_is_not_listed() -> None:
    found = list(parse_lock(LOCK, "3.11.2"))
    assert [one[:2] for one in found] == [("numpy", "2.4.6"), ("prometheus-client", "0.26.0")]
    assert found[0][2] == list(HASHES)
    assert [one[1] for one in parse_lock(LOCK, "3.12.1")] == ["2.5.5", "0.26.0"]


def test_packages_are_named_so_that_scanners_know_them() -> None:
    purls = {one["name"]: one.get("purl") for one in listed()["components"]}
    assert purls["prometheus-client"] == "pkg:pypi/prometheus-client@0.26.0"
    assert purls["libssl3"] == (
        "pkg:deb/debian/libssl3@3.0.17-1~deb12u3?arch=amd64&distro=debian-12&upstream=openssl"
    )
    assert names(listed(), "operating-system") == ["debian"]


def test_model_is_listed_with_its_files_and_where_they_came_from() -> None:
    held = model()
    (found,) = (one for one in listed()["components"] if one["type"] == "machine-learning-model")
    assert {one["name"]: one["value"] for one in found["properties"]} == LABELS
    assert {one["name"] for one in found["components"]} == set(held.files)


def test_only_installed_packages_are_read() -> None:
    assert list(parse_status(STATUS)) == [
        Package("libssl3", "3.0.17-1~deb12u3", "amd64", "openssl"),
        Package("python3.11", "3.11.2-6+deb12u6", "amd64", "python3.11"),
    ]


def test_python_that_is_no_package_is_listed() -> None:
    assert names(listed(System(python="3.11.16", own_python=True)), "platform") == ["python"]
    assert names(listed(), "platform") == []


def test_release_of_a_distribution_is_read_without_quotes() -> None:
    assert parse_release('ID=debian\nVERSION_ID="12"\n\n') == {"ID": "debian", "VERSION_ID": "12"}
