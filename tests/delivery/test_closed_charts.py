from __future__ import annotations

import pytest
from delivery.rendering.charts import PURE, functions

from tests.delivery.recipes import CHART, HELM_APP, refusal, rendered, template_files

TEMPLATE_PATH = f"{CHART}/templates/configmap.yaml"
OVERLAY = f"overlays/prod/{HELM_APP}"
START = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\ndata:\n"
IMPURE = {
    "{{ now }}": "now",
    '{{ now | date "2006" }}': "now",
    '{{ dateInZone "2006" .x "UTC" }}': "dateInZone",
    "{{ randAlphaNum 5 }}": "randAlphaNum",
    "{{- if true }}{{ uuidv4 }}{{ end }}": "uuidv4",
    '{{ genCA "x" 1 }}': "genCA",
    '{{ genPrivateKey "rsa" }}': "genPrivateKey",
    '{{ htpasswd "a" "b" }}': "htpasswd",
    '{{ bcrypt "a" }}': "bcrypt",
    '{{ env "HOME" }}': "env",
    '{{ expandenv "$HOME" }}': "expandenv",
    '{{ getHostByName "a" }}': "getHostByName",
    '{{ lookup "v1" "Secret" "" "" }}': "lookup",
    '{{ tpl "{{ now }}" . }}': "tpl",
    "{{ (keys .Values) | first }}": "keys",
    '{{ printf "%s" `}}` | cat now }}': "now",
    "# {{ shuffle .Values.name }}": "shuffle",
}


@pytest.mark.parametrize(("text", "name"), IMPURE.items(), ids=IMPURE)
def test_function_that_may_answer_otherwise_is_refused(text: str, name: str) -> None:
    files = template_files(HELM_APP)
    files[TEMPLATE_PATH] = f"{START}  text: x # {text}\n".encode()
    error = refusal(files, HELM_APP)
    assert error.code == "impure-template"
    assert f"{TEMPLATE_PATH}, line 5: `{name}`" in error.seen


@pytest.mark.parametrize(
    "text",
    [
        "{{/* now */}}",
        "{{ .Values.now }}",
        "{{ $now := 1 }}{{ $now }}",
        '{{ "now" | quote }}',
        "now",
        "{{ printf `%d` 0x1F }}",
    ],
)
def test_word_that_is_no_function_is_let_through(text: str) -> None:
    assert {name for _, name in functions(text)} <= PURE


def test_pure_functions_render() -> None:
    files = template_files(HELM_APP)
    files[TEMPLATE_PATH] = (
        f"{START}  text: {{{{ .Values.name | upper | trunc 3 | quote }}}}\n"
        "  sum: {{ sha256sum (toJson .Values.resources) }}\n"
    ).encode()
    assert "text: PRO" in rendered(files, HELM_APP)["configmap-notes.yaml"]


def test_functions_taken_for_pure_are_all_known_to_helm() -> None:
    files = template_files(HELM_APP)
    calls = "".join(f"{{{{ {name} }}}}" for name in sorted(PURE))
    files[TEMPLATE_PATH] = f"{{{{ if false }}}}{calls}{{{{ end }}}}".encode()
    assert rendered(files, HELM_APP)


def test_build_of_helm_is_not_to_be_asked() -> None:
    files = template_files(HELM_APP)
    files[TEMPLATE_PATH] = f"{START}  text: {{{{ .Capabilities.HelmVersion }}}}\n".encode()
    assert refusal(files, HELM_APP).code == "impure-template"


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        (f"{CHART}/charts/other/Chart.yaml", "apiVersion: v2\n", "chart-not-closed"),
        (f"{CHART}/crds/x.yaml", "kind: x\n", "chart-not-closed"),
        (f"{CHART}/requirements.yaml", "dependencies: []\n", "chart-not-closed"),
        (f"{CHART}/Chart.yaml", "apiVersion: v2\ndependencies: [{name: x}]\n", "chart-not-closed"),
        (f"{CHART}/Chart.yaml", "apiVersion: v1\nname: x\n", "broken-file"),
        (f"{CHART}/values.schema.json", '{"$ref": "https://example.com/"}', "chart-not-closed"),
        (f"{CHART}/values.schema.json", "{", "broken-file"),
        (f"{OVERLAY}/kustomization.yaml", "resources: []\n", "idle-file"),
        (f"apps/{HELM_APP}/deploy/service.yaml", "kind: Service\n", "idle-file"),
    ],
)
def test_chart_that_is_not_closed_is_refused(path: str, data: str, code: str) -> None:
    files = template_files(HELM_APP)
    files[path] = data.encode()
    error = refusal(files, HELM_APP)
    assert error.code == code
    assert path.split("/", 2)[1] in error.seen


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{OVERLAY}/values.yaml", "no-values"),
        (f"apps/{HELM_APP}/deploy/values.yaml", "no-values"),
        (f"{CHART}/Chart.yaml", "chart-not-closed"),
    ],
)
def test_missing_file_of_a_helm_style_app_is_refused(path: str, code: str) -> None:
    files = template_files(HELM_APP)
    files.pop(path)
    assert refusal(files, HELM_APP).code == code
