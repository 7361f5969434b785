"""A small server in an image of its own, pushed, deployed and asked."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx

from cluster import Cluster
from cluster.images import of

TYPE = "application/vnd.oci.image"
# Says who runs it and what it was asked.
SOURCE = """\
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, os.Getuid(), r.URL.Path)
	})
	panic(http.ListenAndServe(":8080", nil))
}
"""


def push(cluster: Cluster, folder: Path) -> str:
    """Build the image, push it to the cluster's registry and return its reference by digest."""
    (folder / "main.go").write_text(SOURCE, encoding="utf-8")
    build = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", "answer", "main.go"]
    subprocess.run(build, cwd=folder, env={**os.environ, "CGO_ENABLED": "0"}, check=True)
    layer, config = of(folder / "answer")
    url = f"http://{cluster.registry}/v2/answer/"
    with httpx.Client(base_url=url, auth=cluster.registry_login, trust_env=False) as registry:
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{TYPE}.manifest.v1+json",
            "config": _blob(registry, "config.v1+json", json.dumps(config).encode()),
            "layers": [_blob(registry, "layer.v1.tar", layer)],
        }
        headers = {"Content-Type": f"{TYPE}.manifest.v1+json"}
        data = json.dumps(manifest).encode()
        registry.put("manifests/1", content=data, headers=headers).raise_for_status()
    return f"{cluster.registry}/answer@{_digest(data)}"


def deploy(cluster: Cluster, namespace: str, image: str) -> str:
    """Run the image in a namespace that enforces `restricted`; return its Service's address."""
    objects = [*_namespace(cluster, namespace), _service(), _deployment(image)]
    for one in objects[1:]:
        one["metadata"]["namespace"] = namespace
    cluster.kubectl("apply", "--filename", "-", stdin=documents(objects))
    words = ("--namespace", namespace)
    cluster.kubectl(*words, "rollout", "status", "deployment/answer", "--timeout=60s")
    where = "jsonpath={.spec.clusterIP}"
    return cluster.kubectl(*words, "get", "service", "answer", "--output", where)


def answer(cluster: Cluster, address: str, path: str) -> str:
    """Return what a Service answers inside the cluster, empty if it does not."""
    asked = cluster.inside("curl", "--silent", "--max-time", "5", f"http://{address}/{path}")
    return asked.stdout.strip()


def documents(objects: list[dict[str, Any]]) -> str:
    """Return objects as kubectl reads them."""
    return "---\n".join(json.dumps(one) + "\n" for one in objects)


def _namespace(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    user, password = cluster.registry_login
    logins = {"auths": {cluster.registry: {"username": user, "password": password}}}
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "registry"},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": json.dumps(logins)},
        },
    ]


def _service() -> dict[str, Any]:
    spec = {"selector": {"app": "answer"}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "answer"}, "spec": spec}


def _deployment(image: str) -> dict[str, Any]:
    labels = {"app": "answer"}
    container = {
        "name": "answer",
        "image": image,
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    pod = {
        "containers": [container],
        "imagePullSecrets": [{"name": "registry"}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "answer"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _blob(registry: httpx.Client, kind: str, data: bytes) -> dict[str, Any]:
    """Upload what an image is made of; return how its manifest names it."""
    begun = registry.post("blobs/uploads/").raise_for_status()
    where = httpx.URL(begun.headers["location"]).copy_merge_params({"digest": _digest(data)})
    registry.put(where, content=data).raise_for_status()
    return {"mediaType": f"{TYPE}.{kind}", "digest": _digest(data), "size": len(data)}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
