from __future__ import annotations

import subprocess
import sys

import pytest
from delivery.errors import Refused, Unknown
from delivery.validation import Kind, validate

from tests.delivery.manifests import (
    DEPLOYMENT,
    SERVICE,
    Change,
    changed,
    codes,
    container,
    found,
    pod,
    valid,
)
from tests.delivery.recipes import APPS, KINDS, PLACE, TEMPLATE, rendered

SECRET = b"apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: acme-prod}\n"
NAMESPACE = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: acme-prod}\n"
WIDGET = b"apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: acme-prod}\n"


@pytest.mark.parametrize("app", APPS)
def test_what_the_template_ships_is_valid(app: str) -> None:
    files = {name: text.encode() for name, text in rendered(app=app).items()}
    validate(files, PLACE, KINDS)


def test_nothing_is_refused() -> None:
    assert codes({}) == ["no-manifests"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"---\n",
        b"- a\n",
        b"a: [\n",
        b"text",
        b"a: 1\na: 2\n",
        b"{1: 2}\n",
        b"? [a]\n: b\n",
        b"a: .nan\n",
        b"a: !!binary aGk=\n",
        b"a: !!set {b}\n",
        b"a: !!python/object:os.system {}\n",
        b"a: \xff\n",
        b"[" * 5000,
        SECRET + b"---\n" + SECRET,
        SECRET + b"---\n",
        b"kind: Service\nmetadata: {name: s}\n",
        b"apiVersion: v1\nmetadata: {name: s}\n",
        b"apiVersion: v1\nkind: Service\n",
        b"apiVersion: 1\nkind: Service\nmetadata: {name: s}\n",
        b"apiVersion: v1\nkind: Service\nmetadata: {generateName: s}\n",
    ],
)
def test_file_without_exactly_one_object_is_refused(data: bytes) -> None:
    assert codes(valid() | {"z.yaml": data}) == ["broken-manifest"]


def test_dates_and_equals_signs_are_texts() -> None:
    files = changed(DEPLOYMENT, lambda item: item)
    files[DEPLOYMENT] = files[DEPLOYMENT].replace(
        b"\n  labels:\n", b"\n  labels:\n    day: 2026-01-01\n    sign: =\n", 1
    )
    assert codes(files) == []


def test_secret_is_refused_whatever_the_project_lists() -> None:
    files = valid() | {"secret-s.yaml": SECRET}
    assert codes(files, KINDS | {Kind("", "Secret")}) == ["secret-in-git"]


def test_cluster_scoped_object_is_refused() -> None:
    assert "cluster-scoped" in codes(valid() | {"namespace.yaml": NAMESPACE})


def test_kind_that_the_project_does_not_list_is_refused() -> None:
    problems = found(valid(), KINDS - {Kind("policy", "PodDisruptionBudget")})
    assert [problem.code for problem in problems] == ["kind-not-allowed"]
    assert "PodDisruptionBudget.policy" in problems[0].what


def test_unknown_kind_is_refused_though_the_project_lists_it() -> None:
    files = valid() | {"widget.yaml": WIDGET}
    assert codes(files, KINDS | {Kind("example.com", "Widget")}) == ["no-schema"]


@pytest.mark.parametrize("namespace", ["acme-dev", "", None])
def test_other_namespace_is_refused(namespace: str | None) -> None:
    files = changed(SERVICE, lambda item: item["metadata"].update(namespace=namespace))
    assert codes(files)[0] == "wrong-namespace"


def test_same_object_in_two_files_is_refused() -> None:
    files = valid() | {"z.yaml": valid()[SERVICE]}
    assert codes(files) == ["object-twice"]


@pytest.mark.parametrize(
    "change",
    [
        lambda item: item["spec"].update(replica=3),
        lambda item: item["spec"].update(replicas="three"),
        lambda item: item["spec"].pop("selector"),
        lambda item: item["spec"]["template"]["spec"].update(containers={}),
        lambda item: item["metadata"].update(labels=["a"]),
        lambda item: item.update(status={"x": 1}),
    ],
)
def test_object_against_its_schema_is_refused(change: Change) -> None:
    assert set(codes(changed(DEPLOYMENT, change))) == {"schema"}


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("policy/v1beta1", "PodDisruptionBudget"),
        ("extensions/v1beta1", "Deployment"),
        ("apps.example.com/v1", "Deployment"),
        ("v1", "deployment"),
        ("v1", "Affinity"),
        ("../v1", "Service"),
    ],
)
def test_version_that_kubernetes_does_not_serve_is_refused(version: str, kind: str) -> None:
    files = changed(SERVICE, lambda item: item.update(apiVersion=version, kind=kind))
    assert "no-schema" in codes(files)


@pytest.mark.parametrize("image", ["model-server", "a/b:1", "a/b@sha256:12", ""])
def test_image_without_digest_is_refused(image: str) -> None:
    assert codes(container(lambda one: one.update(image=image))) == ["image-not-pinned"]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pop("resources"),
        lambda one: one["resources"].pop("limits"),
        lambda one: one["resources"]["requests"].pop("cpu"),
        lambda one: one["resources"]["limits"].pop("memory"),
    ],
)
def test_container_without_requests_or_memory_limit_is_refused(change: Change) -> None:
    assert set(codes(container(change))) == {"no-limits"}


def test_refusal_names_the_first_problem_and_counts_the_others() -> None:
    with pytest.raises(Refused) as caught:
        validate(pod(lambda spec: spec.update(hostNetwork=True, hostPID=True)), PLACE, KINDS)
    assert caught.value.code == "pod-security"
    assert f"{DEPLOYMENT}: Deployment/tumour-classifier" in caught.value.seen
    assert "hostNetwork must not be true (and 1 more)" in caught.value.seen


def test_kubernetes_version_without_schemas_is_no_pass() -> None:
    with pytest.raises(Unknown, match="no-schemas"):
        validate(valid(), PLACE.model_copy(update={"kubernetes": "1.99"}), KINDS)


def test_verbs_that_do_not_validate_import_no_schemas() -> None:
    code = (
        "import sys, delivery.validation, delivery.rendering\n"
        "print([m for m in ('jsonschema_rs', 'kubernetes_validate') if m in sys.modules])"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=TEMPLATE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


TOLD = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['deliver.io/release']"}}}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ([TOLD], []),
        ([{"value": "sha256:0"}], ["release-stated"]),
        ([TOLD, {"value": "sha256:0"}], ["release-stated"]),
        ([{"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}], ["release-stated"]),
    ],
)
def test_container_that_is_told_its_release_by_hand_is_refused(
    env: list[dict[str, object]], expected: list[str]
) -> None:
    named = [{"name": "RELEASE_ID", **one} for one in env]
    assert codes(container(lambda one: one.update(env=named))) == expected
