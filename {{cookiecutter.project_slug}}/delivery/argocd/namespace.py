"""What an environment's namespace holds before any app: safety, limits, and the pull secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..settings import Environment, Quota, Secrets, Settings
from .document import Given, Object, Row, Words
from .names import PULL_SECRET

KEEP = {"argocd.argoproj.io/sync-options": "Delete=false,Prune=false"}
"""Whatever becomes of the Application or of the file, Argo CD deletes no namespace."""
LATER = {
    "argocd.argoproj.io/sync-wave": Given("1"),
    "argocd.argoproj.io/sync-options": "SkipDryRunOnMissingResource=true",
}
"""The namespace is not to wait for an operator that is installed after it."""
NODE_LOCAL_DNS = "169.254.20.10/32"
"""See: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/"""


def namespace_files(settings: Settings, environment: Environment) -> Iterator[tuple[str, str, Any]]:
    """Yield file name, what the object is there for, and the object."""
    pods = "Pods keep to the standard `restricted`; Argo CD never deletes it."
    yield "namespace", pods, _namespace(settings, environment)
    yield "default-deny", "What no other policy allows is not let through.", _default_deny()
    yield "allow-dns", "Names can be looked up; all else an app allows for itself.", _allow_dns()
    yield "limits", "For containers that state no requests or memory limit.", _limits()
    if environment.quota:
        yield "quota", "All pods of the environment together.", _quota(environment.quota)
    if environment.secrets:
        about = "The login to the image registry, out of the store of secrets."
        yield PULL_SECRET, about, _pull_secret(settings, environment, environment.secrets)


def remote_name(settings: Settings, environment: str) -> str:
    """Return what a store calls an environment's pull secret: one word, which every store takes."""
    return f"{settings.project}-{environment}-{PULL_SECRET}"


def _namespace(settings: Settings, environment: Environment) -> Object:
    modes = {}
    for mode in ("enforce", "audit", "warn"):
        modes[f"pod-security.kubernetes.io/{mode}"] = "restricted"
        modes[f"pod-security.kubernetes.io/{mode}-version"] = f"v{environment.kubernetes}"
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": Given(environment.namespace),
            "labels": {
                "deliver.io/project": Given(settings.project),
                "deliver.io/environment": Given(environment.name),
                **modes,
            },
            "annotations": KEEP,
        },
    }


def _default_deny() -> Object:
    return _policy("default-deny", policyTypes=Words(["Ingress", "Egress"]))


def _allow_dns() -> Object:
    system = Row(matchLabels=Row({"kubernetes.io/metadata.name": "kube-system"}))
    return _policy(
        "allow-dns",
        policyTypes=Words(["Egress"]),
        egress=[
            {
                "to": [
                    Row(namespaceSelector=system),
                    Row(ipBlock=Row(cidr=NODE_LOCAL_DNS)),
                ],
                "ports": [Row(protocol=one, port=53) for one in ("UDP", "TCP")],
            }
        ],
    )


def _policy(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": Row(), **spec},
    }


def _limits() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "limits"},
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "defaultRequest": Row(cpu="100m", memory="256Mi"),
                    "default": Row(memory="512Mi"),
                }
            ]
        },
    }


def _quota(quota: Quota) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "quota"},
        "spec": {
            "hard": {
                "requests.cpu": Given(quota.cpu),
                "requests.memory": Given(quota.memory),
                "pods": Given(str(quota.pods)),
            }
        },
    }


def _pull_secret(settings: Settings, environment: Environment, secrets: Secrets) -> Object:
    remote = Row(key=Given(remote_name(settings, environment.name)))
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": PULL_SECRET, "annotations": LATER},
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": Row(kind=secrets.kind, name=Given(secrets.store)),
            "target": {
                "name": PULL_SECRET,
                "template": Row(type="kubernetes.io/dockerconfigjson"),
            },
            "data": [{"secretKey": ".dockerconfigjson", "remoteRef": remote}],
        },
    }
