"""Write the JSON Schemas of the files that people and deliver write: `python tools/schemas.py`.

Editors read them; delivery/schemas is their only place. A test compares them with the models.
"""

from __future__ import annotations

import json
from pathlib import Path

from delivery.app import AppFile, HoldoutFile
from delivery.argocd.notes import Confirmation
from delivery.evidence import Evidence
from delivery.models.contract import Signature, Training
from delivery.records import Record
from delivery.settings import Settings
from delivery.waivers import WaiverFile
from pydantic import BaseModel

FOLDER = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}/delivery/schemas"
MODELS: dict[str, type[BaseModel]] = {
    "app": AppFile,
    "confirmation": Confirmation,
    "delivery": Settings,
    "evidence": Evidence,
    "holdout": HoldoutFile,
    "record": Record,
    "signature": Signature,
    "training": Training,
    "waiver": WaiverFile,
}


def schemas() -> dict[str, str]:
    """Return each schema's text by file name."""
    return {
        f"{name}.schema.json": json.dumps(model.model_json_schema(by_alias=True), indent=2) + "\n"
        for name, model in MODELS.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in schemas().items():
        (FOLDER / file).write_text(text)
