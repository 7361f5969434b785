"""Write the template's `argocd/` as `deliver argocd` would, with the questions for the answers.

Part of `make schemas`. A bake of any answers gives the bytes that `deliver argocd` then writes.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from delivery.argocd.files import argocd_files
from delivery.files import parse_model, write
from delivery.settings import PATH, Settings

TEMPLATE = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"
QUESTION = re.compile(r"\{\{ cookiecutter\.(\w+) \}\}")
MARKS = {
    "project_slug": "answer-project-slug",
    "package_name": "answer_package_name",
    "repo_url": "answer:/repo-url",
    "registry": "answer.registry",
    "mlflow_uri": "answer:/mlflow-uri",
}
GO = re.compile(r"\{\{\..*\}\}")


def template_files() -> dict[str, bytes]:
    """Return each file's bytes by its path in the template."""
    text = (TEMPLATE / PATH).read_text(encoding="utf-8")
    marked = QUESTION.sub(lambda found: MARKS[found[1]], text)
    settings = parse_model(Settings, marked.encode(), PATH)
    return {path: _asking(data.decode()) for path, data in argocd_files(settings).items()}


def _asking(text: str) -> bytes:
    """Return a file with the questions in it; what Argo CD is to fill in is left alone."""
    text = GO.sub(lambda found: f"#% raw %#{found[0]}#% endraw %#", text)
    for name, mark in MARKS.items():
        text = text.replace(mark, f"{{{{ cookiecutter.{name} }}}}")
    return text.encode()


if __name__ == "__main__":
    shutil.rmtree(TEMPLATE / "argocd", ignore_errors=True)
    for path, data in template_files().items():
        write(TEMPLATE / path, data)
