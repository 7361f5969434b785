"""Write the template's `argocd/` and CODEOWNERS as `deliver` would, with questions for the answers.

Part of `make schemas`. A bake of any answers gives the bytes that `deliver argocd` and `deliver
owners` then write.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from delivery.app import AppFile
from delivery.argocd.files import argocd_files
from delivery.files import parse_model, write
from delivery.owners import owners_file, owners_path
from delivery.settings import PATH, Settings

TEMPLATE = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"
QUESTION = re.compile(r"\{\{ cookiecutter\.(\w+) \}\}")
MARKS = {
    "project_slug": "answer-project-slug",
    "package_name": "answer_package_name",
    "repo_url": "answer:/repo-url",
    "registry": "answer.registry",
    "mlflow_uri": "answer:/mlflow-uri",
    "owner": "@answer/owner",
}
GO = re.compile(r"\{\{\..*\}\}")


def template_files() -> dict[str, bytes]:
    """Return each file's bytes by its path in the template."""
    settings = parse_model(Settings, _answered(TEMPLATE / PATH), PATH)
    return {path: _asking(data.decode()) for path, data in argocd_files(settings).items()}


def template_owners() -> dict[str, bytes]:
    """Return CODEOWNERS by its path in the template, as `deliver owners` would write it."""
    settings = parse_model(Settings, _answered(TEMPLATE / PATH), PATH)
    apps = {
        path.parent.name: parse_model(AppFile, _answered(path), path.name)
        for path in sorted(TEMPLATE.glob("apps/*/app.yaml"))
    }
    return {owners_path(settings): _asking(owners_file(settings, apps).decode())}


def _answered(path: Path) -> bytes:
    text = path.read_text(encoding="utf-8")
    return QUESTION.sub(lambda found: MARKS[found[1]], text).encode()


def _asking(text: str) -> bytes:
    """Return a file with the questions in it; what Argo CD is to fill in is left alone."""
    text = GO.sub(lambda found: f"#% raw %#{found[0]}#% endraw %#", text)
    for name, mark in MARKS.items():
        text = text.replace(mark, f"{{{{ cookiecutter.{name} }}}}")
    return text.encode()


if __name__ == "__main__":
    shutil.rmtree(TEMPLATE / "argocd", ignore_errors=True)
    for path, data in (template_files() | template_owners()).items():
        write(TEMPLATE / path, data)
