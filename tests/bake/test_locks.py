"""Lock files pin everything by its hash, and name no place that packages come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.bake.template import ROOT, known_files

LOCKS = [path for path in known_files() if path.endswith(".lock")]


@pytest.mark.parametrize("path", LOCKS)
def test_lock_names_no_index_host(path: str) -> None:
    assert not re.search(r"^\s*-(?!-hash=)|://", (ROOT / path).read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", LOCKS)
def test_lock_pins_every_package_with_its_hash(path: str) -> None:
    text = (ROOT / path).read_text().replace("\\\n", " ")
    assert all("==" in line and "--hash=sha256:" in line for line in text.splitlines())


def test_tools_of_the_template_are_those_of_the_baked_repository() -> None:
    ours = pins(ROOT / "requirements.lock")
    for path in LOCKS:
        if "/delivery/" in path and not path.endswith("/gpu.lock"):  # no GPU, no engine for one
            assert pins(ROOT / path) <= ours, path


@pytest.mark.parametrize("path", [path for path in LOCKS if path.endswith("/conversion.lock")])
def test_converter_has_the_apps_own_versions(path: str) -> None:
    lock = ROOT / path
    assert pins(lock.with_name("requirements.lock")) <= pins(lock)


def pins(lock: Path) -> set[str]:
    return set(re.findall(r"^[\w.-]+==[^\s;]+", lock.read_text(), re.MULTILINE))
