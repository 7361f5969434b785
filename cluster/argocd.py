"""Argo CD as plain processes: Redis and the API server are there already."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from . import programs as built
from .control_plane import Plane, encoded, write_kubeconfig
from .pki import Pair
from .place import Place, write
from .services import REDIS, hashed
from .supervision import Program

MODULE = "github.com/argoproj/argo-cd/v3"
NAMESPACE = "argocd"
PORT = 8080
WEBHOOK_PORT = 7000
REPO_SERVER = "127.0.0.1:8081"
WAITING = ("argocd-server", "argocd-application-controller", "argocd-applicationset-controller")
# Minutes would make tests wait: without a webhook Argo CD asks Git this often.
RECONCILIATION = {"ARGOCD_RECONCILIATION_TIMEOUT": "60s", "ARGOCD_RECONCILIATION_JITTER": "0s"}


def programs(plane: Plane, variables: Mapping[str, str]) -> list[Program]:
    """Write what it needs in the cluster's folder; return what to run."""
    environment = {**_environment(plane), **variables}
    repo_server = ("--repo-server", REPO_SERVER, "--repo-server-plaintext", "--redis", REDIS)
    address = ("--address", "127.0.0.1", "--port", REPO_SERVER.rpartition(":")[2])
    commands: dict[str, tuple[str, ...]] = {
        "argocd-repo-server": (*address, "--redis", REDIS, "--disable-tls", "--client-ca-path", ""),
        "argocd-server": (*repo_server, "--insecure", "--port", str(PORT)),
        "argocd-application-controller": repo_server,
        "argocd-applicationset-controller": (
            *("--argocd-repo-server", REPO_SERVER, "--repo-server-plaintext"),
            *("--webhook-addr", f":{WEBHOOK_PORT}", "--namespace", NAMESPACE),
            *("--metrics-addr", "127.0.0.1:8085", "--probe-addr", "127.0.0.1:8086"),
        ),
    }
    return [
        Program(
            name,
            ("argocd", *arguments),
            {**environment, "ARGOCD_BINARY_NAME": name},
            at_once=name not in WAITING,
        )
        for name, arguments in commands.items()
    ]


def _environment(plane: Plane) -> dict[str, str | Path]:
    """Return what its programs share; without folders they would write below /app and /tmp."""
    folder = plane.place.folder / "argocd"
    for name in ("gpg", "tls", "ssh", "plugins"):
        (folder / name).mkdir(parents=True)
    shutil.copy(built.sources(MODULE, "hack/git-verify-wrapper.sh"), _bin(plane.place))
    (_bin(plane.place) / "git-verify-wrapper.sh").chmod(0o755)
    kubeconfig = folder / "kubeconfig"
    admin = Pair(plane.folder / "admin.crt", plane.folder / "admin.key")
    write_kubeconfig(plane, kubeconfig, admin, NAMESPACE)
    return {
        **RECONCILIATION,
        "KUBECONFIG": kubeconfig,
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_GNUPGHOME": folder / "gpg",
        "ARGOCD_TLS_DATA_PATH": folder / "tls",
        "ARGOCD_SSH_DATA_PATH": folder / "ssh",
        "ARGOCD_PLUGINSOCKFILEPATH": folder / "plugins",
        "ARGOCD_ASK_PASS_SOCK": folder / "ask-pass.sock",
    }


def _bin(place: Place) -> Path:
    folder = place.folder / "bin"
    folder.mkdir(exist_ok=True)
    return folder


def objects(plane: Plane, members: list[Plane], password: str, webhooks: str) -> list[Path]:
    """Return what to apply: its CRDs, its configuration as installed, the admin, the members."""
    manifests = built.sources(MODULE, "manifests")
    crds = sorted((manifests / "crds").glob("*-crd.yaml"))
    secrets = [_namespace(), _admin(password, webhooks), *(_member(one) for one in members)]
    config = [
        {**one, "metadata": {**one["metadata"], "namespace": NAMESPACE}}
        for path in sorted((manifests / "base/config").glob("argocd-*.yaml"))
        for one in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        if one["kind"] == "ConfigMap"
    ]
    own = write(
        plane.place.folder / "argocd/objects.yaml",
        "---\n".join(json.dumps(one) + "\n" for one in [*secrets, *config]),
    )
    return [own, *crds]


def _namespace() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def _admin(password: str, webhooks: str) -> dict[str, Any]:
    return _secret(
        "argocd-secret",
        {"app.kubernetes.io/name": "argocd-secret", "app.kubernetes.io/part-of": "argocd"},
        {
            "admin.password": hashed(password),
            "admin.passwordMtime": "2026-01-01T00:00:00Z",
            "webhook.gogs.secret": webhooks,
            "server.secretkey": base64.b64encode(os.urandom(32)).decode(),
        },
    )


def _member(plane: Plane) -> dict[str, Any]:
    """Return the Secret by which Argo CD knows another cluster."""
    access = {
        "caData": encoded(plane.folder / "ca.crt"),
        "certData": encoded(plane.folder / "admin.crt"),
        "keyData": encoded(plane.folder / "admin.key"),
    }
    return _secret(
        f"cluster-{plane.environment}",
        {"argocd.argoproj.io/secret-type": "cluster"},
        {
            "name": plane.environment,
            "server": plane.server,
            "config": json.dumps({"tlsClientConfig": access}),
        },
    )


def _secret(name: str, labels: dict[str, str], data: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
