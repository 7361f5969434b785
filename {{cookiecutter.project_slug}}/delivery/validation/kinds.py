"""Which kinds an environment allows: those that its AppProject lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Refused, UsageError
from ..files import broken
from ..git import Snapshot
from .objects import Kind, KubernetesObject, NotPlainError, Problem, documents, mapping

# See: `kubectl api-resources --namespaced=false` of Kubernetes 1.36, and the review kinds.
CLUSTER_SCOPED = frozenset(
    (
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterTrustBundle",
        "ComponentStatus",
        "CustomResourceDefinition",
        "DeviceClass",
        "DeviceTaintRule",
        "FlowSchema",
        "IPAddress",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "ResourceSlice",
        "RuntimeClass",
        "SelfSubjectAccessReview",
        "SelfSubjectReview",
        "SelfSubjectRulesReview",
        "ServiceCIDR",
        "StorageClass",
        "StorageVersion",
        "StorageVersionMigration",
        "SubjectAccessReview",
        "TokenReview",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
        "VolumeAttributesClass",
    )
)


MADE_BY_OTHERS = frozenset((Kind("", "Pod"), Kind("apps", "ReplicaSet")))
"""Kinds that a project lists only for Argo CD to show them: controllers make them, no app does."""


def project_path(environment: str) -> str:
    """Return the file that holds an environment's AppProject."""
    return f"argocd/{environment}/project.yaml"


def allowed_kinds(snapshot: Snapshot, environment: str) -> frozenset[Kind]:
    """Return the kinds that an app may bring: those of an environment's AppProject, but for pods.

    Raises UsageError where there is no project or it is broken, Refused (`open-project`) for a
    list with a wildcard: Argo CD would then apply what nobody named.
    """
    path = project_path(environment)
    data = snapshot.find(path)
    if data is None:
        raise UsageError(
            "no-project",
            f"{path} is not in commit {snapshot.commit[:12]}.",
            "The AppProject of an environment lists the kinds that may be applied there.",
            "restore the file: run `deliver argocd`",
        )
    try:
        project = mapping(documents(data)[0])
    except (NotPlainError, IndexError) as err:
        raise broken(path, str(err) or "it is empty") from err
    return frozenset(_kinds(project, path)) - MADE_BY_OTHERS


def _kinds(project: Mapping[str, Any], path: str) -> Iterator[Kind]:
    listed = mapping(project.get("spec")).get("namespaceResourceWhitelist")
    if not isinstance(listed, list) or not listed:
        raise broken(path, "spec.namespaceResourceWhitelist lists no kinds")
    for row in listed:
        group, name = mapping(row).get("group"), mapping(row).get("kind")
        if not (isinstance(group, str) and isinstance(name, str)):
            raise broken(path, "a row of namespaceResourceWhitelist lacks its group or kind")
        if "*" in group + name:
            raise Refused(
                "open-project",
                f"{path}: namespaceResourceWhitelist holds a wildcard.",
                "Kinds are listed one by one, so that nothing unnamed is ever applied.",
                "run `deliver argocd`; further kinds are named in delivery.yaml",
            )
        yield Kind(group, name)


def kinds(item: KubernetesObject, namespace: str, allowed: frozenset[Kind]) -> Iterator[Problem]:
    """Yield where an object is of a kind, or in a namespace, that the environment rules out."""
    if item.kind == Kind("", "Secret"):
        yield Problem(
            "secret-in-git",
            item.where,
            "it is a Secret",
            "Secrets never enter Git.",
            "refer by name to one that the cluster makes, such as by an ExternalSecret",
        )
    elif item.kind.kind in CLUSTER_SCOPED and item.kind not in allowed:
        yield Problem(
            "cluster-scoped",
            item.where,
            "its kind belongs to the whole cluster",
            "An app lives in the environment's namespace alone.",
            "leave it to whoever runs the cluster",
        )
    elif item.kind not in allowed:
        yield Problem(
            "kind-not-allowed",
            item.where,
            f"the AppProject does not list {item.kind}",
            "Objects are of the kinds in namespaceResourceWhitelist of argocd/<env>/project.yaml.",
            "leave it out, or add the kind to `kinds` in delivery.yaml and run `deliver argocd`",
        )
    if item.metadata.get("namespace") != namespace:
        seen = item.metadata.get("namespace")
        yield Problem(
            "wrong-namespace",
            item.where,
            f"its namespace is {seen or 'not stated'}, the environment's is {namespace}",
            "Every object is in the environment's namespace.",
            "leave out `namespace`: rendering puts the environment's",
        )
