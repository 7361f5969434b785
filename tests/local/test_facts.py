from __future__ import annotations

from pathlib import Path

import pytest
from delivery.errors import UsageError
from delivery.local import facts

from tests.local.sample import repository


def test_facts_are_read_from_flow_style(root: Path) -> None:
    found = facts.read(root)
    assert found == facts.Facts(
        "127.0.0.1:5000/acme", "sqlite:///.local/mlflow/mlflow.db", "3.22.0"
    )


def test_facts_are_read_from_block_style_with_quotes(root: Path) -> None:
    (root / "delivery.yaml").write_text(
        "registry: 'ghcr.io/acme'\nmlflow: \"http://m:5000\"\n"
        "renderer:\n  kustomize: 5.8.1\n  helm: '3.22.0'\n"
    )
    assert facts.read(root) == facts.Facts("ghcr.io/acme", "http://m:5000", "3.22.0")


def test_facts_without_a_key_are_refused_by_its_name(root: Path) -> None:
    (root / "delivery.yaml").write_text("registry: ghcr.io/acme\nmlflow: x\nmain: helm\n")
    with pytest.raises(UsageError, match="`helm` is missing"):
        facts.read(root)


def test_facts_outside_a_repository_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        facts.read(tmp_path)


@pytest.mark.parametrize(
    ("registry", "address"),
    [
        ("127.0.0.1:5000/acme", "127.0.0.1:5000"),
        ("localhost:5000", "localhost:5000"),
        ("ghcr.io/acme", None),
        ("127.0.0.1.example.org/acme", None),
    ],
)
def test_local_registry_is_one_on_this_machine(
    root: Path, registry: str, address: str | None
) -> None:
    assert facts.read(repository(root, registry)).local_registry == address


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///a/b.db", "ROOT/a/b.db"),
        ("sqlite:////abs/b.db", "/abs/b.db"),
        ("http://127.0.0.1:5000", None),
    ],
)
def test_mlflow_file_is_relative_to_the_repository(
    root: Path, monkeypatch: pytest.MonkeyPatch, uri: str, path: str | None
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    wanted = Path(path.replace("ROOT", str(root))) if path else None
    assert facts.read(root).mlflow_file(root) == wanted
