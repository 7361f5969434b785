"""A Secret is refused wherever it lies among the sources, whether or not anything renders it."""

from __future__ import annotations

import pytest
from delivery.check import check_whole
from delivery.check.secrets import holds_secret
from delivery.errors import DeliveryError

from tests.delivery.world import World

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {x: eA==}\n"  # noqa: S105
PLACES = ["apps/old/secret.yaml", "overlays/dev/x.yml", "charts/serve/templates/secret.yaml"]


def found(findings: list[DeliveryError]) -> list[str]:
    return [one.seen for one in findings if one.code == "secret-in-git"]


def test_secret_that_nothing_names_is_refused(fresh: World) -> None:
    main = fresh.git("rev-parse", "main")
    fresh.change({**dict.fromkeys(PLACES, SECRET), "docs/secret.yaml": SECRET})
    seen = found(fresh.check("main", main).findings)
    assert [one.split()[0] for one in seen] == sorted(PLACES)
    assert found(check_whole(fresh.repository).findings) == seen


def test_change_that_leaves_or_removes_a_secret_is_not_asked_about_it(fresh: World) -> None:
    before = fresh.change(dict.fromkeys(PLACES, SECRET))
    fresh.change({PLACES[0]: None, "apps/note.yaml": "kind: Note\n"})
    assert found(fresh.check("main", before).findings) == []


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        SECRET.replace("\n", "\r\n"),
        "apiVersion: v1\nkind: 'Secret'  # ours\n",
        "kind: Secret\n",
        "apiVersion: v1\nkind: List\nitems:\n  - kind: Secret\n    apiVersion: v1\n",
        "apiVersion: apps/v1\nkind: Deployment\n---\n" + SECRET,
        "{{- if .Values.token }}\napiVersion: v1\nkind: Secret\ndata: {{ .Values.token }}\n",
        "apiVersion: {{ .Values.api }}\nkind: Secret\n",
        '{"apiVersion": "v1", "kind": "Secret"}',
        '{\n  "kind": "Secret",\n  "apiVersion": "v1"\n}\n',
    ],
)
def test_secret_is_known_by_its_text(text: str) -> None:
    assert holds_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nrefs:\n- kind: Secret\n",
        "# kind: Secret\napiVersion: v1\nkind: ConfigMap\n",
        "apiVersion: v1\nkind: SecretList\n",
    ],
)
def test_what_only_names_a_secret_is_none(text: str) -> None:
    assert not holds_secret(text)
