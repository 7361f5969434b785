"""What asks the known question: part of the manifests, allowed where they are, and tied to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml
from delivery.canonical import sha256
from delivery.errors import Refused
from delivery.records import Question
from delivery.rendering import Recipe, find_tools, render
from delivery.rendering.documents import require_image

from tests.delivery.manifests import found
from tests.delivery.recipes import (
    APPS,
    BASE,
    DIGEST,
    HELM_APP,
    IMAGE,
    KUSTOMIZE_APP,
    OVERLAY,
    QUESTION,
    RENDERER_PIN,
    make_recipe,
    refusal,
    rendered,
    template_files,
)

SERVICE = f"{BASE}/service.yaml"
JOB = f"job-{KUSTOMIZE_APP}-question.yaml"
CONFIG_MAP = f"configmap-{KUSTOMIZE_APP}-question.yaml"
PATCH = f"""
patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {{name: {KUSTOMIZE_APP}}}
      spec:
        template:
          spec:
            nodeSelector: {{disk: ssd}}
            tolerations: [{{key: gpu, operator: Exists}}]
            imagePullSecrets: [{{name: other}}]
"""


def objects(app: str = KUSTOMIZE_APP, files: Mapping[str, bytes] | None = None) -> dict[str, Any]:
    """Return the objects that ask the question, by kind."""
    made = {name: yaml.safe_load(text) for name, text in rendered(files, app).items()}
    return {o["kind"]: o for o in made.values() if o["metadata"]["name"] == f"{app}-question"}


def with_question(data: bytes, recipe: Recipe | None = None) -> Recipe:
    """Return a recipe whose release names a question of any bytes."""
    recipe = make_recipe() if recipe is None else recipe
    release = recipe.release.model_copy(update={"question": Question(sha256=sha256(data))})
    return replace(recipe, release=release, question=data)


def test_job_is_a_hook_after_the_sync() -> None:
    annotations = objects()["Job"]["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hook"] == "PostSync"
    assert annotations["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"


@pytest.mark.parametrize("kind", ["ConfigMap", "NetworkPolicy"])
def test_what_the_job_needs_is_synced_before(kind: str) -> None:
    annotations = objects()[kind]["metadata"]["annotations"]
    assert not any(name.startswith("argocd") for name in annotations)


def test_another_job_is_another_config_map() -> None:
    recipe = make_recipe()
    other = recipe.release.model_copy(update={"image": IMAGE.replace("acme", "other")})
    found = [
        render(one, find_tools(RENDERER_PIN)) for one in (recipe, replace(recipe, release=other))
    ]
    assert found[0][JOB] != found[1][JOB]
    assert found[0][CONFIG_MAP] != found[1][CONFIG_MAP]


@pytest.mark.parametrize("app", APPS)
def test_job_asks_the_released_image_about_the_released_model(app: str) -> None:
    (container,) = objects(app)["Job"]["spec"]["template"]["spec"]["containers"]
    variable = app.upper().replace("-", "_")
    assert container["image"] == IMAGE
    assert container["args"] == [
        "ask",
        f"$({variable}_SERVICE_HOST)",
        f"$({variable}_SERVICE_PORT_HTTP)",
        app,
        DIGEST,
        "/question/question.json",
    ]


@pytest.mark.parametrize("app", APPS)
def test_manifests_with_the_question_are_valid(app: str) -> None:
    files = {name: text.encode() for name, text in rendered(app=app).items()}
    assert found(files) == []
    require_image(files, IMAGE)


@pytest.mark.parametrize(
    "data",
    [
        QUESTION,
        b"{}",
        '{"a":"ä\u0085\u2028"}\n'.encode(),
        b'{"a": 1}   \n\n',
        b"---\nkind: Secret\n",
        b'{"a":"' + b"x " * 5000 + b'"}\n',
    ],
)
def test_config_map_holds_the_question_as_it_is(data: bytes) -> None:
    manifests = render(with_question(data), find_tools(RENDERER_PIN))
    assert yaml.safe_load(manifests[CONFIG_MAP])["data"] == {"question.json": data.decode()}
    assert len(list(yaml.safe_load_all(manifests[CONFIG_MAP]))) == 1


@pytest.mark.parametrize("data", [b"{}\n", b"", QUESTION + b" "])
def test_another_question_than_the_releases_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="question-altered"):
        render(replace(make_recipe(), question=data), find_tools(RENDERER_PIN))


def test_question_that_is_no_text_is_refused() -> None:
    with pytest.raises(Refused, match="question-altered"):
        render(with_question(b"\xff"), find_tools(RENDERER_PIN))


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (b"name: tumour-classifier\n", b"name: other\n", "no Service/tumour-classifier"),
        (b"name: http,", b"name: web,", "no port named http"),
        (b"  ports:", b"  clusterIP: None\n  ports:", "no address of its own"),
        (b"  selector:\n    app.kubernetes.io/name: tumour-classifier\n", b"", "selects no pods"),
    ],
)
def test_app_that_nobody_can_ask_is_refused(old: bytes, new: bytes, seen: str) -> None:
    files = template_files()
    assert old in files[SERVICE]
    files[SERVICE] = files[SERVICE].replace(old, new, 1)
    error = refusal(files)
    assert error.code == "no-service"
    assert seen in error.seen


def test_object_of_the_same_name_is_refused() -> None:
    files = template_files()
    files[f"{BASE}/mine.yaml"] = (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {KUSTOMIZE_APP}-question}}\n".encode()
    )
    path = f"{BASE}/kustomization.yaml"
    files[path] = files[path].replace(b"resources:\n", b"resources:\n  - mine.yaml\n")
    error = refusal(files)
    assert (error.code, CONFIG_MAP in error.seen) == ("object-twice", True)


def test_jobs_pod_may_run_where_the_apps_pods_may() -> None:
    files = template_files()
    files[OVERLAY] += PATCH.encode()
    pod = objects(files=files)["Job"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"disk": "ssd"}
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert pod["imagePullSecrets"] == [{"name": "other"}]
    assert pod["serviceAccountName"] == KUSTOMIZE_APP


@pytest.mark.parametrize("app", APPS)
def test_jobs_pod_is_no_server_and_reaches_the_servers(app: str) -> None:
    labels = objects(app)["Job"]["spec"]["template"]["metadata"]["labels"]
    service = yaml.safe_load(rendered(app=app)[f"service-{app}.yaml"])["spec"]["selector"]
    policy = objects(app)["NetworkPolicy"]["spec"]
    assert not service.items() <= labels.items()
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["egress"] == [{"to": [{"podSelector": {"matchLabels": service}}]}]


def test_job_does_not_wait_for_ever() -> None:
    spec = objects()["Job"]["spec"]
    assert (spec["activeDeadlineSeconds"], spec["backoffLimit"]) == (180, 2)
    assert "ttlSecondsAfterFinished" not in spec  # its log explains why a sync failed


def test_refused_answer_fails_the_job_at_once() -> None:
    rule = objects(HELM_APP)["Job"]["spec"]["podFailurePolicy"]["rules"][0]
    assert rule == {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 2]}}
