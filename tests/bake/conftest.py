from __future__ import annotations

from pathlib import Path

import pytest

from tests.bake.template import bake, copy_template

LONGEST = "a123456789-b123456789-c123456789-d123456"

# Default answers, each other answer once, the longest legal slug, quotes and non-ASCII.
ANSWERS: dict[str, dict[str, str]] = {
    "defaults": {},
    "name": {"project_name": "Tumour Board"},
    "slug": {"project_slug": "onco"},
    "package": {"package_name": "oncology"},
    "repository-ssh": {"repo_url": "git@git.acme.example:ml/models.git"},
    "repository-file": {"repo_url": "file:///srv/git/models.git"},
    "repository-folder": {"repo_url": "/srv/git/models.git"},
    "registry": {"registry": "127.0.0.1:5000/ml/models"},
    "mlflow": {"mlflow_uri": "https://mlflow.acme.example/tracking"},
    "owner": {"owner": "@sam-student"},
    "longest-slug": {"project_slug": LONGEST},
    "quotes": {"project_name": "O\"Brien's {x} \\ models: #1"},
    "non-ascii": {"project_name": "Größe 模型 😀", "project_slug": "groesse"},
}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed copy of the template; cruft wants a commit."""
    return copy_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session", params=list(ANSWERS))
def answers(request: pytest.FixtureRequest) -> dict[str, str]:
    return ANSWERS[request.param]


@pytest.fixture(scope="session")
def baked(
    template: Path, answers: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The repository that some answers give."""
    return bake(template, tmp_path_factory.mktemp("bake") / "out", **answers)


@pytest.fixture(scope="session")
def default_bake(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that the default answers give."""
    return bake(template, tmp_path_factory.mktemp("default") / "out")
