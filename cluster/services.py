"""What a cluster needs around it: a Git server and an image registry with logins, and Redis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bcrypt
from delivery.process import run

from .place import Place, write
from .supervision import Program

GIT_PORT = 3000
REGISTRY_PORT = 5000
REDIS = "127.0.0.1:6379"
BACKEND = "/usr/lib/git-core/git-http-backend"
GIT = """\
server.bind = "0.0.0.0"
server.port = {port}
server.document-root = "{folder}/git"
server.modules = ("mod_auth", "mod_authn_file", "mod_setenv", "mod_alias", "mod_cgi")
server.upload-dirs = ("{folder}/tmp")
auth.backend = "plain"
auth.backend.plain.userfile = "{folder}/git.users"
auth.require = ("/" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
alias.url = ("/" => "{backend}/")
cgi.assign = ("" => "")
setenv.set-environment = (
  "GIT_PROJECT_ROOT" => "{folder}/git", "GIT_HTTP_EXPORT_ALL" => "1", "HOME" => "{folder}/home"
)
"""
REGISTRY = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  cache: {{blobdescriptor: inmemory}}
  delete: {{enabled: true}}
  filesystem: {{rootdirectory: "{folder}/registry"}}
auth: {{htpasswd: {{realm: registry, path: "{folder}/registry.users"}}}}
http: {{addr: "0.0.0.0:{port}", secret: "{secret}"}}
"""


@dataclass(frozen=True)
class Login:
    """A user and the password."""

    user: str
    password: str


def programs(place: Place, git: Login, registry: Login) -> list[Program]:
    """Write what each is to know; return what to run."""
    folder = place.folder
    write(folder / "git.conf", GIT.format(folder=folder, port=GIT_PORT, backend=BACKEND))
    write(folder / "git.users", f"{git.user}:{git.password}\n")
    (folder / "git").mkdir()
    secret = registry.password
    text = REGISTRY.format(folder=folder, port=REGISTRY_PORT, secret=secret)
    write(folder / "registry.yaml", text)
    write(folder / "registry.users", f"{registry.user}:{hashed(registry.password)}\n")
    host, _, port = REDIS.partition(":")
    # Argo CD keeps nothing in Redis that it cannot make again.
    redis = ("redis-server", "--bind", host, "--port", port, "--save", "", "--appendonly", "no")
    return [
        Program("git", ("lighttpd", "-D", "-f", folder / "git.conf")),
        Program("registry", ("docker-registry", "serve", folder / "registry.yaml")),
        Program("redis", redis),
    ]


def hashed(password: str) -> str:
    """Return a bcrypt hash that is cheap to compare, since it is compared at each request."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()


def create_repository(place: Place, name: str) -> None:
    """Make an empty repository that takes pushes and gives every commit, as hosts of Git do."""
    repository = bare(place, name)
    run("git", "init", "--quiet", "--bare", "--initial-branch=main", repository)
    for key in ("http.receivepack", "uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"):
        run("git", "config", key, "true", cwd=repository)


def push_event(
    place: Place, name: str, url: str, branch: str, before: str, after: str
) -> dict[str, object]:
    """Return what GitHub tells those who listen when a branch moves."""
    changed = run("git", "diff", "--name-only", before, after, cwd=bare(place, name)).text
    return {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "repository": {"html_url": url.removesuffix(".git"), "default_branch": "main"},
        "commits": [_commit(after, changed.splitlines())],
    }


def bare(place: Place, name: str) -> Path:
    """Return where a repository lies."""
    return place.folder / "git" / f"{name}.git"


def _commit(commit: str, changed: Iterable[str]) -> dict[str, object]:
    return {"id": commit, "added": [], "removed": [], "modified": list(changed)}
