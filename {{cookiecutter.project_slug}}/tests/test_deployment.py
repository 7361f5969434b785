"""What an app brings to each environment renders, is valid, and is named after the app."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from delivery.process import run
from delivery.rendering import find_tools
from delivery.validation.objects import KubernetesObject
from delivery.validation.pod_security import pod_security
from delivery.validation.schemas import schema
from tests.repository import APPS, ROOT, SETTINGS

TOOLS = find_tools(SETTINGS.renderer)
OVERLAYS = [(env.name, app) for env in SETTINGS.environments for app in APPS]


def rendered(environment: str, app: str) -> list[KubernetesObject]:
    """The app's objects as they stand in the work tree, before a release is put into them."""
    overlay = ROOT / "overlays" / environment / app
    file = yaml.safe_load((ROOT / "apps" / app / "app.yaml").read_bytes())
    if file["style"] == "kustomize":
        text = run(TOOLS.kubectl, "kustomize", overlay).text
    else:
        text = run(*_helm(environment, app, file["chart"], overlay)).text
    return [KubernetesObject(app, item) for item in yaml.safe_load_all(text)]


def _helm(environment: str, app: str, chart: str, overlay: Path) -> list[str | Path]:
    values = [ROOT / "apps" / app / "deploy/values.yaml", overlay / "values.yaml"]
    options: list[str | Path] = [word for path in values for word in ("--values", path)]
    options += ["--kube-version", f"{SETTINGS.environment(environment).kubernetes}.0"]
    return [TOOLS.helm, "template", app, ROOT / "charts" / chart, *options]


@pytest.mark.parametrize(("environment", "app"), OVERLAYS)
def test_overlay_renders_valid_objects(environment: str, app: str) -> None:
    version = SETTINGS.environment(environment).kubernetes
    for item in rendered(environment, app):
        assert not [*schema(item, version), *pod_security(item)]


@pytest.mark.parametrize(("environment", "app"), OVERLAYS)
def test_objects_are_named_after_the_app(environment: str, app: str) -> None:
    names = [item.name for item in rendered(environment, app)]
    assert names
    assert all(name == app or name.startswith(f"{app}-") for name in names)


@pytest.mark.parametrize(("environment", "app"), OVERLAYS)
def test_container_takes_the_image_that_deliver_puts_in(environment: str, app: str) -> None:
    found = {item.kind.kind: item for item in rendered(environment, app)}
    (container,) = found["Deployment"].data["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "model-server"
