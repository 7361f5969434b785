"""What docs/secrets.md shows renders, is valid, and has no secret in it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from delivery.argocd.project import APP_KINDS
from delivery.errors import DeliveryError, Refused
from delivery.validation import validate

from tests.delivery.recipes import (
    BASE,
    HELM_APP,
    KUSTOMIZE_APP,
    OVERLAY,
    PLACE,
    rendered,
    template_files,
)
from tests.docs.pages import GENERATED, Page

VALUES = f"apps/{HELM_APP}/deploy/values.yaml"
FETCHED, VARIABLES, IN_VALUES, PULLED, _ = Page(f"{GENERATED.name}/docs/secrets.md").blocks("yaml")
SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: tumour-classifier}
spec:
  encryptedData: {FEATURE_STORE_TOKEN: AgBvT3Rlc3Q=}
  template:
    metadata: {name: tumour-classifier}
"""


def with_resource(file: str, text: str, kustomization: str) -> dict[str, bytes]:
    """Return the template's files with one object more that a kustomization names."""
    files = template_files()
    folder = kustomization.rpartition("/")[0]
    files[f"{folder}/{file}"] = text.encode()
    files[kustomization] = files[kustomization].replace(
        b"resources:\n", f"resources:\n  - {file}\n".encode()
    )
    return files


def checked(files: dict[str, bytes], app: str = KUSTOMIZE_APP) -> dict[str, Any]:
    """Return an app's rendered objects by file; raises what `deliver check` would refuse."""
    made = {name: text.encode() for name, text in rendered(files, app).items()}
    validate(made, PLACE, frozenset(APP_KINDS))
    return {name: yaml.safe_load(data) for name, data in made.items()}


def container(found: dict[str, Any], app: str) -> Any:
    (one,) = found[f"deployment-{app}.yaml"]["spec"]["template"]["spec"]["containers"]
    return one


def test_kustomize_style_fetches_and_names_its_secret() -> None:
    files = with_resource("externalsecret.yaml", FETCHED, f"{BASE}/kustomization.yaml")
    deployment = f"{BASE}/deployment.yaml"
    at = b"          resources:"
    files[deployment] = files[deployment].replace(at, VARIABLES.encode() + at)
    found = checked(files)
    (name,) = [row["secretRef"]["name"] for row in container(found, KUSTOMIZE_APP)["envFrom"]]
    assert found[f"externalsecret-{name}.yaml"]["spec"]["target"]["name"] == name


def test_helm_style_fetches_and_names_its_secret() -> None:
    found = checked({**template_files(HELM_APP), VALUES: IN_VALUES.encode()}, HELM_APP)
    (name,) = [row["secretRef"]["name"] for row in container(found, HELM_APP)["envFrom"]]
    made = found[f"externalsecret-{name}.yaml"]["spec"]
    assert made["target"]["name"] == name
    assert made["data"][0]["remoteRef"]["key"] == "progression-forecast-feature-store"


def test_helm_style_without_secrets_names_none() -> None:
    found = checked(template_files(HELM_APP), HELM_APP)
    assert "envFrom" not in container(found, HELM_APP)
    assert not [name for name in found if name.startswith("externalsecret")]


def test_keys_without_a_store_are_refused() -> None:
    text = IN_VALUES.replace("  store: vault\n", "")
    with pytest.raises(Refused, match=r"secrets\.store"):
        checked({**template_files(HELM_APP), VALUES: text.encode()}, HELM_APP)


def test_sealed_secret_of_an_overlay_is_valid() -> None:
    found = checked(with_resource("sealedsecret.yaml", SEALED, OVERLAY))
    assert found["sealedsecret-tumour-classifier.yaml"]["kind"] == "SealedSecret"


def test_secret_itself_is_refused() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: tumour-classifier}\nstringData: {A: b}\n"
    with pytest.raises(DeliveryError) as caught:
        checked(with_resource("secret.yaml", text, OVERLAY))
    assert caught.value.code == "secret-in-git"


@pytest.mark.parametrize("app", [KUSTOMIZE_APP, HELM_APP])
def test_every_app_pulls_with_the_pull_secret(app: str) -> None:
    account = checked(template_files(app), app)[f"serviceaccount-{app}.yaml"]
    assert account["imagePullSecrets"] == yaml.safe_load(PULLED)["imagePullSecrets"]
