"""`make cluster` and `make cluster-down`."""

from __future__ import annotations

import argparse
import sys
import time

from delivery.errors import DeliveryError

from . import Cluster, Options, down, find, up


def main() -> int:
    """Bring a cluster up and say how to reach it, end one, or make a repository on it."""
    arguments = _parser().parse_args()
    try:
        if arguments.verb == "down":
            ended = down(arguments.name)
            print(f"{arguments.name}: {'ended' if ended else 'was not running'}.")
            return 0
        if arguments.verb == "repository":
            print(find(arguments.name).create_repository(arguments.repository))
            return 0
        began = time.monotonic()
        options = Options(arguments.members, not arguments.no_node, arguments.simulated_nodes)
        cluster = up(arguments.name, options)
    except DeliveryError as err:
        print("\n".join(err.lines()), file=sys.stderr)
        return err.exit_code
    print(described(arguments.name, cluster, time.monotonic() - began))
    return 0


def described(name: str, cluster: Cluster, seconds: float) -> str:
    """Return how to reach a cluster."""
    git, registry = cluster.git_login, cluster.registry_login
    lines = [
        f"Cluster `{name}` came up in {seconds:.0f} s; `make cluster-down CLUSTER={name}` ends it.",
        "",
        f"export KUBECONFIG={':'.join(map(str, cluster.kubeconfigs.values()))}",
        f"Argo CD    {cluster.argocd}  admin  {cluster.admin_password}",
        f"Git        {cluster.git_url('<name>')}  {git[0]}  {git[1]}",
        f"           made by: make cluster-repository REPOSITORY=<name> CLUSTER={name}",
        f"registry   {cluster.registry}  {registry[0]}  {registry[1]}",
        f"logs       {cluster.log('*')}",
    ]
    for environment, server in cluster.servers.items():
        lines.append(f"{environment:10} {server}, as Argo CD names it")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cluster")
    parser.add_argument("verb", choices=("up", "down", "repository"))
    parser.add_argument("name")
    parser.add_argument("repository", nargs="?", default="models")
    parser.add_argument("--members", type=int, choices=(1, 2, 3), default=1)
    parser.add_argument("--no-node", action="store_true")
    parser.add_argument("--simulated-nodes", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
