"""etcd, API server, controller manager and scheduler: once for each member cluster."""

from __future__ import annotations

import base64
import ssl
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import yaml

from .pki import Authority, Pair, write_key
from .place import Place, write
from .supervision import Program

ENVIRONMENTS = ("dev", "staging", "prod")
SERVICES = "10.96.0.0/16"
KUBERNETES = "10.96.0.1"


@dataclass(frozen=True)
class Plane:
    """One control plane: that of dev is the first, with the node and Argo CD."""

    place: Place
    environment: str

    @property
    def folder(self) -> Path:
        """Its certificates, keys, kubeconfigs and data."""
        return self.place.folder / self.environment

    @property
    def kubeconfig(self) -> Path:
        """What an administrator uses."""
        return self.folder / "admin.kubeconfig"

    @property
    def server(self) -> str:
        """The API server's address, the same from the host and inside."""
        return f"https://{self.place.address}:{self.port(6443)}"

    def port(self, usual: int) -> int:
        """Return where a part listens that usually has the port `usual`."""
        return usual + 100 * ENVIRONMENTS.index(self.environment)

    def name(self, part: str) -> str:
        """Return the name of a part among the cluster's programs: dev's have the plain one."""
        return part if self.environment == ENVIRONMENTS[0] else f"{part}-{self.environment}"

    def ready(self) -> bool:
        """Return whether the API server answers that it is ready."""
        try:
            trust = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
            with urllib.request.urlopen(f"{self.server}/readyz", timeout=5, context=trust):  # noqa: S310
                return True
        except OSError:
            return False


def programs(plane: Plane) -> list[Program]:
    """Write certificates and kubeconfigs; return what to run."""
    authority = Authority(plane.folder)
    addresses = ("127.0.0.1", plane.place.address, KUBERNETES)
    names = [f"kubernetes{rest}" for rest in ("", ".default", ".default.svc")]
    serving = authority.issue("apiserver", "kube-apiserver", hosts=(*addresses, *names))
    admin = authority.issue("admin", "admin", ["system:masters"])
    node = authority.issue("node-1", "system:node:node-1", ["system:nodes"])
    write_kubeconfig(plane, plane.kubeconfig, admin)
    write_kubeconfig(plane, plane.folder / "node-1.kubeconfig", node)
    accounts = write_key(plane.folder, "service-accounts")
    etcd = Program(plane.name("etcd"), _etcd(plane))
    server = Program(plane.name("kube-apiserver"), _api_server(plane, serving, admin, accounts))
    return [etcd, server, *_controllers(plane, accounts)]


def controllers(plane: Plane) -> tuple[str, ...]:
    """Return the parts that start once the API server answers."""
    return plane.name("kube-controller-manager"), plane.name("kube-scheduler")


def write_kubeconfig(plane: Plane, path: Path, pair: Pair, namespace: str = "default") -> None:
    """Write a kubeconfig that holds all it needs; its one context has the environment's name."""
    name = plane.environment
    cluster = {
        "server": plane.server,
        "certificate-authority-data": encoded(plane.folder / "ca.crt"),
    }
    user = {
        "client-certificate-data": encoded(pair.certificate),
        "client-key-data": encoded(pair.key),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}
        ],
        "current-context": name,
    }
    write(path, yaml.safe_dump(content, sort_keys=False))


def encoded(path: Path) -> str:
    """Return a file's bytes in base64."""
    return base64.b64encode(path.read_bytes()).decode()


def _etcd(plane: Plane) -> tuple[str | Path, ...]:
    client = f"http://127.0.0.1:{plane.port(2379)}"
    peer = f"http://127.0.0.1:{plane.port(2380)}"
    return (
        *("etcd", "--data-dir", plane.folder / "etcd", "--log-level", "warn"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"default={peer}", "--quota-backend-bytes", str(4 * 2**30)),
        "--unsafe-no-fsync",  # what a killed process wrote is safe; only the machine's end is not
    )


def _api_server(
    plane: Plane, serving: Pair, kubelet: Pair, accounts: Path
) -> tuple[str | Path, ...]:
    return (
        *("kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{plane.port(2379)}"),
        *("--secure-port", str(plane.port(6443)), "--advertise-address", plane.place.address),
        *("--tls-cert-file", serving.certificate, "--tls-private-key-file", serving.key),
        *("--client-ca-file", plane.folder / "ca.crt", "--service-cluster-ip-range", SERVICES),
        *("--kubelet-client-certificate", kubelet.certificate, "--kubelet-client-key", kubelet.key),
        *("--service-account-issuer", "https://kubernetes.default.svc"),
        *("--service-account-key-file", accounts, "--service-account-signing-key-file", accounts),
        *("--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction"),
        *("--kubelet-preferred-address-types", "InternalIP"),
        *("--allow-privileged=true", "--profiling=false"),
    )


def _controllers(plane: Plane, accounts: Path) -> list[Program]:
    shared = (
        *("--kubeconfig", plane.kubeconfig, "--leader-elect=false", "--secure-port=0"),
        *("--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false"),
    )
    keys = (
        *("--root-ca-file", plane.folder / "ca.crt"),
        *("--service-account-private-key-file", accounts),
    )
    manager, scheduler = controllers(plane)
    return [
        Program(manager, ("kube-controller-manager", *shared, *keys), at_once=False),
        Program(scheduler, ("kube-scheduler", *shared), at_once=False),
    ]
