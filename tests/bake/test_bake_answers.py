"""What a bake gives: exactly the expected files, whole, and with the answers in them."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path

import yaml
from delivery.app import AppFile
from delivery.files import parse_model
from delivery.settings import Settings

from tests.bake.template import (
    FOLDER,
    PACKAGE,
    bake,
    expected_files,
    files,
    template_files,
    verbatim,
)

BAR_S = 2.0


def settings(repository: Path) -> Settings:
    return parse_model(Settings, (repository / "delivery.yaml").read_bytes(), "delivery.yaml")


def test_bake_gives_exactly_the_expected_files(baked: Path) -> None:
    assert files(baked) == sorted(expected_files(settings(baked).package))


def test_bake_leaves_no_mark_of_the_template(baked: Path) -> None:
    package = settings(baked).package
    for path in template_files():
        text = (baked / path.replace(PACKAGE, package)).read_text(encoding="utf-8")
        marks = (
            "{{ cookiecutter",
            "{{cookiecutter",
            *(
                () if verbatim(path) else ("{%", "#%", "%#")
            ),  # the board's templates are Jinja's too
        )
        assert not [mark for mark in marks if mark in text], path


def test_bake_copies_verbatim_files_byte_for_byte(template: Path, baked: Path) -> None:
    package = settings(baked).package
    for path in filter(verbatim, template_files()):
        ours = (template / FOLDER / path).read_bytes()
        assert (baked / path.replace(PACKAGE, package)).read_bytes() == ours, path


def test_bake_keeps_run_bits(template: Path, default_bake: Path) -> None:
    for path in template_files():
        ours = (template / FOLDER / path).stat().st_mode & 0o111
        theirs = (default_bake / path.replace(PACKAGE, "acme_models")).stat().st_mode & 0o111
        assert bool(ours) == bool(theirs), path


def test_baked_yaml_json_and_toml_load(baked: Path) -> None:
    for path in baked.rglob("*"):
        if path.suffix in {".yaml", ".yml"} and "templates" not in path.parts:
            list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        elif path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".toml":
            tomllib.loads(path.read_text(encoding="utf-8"))


def test_answers_arrive_in_the_settings(baked: Path, answers: dict[str, str]) -> None:
    found = settings(baked)
    arrived = {
        "project_slug": found.project,
        "package_name": found.package,
        "repo_url": found.repository,
        "registry": found.registry,
        "mlflow_uri": found.mlflow,
    }
    assert {key: arrived[key] for key in arrived.keys() & answers.keys()}.items() <= answers.items()
    assert found.environments[1].namespace == f"{found.project}-staging"


def test_owner_and_name_arrive_in_the_files(baked: Path, answers: dict[str, str]) -> None:
    path = baked / "apps/tumour-classifier/app.yaml"
    app = parse_model(AppFile, path.read_bytes(), str(path))
    assert app.owners == [answers.get("owner", "@acme/ml")]
    name = answers.get("project_name", "Acme Models")
    assert (baked / "README.md").read_text(encoding="utf-8").startswith(f"# {name}\n")


def test_bake_takes_less_than_its_bar(template: Path, tmp_path: Path) -> None:
    taken_s = []
    for number in range(3):
        began = time.monotonic()
        bake(template, tmp_path / str(number))
        taken_s.append(time.monotonic() - began)
    assert min(taken_s) < BAR_S
