"""A node that runs containers, and simulated ones whose pods only say that they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from delivery.process import run

from . import programs as built
from .control_plane import Plane
from .images import ARCHITECTURE, PAUSE
from .place import write
from .services import REGISTRY_PORT
from .supervision import Program

NAME = "node-1"
PODS = "10.244.0.0/24"
WAITING = ("kubelet", "kube-proxy")
ANNOTATION = "kwok.x-k8s.io/node"
PODS_PER_SIMULATED_NODE = 110
CORES = "64"
"""What nodes say they have: pods request a core each, and a machine that tests may have two."""
# kwok's own descriptions of nodes and pods that become ready at once, and of Jobs that succeed.
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
CONTAINERD = """\
version = 3
root = "{folder}/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/opt"
[plugins."io.containerd.cri.v1.images"]
snapshotter = "{snapshotter}"
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
platform = "linux/{architecture}"
snapshotter = "{snapshotter}"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{pause}"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "{folder}/hosts"
[plugins."io.containerd.cri.v1.runtime"]
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "{folder}/cni"
"""
HOSTS = """\
server = "http://{registry}"
[host."http://{registry}"]
capabilities = ["pull", "resolve"]
"""
MORE_CORES = f"""\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: more-cores}}
spec:
  matchConstraints:
    resourceRules:
      - {{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [nodes]}}
      - {{apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [nodes/status]}}
  matchConditions:
    - {{name: real, expression: object.metadata.name == '{NAME}'}}
  reinvocationPolicy: Never
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          ['allocatable', 'capacity'].map(field, JSONPatch{{
            op: 'replace', path: '/status/' + field + '/cpu', value: '{CORES}'
          }})
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: more-cores}}
spec: {{policyName: more-cores}}
"""
# Each pod has its own cable to the node, so that what it sends to a Service passes iptables.
CNI = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            "type": "ptp",
            "ipMasq": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": PODS}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
    ],
}


def programs(plane: Plane) -> list[Program]:
    """Write what a node needs to know; return what to run."""
    folder = plane.place.folder
    registry = f"{plane.place.address}:{REGISTRY_PORT}"
    config = write(folder / "containerd.toml", _containerd(folder))
    write(folder / "hosts" / registry / "hosts.toml", HOSTS.format(registry=registry))
    write(folder / "cni" / "pods.conflist", json.dumps(CNI))
    write(folder / "resolv.conf", "")
    kubelet = write(folder / "kubelet.yaml", yaml.safe_dump(_kubelet(plane)))
    kubeconfig = plane.folder / f"{NAME}.kubeconfig"
    return [
        Program("containerd", ("containerd", "--config", config)),
        Program(
            "kubelet",
            (
                *("kubelet", "--config", kubelet, "--kubeconfig", kubeconfig),
                *("--root-dir", folder / "kubelet", "--cert-dir", folder / "kubelet/pki"),
                *("--hostname-override", NAME, "--node-ip", plane.place.address),
            ),
            at_once=False,
        ),
        Program(
            "kube-proxy",
            (
                *("kube-proxy", "--kubeconfig", plane.kubeconfig, "--hostname-override", NAME),
                *("--proxy-mode", "iptables", "--cluster-cidr", PODS, "--oom-score-adj", "0"),
                *("--conntrack-max-per-core", "0", "--conntrack-tcp-timeout-established", "0s"),
                *("--conntrack-tcp-timeout-close-wait", "0s"),
            ),
            at_once=False,
        ),
    ]


def _containerd(folder: Path) -> str:
    kind = run("stat", "--file-system", "--format=%T", folder).text
    return CONTAINERD.format(
        folder=folder,
        pause=PAUSE,
        architecture=ARCHITECTURE,
        # In a container there may be an overlay already, upon which there can be no other.
        snapshotter="native" if kind == "overlayfs" else "overlayfs",
    )


def _kubelet(plane: Plane) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(plane.folder / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{plane.place.cgroup}",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "enforceNodeAllocatable": [],
        # A nearly full disk of the machine is no reason to end a test's pods.
        "evictionHard": {"memory.available": "100Mi"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": False,
        "oomScoreAdj": 0,
        "resolvConf": str(plane.place.folder / "resolv.conf"),
        "serializeImagePulls": False,
        "volumePluginDir": str(plane.place.folder / "kubelet/volumeplugins"),
    }


def more_cores(plane: Plane) -> Path:
    """Return a file to apply before the node starts, for it to be taken for one with more cores.

    A kubelet tells how many its machine has, and can only be told to keep some of them back. So the
    API server writes down another number, which scheduler and kubelet then read there.
    """
    return write(plane.folder / "more-cores.yaml", MORE_CORES)


def simulator(plane: Plane) -> Program:
    """Return what plays the kubelet of simulated nodes, and of no other."""
    stages = built.sources("sigs.k8s.io/kwok", "kustomize/stage")
    files = [path for folder in STAGES for path in sorted((stages / folder).glob("*-*.yaml"))]
    return Program(
        plane.name("kwok"),
        (
            *("kwok", "--kubeconfig", plane.kubeconfig, "--node-lease-duration-seconds=40"),
            f"--manage-nodes-with-annotation-selector={ANNOTATION}=fake",
            *("--server-address", f"127.0.0.1:{plane.port(10247)}"),
            *(word for file in files for word in ("--config", file)),
        ),
        at_once=False,
    )


def simulated(plane: Plane, count: int, *, beside_real: bool) -> Path:
    """Return a file to apply. Beside a real node, simulated ones take only pods that say so."""
    taint = {"key": ANNOTATION, "value": "fake", "effect": "NoSchedule"}
    size = {"cpu": CORES, "memory": "256Gi", "pods": str(PODS_PER_SIMULATED_NODE)}
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"simulated-{number}",
                "annotations": {ANNOTATION: "fake"},
                "labels": {"kubernetes.io/os": "linux", "type": "simulated"},
            },
            "spec": {"taints": [taint] if beside_real else []},
            "status": {"allocatable": size, "capacity": size},
        }
        for number in range(1, count + 1)
    ]
    return write(plane.folder / "nodes.yaml", "---\n".join(json.dumps(one) + "\n" for one in nodes))
