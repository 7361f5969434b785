"""Whether what a scanner says decides, with a small program that reads the list as scanners do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from delivery.errors import Refused, Unknown
from delivery.files import parse_model
from delivery.models.sbom import compose
from delivery.models.scanning import scan
from delivery.models.system import System
from delivery.settings import Settings

from tests.delivery import toys
from tests.delivery.judged import model
from tests.docs.pages import GENERATED, Page

SCANNER = """\
import json, sys
known = {"pkg:pypi/numpy@1.0.0": "CVE-2099-1"}
listed = [one.get("purl") for one in json.load(open(sys.argv[1]))["components"]]
found = [f"{purl} {known[purl]}" for purl in listed if purl in known]
print("\\n".join([f"{len(listed)} components of {sys.argv[2]}", *found]))
sys.exit(bool(found))
"""


def sbom(version: str) -> bytes:
    lock = f"numpy=={version} --hash=sha256:{'0' * 64}\n".encode()
    return compose("toy", "1", {}, model(), lock, System())


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    (tmp_path / "scanner.py").write_text(SCANNER)
    return [sys.executable, str(tmp_path / "scanner.py"), "{sbom}", "image={image}"]


def test_image_without_findings_passes(command: list[str]) -> None:
    scan(command, "sha256:1", sbom("2.0.0"))


def test_finding_is_refused_in_the_scanners_words(command: list[str]) -> None:
    with pytest.raises(Refused, match="image-vulnerable") as refused:
        scan(command, "sha256:1", sbom("1.0.0"))
    assert "CVE-2099-1" in refused.value.seen
    assert "components of image=sha256:1" in refused.value.seen


def test_scanner_without_its_data_is_heard() -> None:
    script = "import sys; print('0 found'); sys.exit('no data: ' + sys.argv[1])"
    with pytest.raises(Refused, match="image-vulnerable") as refused:
        scan([sys.executable, "-c", script, "{image}"], "sha256:1", sbom("2.0.0"))
    assert refused.value.seen.endswith("ended with 1: 0 found\nno data: sha256:1")


def test_scanner_that_is_not_there_is_no_pass() -> None:
    with pytest.raises(Unknown, match="program-missing"):
        scan(["no-such-scanner", "{sbom}"], "sha256:1", sbom("2.0.0"))


def test_examples_of_the_page_are_settings_that_deliver_takes() -> None:
    blocks = Page(f"{GENERATED.name}/docs/image.md").blocks("yaml")
    scans = [f"{line}\n" for line in blocks[0].splitlines()]
    for text in [*scans, *blocks[1:]]:
        parse_model(Settings, f"{toys.SETTINGS}{text}".encode(), "delivery.yaml")


@pytest.mark.parametrize(
    "line",
    [
        "scan: [grype]",
        "scan: []",
        "signing: {}",
        "signing: {public_key: delivery/cosign.pub}",
        "signing: {public_key: keys/a.pub, keyless: {identity: a, issuer: https://b}}",
        "signing: {keyless: {identity: a, issuer: http://b}}",
    ],
)
def test_settings_that_would_check_nothing_are_refused(line: str) -> None:
    parse_model(Settings, toys.SETTINGS.encode(), "delivery.yaml")
    with pytest.raises(Exception, match="broken-file"):
        parse_model(Settings, f"{toys.SETTINGS}{line}\n".encode(), "delivery.yaml")
