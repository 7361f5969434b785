from __future__ import annotations

import pytest

from tests.delivery.recipes import BASE, KUSTOMIZE_APP, OVERLAY, refusal, rendered, template_files

FOLDER = OVERLAY.rpartition("/")[0]
URL = "https://example.com/service.yaml"
CODES = {
    # Fields that read or run what no pin stands for.
    "helmCharts: [{name: x, repo: https://example.com}]": "field-not-allowed",
    "HelmCharts: [{name: x}]": "field-not-allowed",
    "helmChartInflationGenerator: []": "field-not-allowed",
    "generators: [x.yaml]": "field-not-allowed",
    "transformers: [x.yaml]": "field-not-allowed",
    "validators: [x.yaml]": "field-not-allowed",
    "configurations: [x.yaml]": "field-not-allowed",
    "crds: [x.json]": "field-not-allowed",
    "openapi: {path: schema.json}": "field-not-allowed",
    "buildMetadata: [originAnnotations]": "field-not-allowed",
    "secretGenerator: [{name: x, literals: [a=b]}]": "field-not-allowed",
    # Deprecated spellings, and what the record decides.
    "vars: []": "field-not-allowed",
    "bases: [../../../apps]": "field-not-allowed",
    "commonLabels: {a: b}": "field-not-allowed",
    "patchesStrategicMerge: [x.yaml]": "field-not-allowed",
    "patchesJson6902: []": "field-not-allowed",
    "images: [{name: model-server, newTag: latest}]": "field-not-allowed",
    "namespace: elsewhere": "field-not-allowed",
    # References that lead outside.
    "components: [../../../apps/other/deploy]": "outside-sources",
    "components: [/etc]": "outside-sources",
    "components: ['../../../../../../etc']": "outside-sources",
    "components: ['github.com/acme/base?ref=main']": "outside-sources",
    "components: ['git@github.com:acme/base']": "outside-sources",
    "components: [1]": "outside-sources",
    f"patches: [{{path: '{URL}'}}]": "outside-sources",
    "patches: [{path: missing.yaml}]": "outside-sources",
    "patches: [{path: 7}]": "outside-sources",
    "replacements: [{path: missing.yaml}]": "outside-sources",
    f"configMapGenerator: [{{name: x, files: ['a={URL}']}}]": "outside-sources",
    "configMapGenerator: [{name: x, files: [/etc/hostname]}]": "outside-sources",
    "configMapGenerator: [{name: x, files: [3]}]": "outside-sources",
    f"configMapGenerator: [{{name: x, envs: ['{URL}']}}]": "outside-sources",
    # Entries with fields that nobody looked at.
    "configMapGenerator: [{name: x, kvSources: []}]": "broken-file",
    "configMapGenerator: [{name: x, Files: [x]}]": "broken-file",
    "patches: [{Path: x.yaml}]": "broken-file",
    "patches: [x.yaml]": "broken-file",
    "patches: x.yaml": "broken-file",
    "kind: Kustomization": "broken-file",
}


@pytest.mark.parametrize(("text", "code"), CODES.items(), ids=CODES)
def test_kustomization_that_is_not_closed_is_refused(text: str, code: str) -> None:
    files = template_files()
    files[OVERLAY] += f"{text}\n".encode()
    error = refusal(files)
    assert error.code == code
    assert OVERLAY in error.seen


def test_refusal_names_the_line() -> None:
    files = template_files()
    line = files[OVERLAY].count(b"\n") + 1
    files[OVERLAY] += b"images: []\n"
    error = refusal(files)
    assert f"{OVERLAY}, line {line}: images" in error.seen
    assert "record" in error.next_step


def test_remote_resource_is_refused_though_a_file_has_its_name() -> None:
    files = template_files()
    files[f"{FOLDER}/https:/example.com/service.yaml"] = b"{}"
    files[OVERLAY] = files[OVERLAY].replace(b"resources:\n", f"resources:\n  - {URL}\n".encode())
    assert refusal(files).code == "outside-sources"


@pytest.mark.parametrize("name", ["kustomization.yml", "Kustomization"])
def test_second_spelling_of_a_kustomization_is_refused(name: str) -> None:
    files = template_files()
    files[f"{BASE}/{name}"] = files[f"{BASE}/kustomization.yaml"]
    assert refusal(files).code == "kustomization-name"


@pytest.mark.parametrize("path", [OVERLAY, f"{BASE}/kustomization.yaml"])
def test_missing_kustomization_is_refused(path: str) -> None:
    files = template_files()
    files.pop(path)
    assert refusal(files).code in ("no-kustomization", "outside-sources")


def test_overlay_that_leaves_the_base_out_is_refused() -> None:
    files = template_files()
    files[OVERLAY] = b"resources: [deployment.yaml]\n"
    files[f"{FOLDER}/deployment.yaml"] = files[f"{BASE}/deployment.yaml"]
    error = refusal(files)
    assert error.code == "base-not-used"
    assert f"apps/{KUSTOMIZE_APP}/deploy" in error.next_step


def test_function_is_refused_with_its_line() -> None:
    files = template_files()
    path = f"{BASE}/service.yaml"
    files[path] += b"# x\n  annotations:\n    config.kubernetes.io/function: 'exec: {path: ./x}'\n"
    error = refusal(files)
    assert error.code == "function-annotation"
    assert f"{path}, line" in error.seen


def test_path_that_climbs_is_refused_before_it_is_written() -> None:
    files = template_files()
    files[f"{BASE}/../../escaped"] = b"x"
    assert refusal(files).code == "odd-path"


def test_components_patches_and_generated_config_are_allowed() -> None:
    files = template_files()
    files[f"{BASE}/components/debug/kustomization.yaml"] = (
        b"apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        b"configMapGenerator: [{name: debug, literals: [level=debug], files: [n=notes.txt]}]\n"
    )
    files[f"{BASE}/components/debug/notes.txt"] = b"text"
    files[f"{FOLDER}/size.yaml"] = (
        b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tumour-classifier}\n"
        b"spec: {minReadySeconds: 7}\n"
    )
    files[OVERLAY] += (
        b"components: [../../../apps/tumour-classifier/deploy/components/debug]\n"
        b"patches: [{path: size.yaml}]\n"
    )
    found = rendered(files)
    assert any(name.startswith("configmap-debug-") for name in found)
    assert "minReadySeconds: 7" in found["deployment-tumour-classifier.yaml"]
