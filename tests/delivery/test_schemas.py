"""Editors get the schemas that deliver itself goes by."""

from __future__ import annotations

from tools.schemas import FOLDER, schemas


def test_schemas_are_those_of_the_models() -> None:
    written = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert written == schemas(), "run `python tools/schemas.py` (make schemas)"
