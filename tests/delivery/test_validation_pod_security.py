from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from delivery.validation.objects import KubernetesObject, documents
from delivery.validation.pod_security import pod_security

from tests.delivery.manifests import DEPLOYMENT, Change, changed, codes, container, pod

OFFICIAL = "k8s.io/pod-security-admission@v0.36.0"
# Exempt for Kubernetes, not for us: a pod that says it is for Windows.
STRICTER = {"base_windows.yaml"}

POD_CHANGES: Mapping[str, Change] = {
    "hostNetwork": lambda spec: spec.update(hostNetwork=True),
    "hostPID": lambda spec: spec.update(hostPID=True),
    "hostIPC": lambda spec: spec.update(hostIPC=True),
    "hostPath": lambda spec: spec.update(volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
    "nfs": lambda spec: spec.update(volumes=[{"name": "v", "nfs": {"path": "/", "server": "s"}}]),
    "sysctl": lambda spec: spec["securityContext"].update(
        sysctls=[{"name": "kernel.msgmax", "value": "1"}]
    ),
    "root user": lambda spec: spec["securityContext"].update(runAsUser=0),
    "root allowed": lambda spec: spec["securityContext"].pop("runAsNonRoot"),
    "no seccomp": lambda spec: spec["securityContext"].pop("seccompProfile"),
    "unconfined": lambda spec: spec["securityContext"].update(
        seccompProfile={"type": "Unconfined"}
    ),
    "selinux": lambda spec: spec["securityContext"].update(seLinuxOptions={"type": "spc_t"}),
    "selinux role": lambda spec: spec["securityContext"].update(seLinuxOptions={"role": "r"}),
    "apparmor": lambda spec: spec["securityContext"].update(appArmorProfile={"type": "Unconfined"}),
    "init container": lambda spec: spec.update(
        initContainers=[{**spec["containers"][0], "name": "i", "securityContext": {}}]
    ),
}
CONTAINER_CHANGES: Mapping[str, Change] = {
    "privileged": lambda one: one["securityContext"].update(privileged=True),
    "escalation": lambda one: one["securityContext"].pop("allowPrivilegeEscalation"),
    "capabilities kept": lambda one: one["securityContext"].pop("capabilities"),
    "capability added": lambda one: one["securityContext"]["capabilities"].update(
        add=["SYS_ADMIN"]
    ),
    "host port": lambda one: one["ports"][0].update(hostPort=80),
    "host in probe": lambda one: one["livenessProbe"]["httpGet"].update(host="10.0.0.1"),
    "proc mount": lambda one: one["securityContext"].update(procMount="Unmasked"),
    "root user": lambda one: one["securityContext"].update(runAsUser=0),
    "root allowed": lambda one: one["securityContext"].update(runAsNonRoot=False),
    "unconfined": lambda one: one["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "host process": lambda one: one["securityContext"].update(windowsOptions={"hostProcess": True}),
}


@pytest.mark.parametrize("name", POD_CHANGES)
def test_pod_that_breaks_a_control_is_refused(name: str) -> None:
    assert "pod-security" in codes(pod(POD_CHANGES[name]))


@pytest.mark.parametrize("name", CONTAINER_CHANGES)
def test_container_that_breaks_a_control_is_refused(name: str) -> None:
    assert codes(container(CONTAINER_CHANGES[name])) == ["pod-security"]


def test_annotation_that_switches_apparmor_off_is_refused() -> None:
    key = "container.apparmor.security.beta.kubernetes.io/model-server"
    template = {"annotations": {key: "unconfined"}}
    files = changed(DEPLOYMENT, lambda item: item["spec"]["template"]["metadata"].update(template))
    assert codes(files) == ["pod-security"]


def test_pod_in_a_kind_nobody_listed_is_judged() -> None:
    item = KubernetesObject("x.yaml", {"spec": {"jobs": [{"spec": {"containers": [{}]}}]}})
    assert any("spec.jobs[0].spec.containers[0]" in problem.what for problem in pod_security(item))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="needs go to fetch Kubernetes' test data")
@pytest.mark.parametrize(
    "folder", ["restricted/v1.35/pass", "restricted/v1.35/fail", "baseline/v1.35/fail"]
)
def test_verdicts_are_those_of_kubernetes_own_test_data(folder: str, tmp_path: Path) -> None:
    words = ["go", "mod", "download", "-json", OFFICIAL]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=True)
    root = Path(json.loads(done.stdout)["Dir"]) / "test/testdata" / folder
    paths = [path for path in sorted(root.glob("*.yaml")) if path.name not in STRICTER]
    assert len(paths) > 10
    for path in paths:
        (content,) = documents(path.read_bytes())
        refused = any(pod_security(KubernetesObject(path.name, content)))
        assert refused == folder.endswith("fail"), path.name
