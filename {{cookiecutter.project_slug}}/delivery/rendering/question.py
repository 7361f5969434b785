"""The known question as manifests: a Job that asks what a sync brought (FORMATS section 5).

A ConfigMap holds the question, a Job asks it, a NetworkPolicy lets that Job reach the app alone.

The Job is a PostSync hook: Argo CD creates it once all else is applied and healthy, and a sync
whose Job fails has failed. It is no part of the comparison of Git with the cluster, and being
immutable it is deleted before it is made anew (`BeforeHookCreation`); until then its log stays
to be read. Healing what was changed by hand is a sync without hooks, so it asks nothing. ConfigMap
and NetworkPolicy are ordinary objects: they are there before any hook runs, and drift in them is
seen and undone. Since a hook that changed alone starts no sync, the ConfigMap names the Job's
content by digest: another Job is another ConfigMap, so it is asked.

The server is found by the variables that a pod gets for every Service of its namespace, made before
the pod. So the Job needs no DNS, and no rule that lets it ask one; every cluster has them, except
for headless Services, which are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..canonical import digest, sha256
from ..errors import Refused
from ..files import Block, dump_yaml
from ..validation.objects import Kind, KubernetesObject, containers, documents, mapping
from .recipe import Recipe

SERVICE = Kind("", "Service")
PORT = "http"
FILE = "question.json"
FOLDER = "/question"
LABEL = "deliver.io/question"
JOB = "deliver.io/question-job"
HOOK = {
    "argocd.argoproj.io/hook": "PostSync",
    "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
}
LIMIT_S = 180
"""All of the Job, its image's pull too; a pod that cannot start fails the sync after so long."""
# What decides where the app's pods may run and as whom they pull: the Job's pod runs their image.
LIKE_THE_APP = (
    "imagePullSecrets",
    "nodeSelector",
    "runtimeClassName",
    "serviceAccountName",
    "tolerations",
)


def require_question(recipe: Recipe) -> str:
    """Return the question as text; raises Refused (`question-altered`) unless it is the release's.

    Only its digest is looked at: what it asks was settled when the release was made.
    """
    if sha256(recipe.question) == recipe.release.question.sha256:
        try:
            return recipe.question.decode()
        except UnicodeDecodeError:
            pass
    raise Refused(
        "question-altered",
        f"the known question given for {recipe.app} is not the one that its release names.",
        "The known question is part of the release.",
        "restore the question beside the accepted record from main; never edit it",
    )


def question_manifests(recipe: Recipe, rendered: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that ask a release's known question, to stand beside what was rendered.

    Raises Refused: `question-altered`, `no-service` where nothing can be asked by the app's name,
    `object-twice` where the app brings an object of the same name.
    """
    text = require_question(recipe)
    items = [KubernetesObject(name, documents(data)[0]) for name, data in rendered.items()]
    service = _service(recipe, items)
    name = f"{recipe.app}-question"
    job = {"spec": _job(recipe, items)}
    data = {"data": {FILE: Block(text)}}
    way = {"spec": _way(recipe.app, service)}
    made = {
        "ConfigMap": _object(recipe, "v1", "ConfigMap", data, {JOB: digest(job)}),
        "Job": _object(recipe, "batch/v1", "Job", job, HOOK),
        "NetworkPolicy": _object(recipe, "networking.k8s.io/v1", "NetworkPolicy", way),
    }
    files = {f"{kind}-{name}.yaml".lower(): dump_yaml(content) for kind, content in made.items()}
    for file in files.keys() & rendered.keys():
        raise Refused(
            "object-twice",
            f"{file} is rendered from the sources of {recipe.app} already.",
            "An object stands in one file; deliver brings those that ask the known question.",
            "give the app's own object another name",
        )
    return files


def _service(recipe: Recipe, items: list[KubernetesObject]) -> Mapping[str, Any]:
    for item in items:
        if (item.kind, item.name) != (SERVICE, recipe.app):
            continue
        spec = mapping(item.data.get("spec"))
        ports = spec.get("ports")
        names = [mapping(port).get("name") for port in ports] if isinstance(ports, list) else []
        if spec.get("clusterIP") == "None" or spec.get("type") == "ExternalName":
            raise _no_service(recipe, f"{item.where} has no address of its own")
        if not mapping(spec.get("selector")):
            raise _no_service(recipe, f"{item.where} selects no pods")
        if PORT not in names:
            raise _no_service(recipe, f"{item.where} has no port named {PORT}")
        return spec
    raise _no_service(recipe, f"{recipe.overlay_path} renders to no Service/{recipe.app}")


def _object(
    recipe: Recipe,
    version: str,
    kind: str,
    content: Mapping[str, object],
    annotations: Mapping[str, str] | None = None,
) -> dict[str, object]:
    metadata = {
        "name": f"{recipe.app}-question",
        "namespace": recipe.place.namespace,
        "labels": {LABEL: recipe.app},
        "annotations": dict(sorted({**recipe.annotations, **(annotations or {})}.items())),
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _job(recipe: Recipe, items: list[KubernetesObject]) -> dict[str, object]:
    # Asked to its end, another pod would hear the same; what the node did to a pod is tried again.
    rules = [
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 2]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
    return {
        "activeDeadlineSeconds": LIMIT_S,
        "backoffLimit": 2,
        "podFailurePolicy": {"rules": rules},
        "template": {
            "metadata": {"labels": {LABEL: recipe.app}},
            "spec": {**_like_the_app(recipe, items), **_pod(recipe)},
        },
    }


def _like_the_app(recipe: Recipe, items: list[KubernetesObject]) -> dict[str, object]:
    for item in items:
        template = mapping(mapping(item.data.get("spec")).get("template"))
        spec = mapping(template.get("spec"))
        if any(one.get("image") == recipe.release.image for _, one in containers(spec)):
            nodes = {"nodeAffinity": mapping(spec.get("affinity")).get("nodeAffinity")}
            found = {field: spec[field] for field in LIKE_THE_APP if field in spec}
            return found | ({"affinity": nodes} if nodes["nodeAffinity"] else {})
    return {}


def _pod(recipe: Recipe) -> dict[str, object]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": True,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "question",
                "image": recipe.release.image,
                "args": _words(recipe),
                "resources": {
                    "requests": {"cpu": "50m", "memory": "32Mi"},
                    "limits": {"cpu": "500m", "memory": "128Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [{"name": "question", "mountPath": FOLDER, "readOnly": True}],
            }
        ],
        "volumes": [{"name": "question", "configMap": {"name": f"{recipe.app}-question"}}],
    }


def _words(recipe: Recipe) -> list[str]:
    """Return the arguments of the image's `ask`; the kubelet puts in what stands in `$(…)`."""
    variable = recipe.app.upper().replace("-", "_")
    host = f"$({variable}_SERVICE_HOST)"
    port = f"$({variable}_SERVICE_PORT_{PORT.upper()})"
    model = recipe.release.model
    return ["ask", host, port, model.name, model.digest, f"{FOLDER}/{FILE}"]


def _way(app: str, service: Mapping[str, Any]) -> dict[str, object]:
    # No port is named: behind a Service it is the pods', which not every network can look up.
    return {
        "podSelector": {"matchLabels": {LABEL: app}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [{"to": [{"podSelector": {"matchLabels": service["selector"]}}]}],
    }


def _no_service(recipe: Recipe, seen: str) -> Refused:
    return Refused(
        "no-service",
        f"{seen}.",
        f"A release is asked its known question by the Service {recipe.app}, port `{PORT}`.",
        f"name the Service after the app, its port `{PORT}`, with a selector and a cluster IP",
    )
