"""The programs of the test cluster, and of the Git host beside it, as `programs/` pins them.

They are built from Go modules. A build is kept in the cache under the digest of all that it is made
of: its `go.mod`, `go.sum` and Go files, how it is linked, and the version of Go. `go.sum` holds the
digest of every module, so what is built is what was committed here.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent / "programs"
CACHE = Path(os.environ.get("CLUSTER_CACHE") or Path.home() / ".cache/ml-gitops-cluster")
KUBERNETES = "v1.36.3"
ARGOCD = "v3.5.3"


@dataclass(frozen=True)
class Module:
    """One build: a folder of `programs/`, its programs by their Go package."""

    name: str
    packages: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    tags: str = ""
    cgo: bool = False

    def link(self) -> str:
        """Return flags for the linker: no debug data, and the version that the program states."""
        stated = [f"-X {name}={value}" for name, value in self.variables.items()]
        return " ".join(["-s -w", *stated])

    def key(self, go: str) -> str:
        """Return twelve digits of the SHA-256 of all that the build is made of."""
        how = f"{self.tags} cgo" if self.cgo else self.tags
        made = f"{go} {self.link()} {sorted(self.packages.items())}{how}"
        digest = hashlib.sha256(made.encode())
        for file in sorted((HERE / self.name).iterdir()):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]


CONTAINERD = Module(
    "containerd",
    {
        name: f"github.com/containerd/containerd/v2/cmd/{name}"
        for name in ("containerd", "containerd-shim-runc-v2", "ctr")
    },
)
PAUSE = Module("pause", {"pause": "."})
COSIGN = Module("cosign", {"cosign": "github.com/sigstore/cosign/v3/cmd/cosign"})
"""What images are signed with; no part of a cluster, and built when a test signs one."""
MODULES = (
    CONTAINERD,
    PAUSE,
    Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Module(
        "kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
            )
        },
        {
            "k8s.io/component-base/version.gitVersion": KUBERNETES,
            "k8s.io/component-base/version.gitMajor": "1",
            "k8s.io/component-base/version.gitMinor": "36",
        },
    ),
    Module(
        "argo-cd",
        {"argocd": "github.com/argoproj/argo-cd/v3/cmd"},
        {"github.com/argoproj/argo-cd/v3/common.version": ARGOCD.removeprefix("v")},
    ),
    Module("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
)
GITEA = Module(
    "gitea",
    {"gitea": "code.gitea.io/gitea"},
    {"main.Version": "1.26.0"},
    tags="sqlite sqlite_unlock_notify",
    cgo=True,
)
"""A Git host with pull requests and branch rules, for tests of what stands around a promotion."""
ACT = Module("act", {"act": "github.com/nektos/act"})
"""Runs GitHub's workflows on this machine, for tests of them."""
GH = Module("gh", {"gh": "github.com/cli/cli/v2/cmd/gh"})
"""What a workflow asks GitHub with; the machines on which GitHub runs workflows have it."""


def go(arguments: list[str], folder: Path, cgo: bool = False) -> str:
    """Return what `go ARGUMENTS` prints, run in `folder`; its errors go to the terminal."""
    environment = {
        **os.environ,
        "CGO_ENABLED": str(int(cgo)),
        "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath",
        "GOTOOLCHAIN": "auto",
    }
    ran = subprocess.run(
        ["go", *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.PIPE
    )
    return ran.stdout.decode().strip()


def build(module: Module) -> Path:
    """Return the folder of a module's programs, built unless the cache has them.

    Raises CalledProcessError where one does not build; the compiler's words are on the terminal.
    """
    source = HERE / module.name
    kept = CACHE / "programs" / f"{module.name}-{module.key(go(['env', 'GOVERSION'], source))}"
    with _alone(kept):
        if not kept.is_dir():
            print(f"Building {', '.join(module.packages)}: minutes, once.", file=sys.stderr)
            part = kept.with_name(f"{kept.name}.part")
            how = ["-ldflags", module.link(), *(["-tags", module.tags] if module.tags else [])]
            for name, package in module.packages.items():
                go(["build", *how, "-o", str(part / name), package], source, module.cgo)
            part.rename(kept)
    return kept


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """Hold off other processes that want the same build until this one has made it."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_name(f"{kept.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def sources(module: str, path: str) -> Path:
    """Return a file or folder of a Go module as it is in the version that `programs/` requires."""
    pins = HERE.glob("*/go.mod")
    folder = next(pin.parent for pin in pins if f"\nrequire {module} " in pin.read_text())
    return Path(json.loads(go(["mod", "download", "-json", module], folder))["Dir"]) / path


def folders() -> list[Path]:
    """Return where the programs are, each module built if it has to be."""
    return [build(module) for module in MODULES]


if __name__ == "__main__":
    print("\n".join(str(folder) for folder in folders()))
