"""A repository as far as this machine's preparation looks at it."""

from __future__ import annotations

from pathlib import Path

SETTINGS = """\
schema: 1
project: acme-models
registry: {registry}  # image of an app: <registry>/<app>
mlflow: sqlite:///.local/mlflow/mlflow.db
renderer: {{kustomize: 5.8.1, helm: 3.22.0}}
"""


def repository(root: Path, registry: str = "127.0.0.1:5000/acme") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "delivery.yaml").write_text(SETTINGS.format(registry=registry))
    return root
