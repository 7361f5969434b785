"""What a bake has in argocd/ is what `deliver argocd` would write there, whatever the answers."""

from __future__ import annotations

from pathlib import Path

from delivery.argocd.files import argocd_files
from delivery.files import parse_model
from delivery.settings import Settings

from tests.bake.template import FOLDER, ROOT, files
from tools.argocd import template_files


def baked_argocd(repository: Path) -> dict[str, bytes]:
    paths = [f"argocd/{path}" for path in files(repository / "argocd")]
    return {path: (repository / path).read_bytes() for path in paths}


def test_baked_bytes_are_those_that_deliver_writes(baked: Path) -> None:
    data = (baked / "delivery.yaml").read_bytes()
    assert baked_argocd(baked) == argocd_files(parse_model(Settings, data, "delivery.yaml"))


def test_template_is_what_the_code_gives() -> None:
    assert baked_argocd(ROOT / FOLDER) == template_files(), "run `make schemas`"
