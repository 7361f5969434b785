"""A team's repository on the real cluster: what people type, and what the cluster then shows."""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from cluster import Cluster
from demo.folder import PACKAGE, PEOPLE, SLUG, TEMPLATE, Place
from demo.shell import Shell

KUSTOMIZE_APP, HELM_APP = "tumour-classifier", "progression-forecast"
ENVIRONMENTS = ("dev", "staging", "prod")
SYNC_S = 240


@dataclass(frozen=True)
class Desk(Shell):
    """A shell with the variables that this team's machines have."""

    variables: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the variables of the shell with the team's own."""
        return super().environment() | dict(self.variables)


@dataclass(frozen=True)
class Remote:
    """Where a repository is: its name, its address, and the logins of its team and of Argo CD."""

    name: str
    url: str
    login: tuple[str, str] = field(repr=False)
    reader: tuple[str, str] = field(repr=False)

    @classmethod
    def on(cls, cluster: Cluster) -> Self:
        """Make an empty repository on a cluster's own Git server."""
        return cls(SLUG, cluster.create_repository(SLUG), cluster.git_login, cluster.git_login)


@dataclass(frozen=True)
class Team:
    """People with a repository, the cluster that it delivers to, and their tokens."""

    cluster: Cluster
    place: Place
    remote: Remote
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The repository."""
        return self.place.root

    @property
    def project(self) -> str:
        """The repository's name, with which all names in the cluster begin."""
        return self.remote.name

    def deliver(self, *words: str, expect: int = 0, **variables: str) -> str:
        """Return what a verb printed; fails unless it ends with the status that is expected."""
        return self.desk(**variables)("deliver", *words, expect=expect)

    def desk(self, **variables: str) -> Desk:
        """Return the shell of somebody who has the team's tokens."""
        shell = self.place.shell
        assert isinstance(shell, Desk)
        return Desk(shell.folder, {**shell.variables, **self.tokens, **variables})

    def git(self, *words: str) -> str:
        """Return what Git printed in the team's repository."""
        return self.place.shell("git", *words, show=False).strip()

    def make(self, app: str) -> None:
        """Train and build the model that main's code gives."""
        self.deliver("train", app)
        self.deliver("build", app)

    def merge(self, printed: str) -> str:
        """Merge the branch that a verb named as a reviewed pull request; return its commit."""
        branch = printed.split("on branch ")[1].split()[0].rstrip(".,;:")
        self.git("push", "--quiet", "origin", branch)
        self.deliver("check", "--base", "origin/main", "--head", branch)
        self.git("merge", "--quiet", "--squash", branch)
        self.git("commit", "--quiet", "--message", self.git("log", "-1", "--format=%B", branch))
        self.push()
        self.git("branch", "--quiet", "-D", branch)
        return self.git("rev-parse", "HEAD")

    def push(self) -> None:
        """Push main, and have the Git host tell Argo CD as it would by a webhook."""
        before = self.git("rev-parse", "origin/main")
        self.git("push", "--quiet", "origin", "main")
        after = self.git("rev-parse", "main")
        self.cluster.refresh_webhook(self.url, "main", before, after)

    @property
    def url(self) -> str:
        """The repository's address, which Argo CD reads."""
        return self.remote.url

    def change(self, files: Mapping[str, str | None], why: str) -> None:
        """Merge a reviewed change of sources: texts by path, None removes a file."""
        for path, text in files.items():
            target = self.root / path
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self.commit(why)

    def commit(self, why: str) -> None:
        """Commit all that changed on a branch, check it, and merge it."""
        self.git("switch", "--quiet", "--create", "change")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", why)
        self.deliver("check", "--base", "origin/main", "--head", "change")
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--ff-only", "change")
        self.push()
        self.git("branch", "--quiet", "-D", "change")

    def release(self, app: str, why: str = "a test") -> None:
        """Bring the newest built model of an app to dev."""
        self.merge(self.deliver("release", app, "--reason", why))

    def promote(self, app: str, environment: str, why: str = "a test") -> None:
        """Bring what the environment before runs to an environment."""
        self.merge(self.deliver("promote", app, "--to", environment, "--reason", why))

    def configure(self, app: str, environment: str, why: str = "a test") -> None:
        """Bring a merged change of an overlay to its environment."""
        self.merge(self.deliver("render", app, "--env", environment, "--reason", why))

    def confirm(self, app: str, environment: str, expect: int = 0, **variables: str) -> str:
        """Return what `confirm` says."""
        words = ("confirm", app, "--env", environment, "--timeout", f"{SYNC_S}s")
        return self.deliver(*words, expect=expect, **variables)

    # What the cluster shows

    def namespace(self, environment: str) -> str:
        """Return an environment's namespace."""
        return f"{self.project}-{environment}"

    def get(self, kind: str, *words: str) -> Any:
        """Return objects as the API server has them."""
        return json.loads(self.cluster.kubectl("get", kind, "--output", "json", *words))

    def application(self, app: str, environment: str) -> Any:
        """Return an app's Application in an environment."""
        return self.get(
            "application", f"{self.project}-{environment}-{app}", "--namespace", "argocd"
        )

    def pods(self, app: str, environment: str) -> list[Any]:
        """Return an app's pods that are not on their way out."""
        label = f"app.kubernetes.io/name={app},app.kubernetes.io/component=model-server"
        found = self.get("pods", "--namespace", self.namespace(environment), "--selector", label)
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    def running(self, app: str, environment: str) -> set[str]:
        """Return the digests of the images that an app's ready containers run."""
        statuses = [
            pod["status"].get("containerStatuses", []) for pod in self.pods(app, environment)
        ]
        return {
            one["imageID"].rsplit("@", 1)[-1] for many in statuses for one in many if one["ready"]
        }

    def current(self, app: str, environment: str) -> dict[str, str]:
        """Return what Git says is current: `releases/<env>/<app>/current.yaml`."""
        import yaml

        path = self.root / f"releases/{environment}/{app}/current.yaml"
        found: dict[str, str] = yaml.safe_load(path.read_text())
        return found

    def digest(self, app: str, environment: str) -> str:
        """Return the digest of the image that the newest record pins."""
        return self.current(app, environment)["image"].rsplit("@", 1)[1]

    def question(self, app: str, environment: str = "dev") -> Any:
        """Return the newest known question of an app."""
        records = self.root / f"releases/{environment}/{app}/records"
        return json.loads(sorted(records.glob("*.question.json"))[-1].read_text())

    def ask(self, app: str, environment: str, request: Any) -> Any:
        """Return the answer of an app's Service, asked within the cluster."""
        service = self.get("service", app, "--namespace", self.namespace(environment))
        url = f"http://{service['spec']['clusterIP']}/v2/models/{app}/infer"
        with tempfile.NamedTemporaryFile("w", suffix=".json") as body:
            json.dump(request, body)
            body.flush()
            words = ("curl", "--silent", "--fail-with-body", "--max-time", "10", "--json")
            done = self.cluster.inside(*words, f"@{body.name}", url)
        return json.loads(done.stdout)

    def until(self, seen: Callable[[], bool], deadline_s: float = SYNC_S) -> None:
        """Wait until something is seen; fails at the deadline."""
        self.cluster.wait(seen, deadline_s)

    def healthy(self, app: str, environment: str) -> bool:
        """Return whether Argo CD shows an app as Synced at main, Healthy, and with its release."""
        status = self.application(app, environment).get("status", {})
        return (
            status.get("sync", {}).get("status") == "Synced"
            and status.get("health", {}).get("status") == "Healthy"
            and self.running(app, environment) == {self.digest(app, environment)}
        )

    def alias(self, app: str, environment: str) -> str | None:
        """Return the model version that MLflow's alias of an environment names."""
        code = "print(client.get_registered_model(sys.argv[2]).aliases.get(sys.argv[3], ''))"
        return self.mlflow(code, app, environment) or None

    def mlflow(self, code: str, *words: str) -> str:
        """Return the last line that Python prints, given MLflow's `client` and words in `argv`."""
        first = "import sys; from mlflow import MlflowClient; client = MlflowClient(sys.argv[1]); "
        uri = f"sqlite:///{self.root / '.local/mlflow/mlflow.db'}"
        python = self.root / ".venv/bin/python"
        out = self.place.shell(python, "-c", first + code, uri, *words, show=False)
        return (out.splitlines() or [""])[-1]


def prepare(cluster: Cluster, folder: Path, remote: Remote | None = None) -> Team:
    """Return a team whose repository is baked for a cluster, pushed, and not yet bootstrapped.

    Its origin is on the cluster's own Git server, unless there is another remote.
    """
    remote = remote or Remote.on(cluster)
    with tempfile.TemporaryDirectory(dir=folder.parent) as baked:
        Shell(TEMPLATE)(
            sys.executable, "-m", "cookiecutter", ".", "--no-input", "--output-dir", baked,
            "project_name=Demo Models", f"project_slug={remote.name}", f"package_name={PACKAGE}",
            f"repo_url={remote.url}", f"registry={cluster.registry}/demo",
        )  # fmt: skip
        Path(baked, remote.name).rename(folder)
    private = folder / ".local"
    private.mkdir()
    shell = Desk(folder, _variables(cluster, remote, private))
    shell("git", "init", "--quiet", "--initial-branch=main", show=False)
    store = f"store --file={_git_login(remote, private)}"
    for key, value in {**PEOPLE, "credential.helper": store}.items():
        shell("git", "config", key, value, show=False)
    shell("git", "add", "--all", show=False)
    shell("git", "commit", "--quiet", "--message", "Bake the repository", show=False)
    shell("git", "remote", "add", "origin", remote.url, show=False)
    shell("git", "push", "--quiet", "--set-upstream", "origin", "main", show=False)
    shell("make", "--no-print-directory", "machine", "setup")
    shell("make", "--no-print-directory", "tools", "base")
    return Team(cluster, Place(folder, shell), remote)


def _git_login(remote: Remote, private: Path) -> Path:
    user, password = remote.login
    host = urlsplit(remote.url).netloc
    store = private / "git-login"
    store.write_text(f"http://{user}:{password}@{host}\n")
    store.chmod(0o600)
    return store


def _variables(cluster: Cluster, remote: Remote, private: Path) -> dict[str, str]:
    """Return what containers, bootstrap and Argo CD's clients take from the environment."""
    user, password = cluster.registry_login
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    auth = private / "registry-login.json"
    auth.write_text(json.dumps({"auths": {cluster.registry: {"auth": login}}}))
    auth.chmod(0o600)
    plain = private / "registries.conf"
    plain.write_text(f'[[registry]]\nlocation = "{cluster.registry}"\ninsecure = true\n')
    return {
        "REGISTRY_AUTH_FILE": str(auth),
        "CONTAINERS_REGISTRIES_CONF": str(plain),
        "KUBECONFIG": str(cluster.kubeconfig),
        "ARGOCD_SERVER": cluster.argocd,
        "DELIVER_GIT_USER": remote.reader[0],
        "DELIVER_GIT_PASSWORD": remote.reader[1],
        "DELIVER_REGISTRY_USER": user,
        "DELIVER_REGISTRY_PASSWORD": password,
    }


def token(cluster: Cluster, project: str, role: str) -> str:
    """Return a token of a project's role, made by an administrator through Argo CD's API."""
    login = {"username": "admin", "password": cluster.admin_password}
    session = post(f"{cluster.argocd}/api/v1/session", login, None)["token"]
    url = f"{cluster.argocd}/api/v1/projects/{project}/roles/{role}/token"
    return str(post(url, {"expiresIn": 7200}, session)["token"])


def post(url: str, body: Any, bearer: str | None) -> Any:
    """Return the JSON that a server answers."""
    headers = {"Content-Type": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
        return json.load(reply)


def bootstrap(team: Team) -> None:
    """Put the repository onto the cluster, and give the team's machines tokens that only read."""
    out = team.deliver("bootstrap")
    assert team.remote.reader[1] not in out
    for environment in ENVIRONMENTS:
        give_token(team, environment)


def give_token(team: Team, environment: str) -> None:
    """Give the team's machines a token that reads an environment's project."""
    made = token(team.cluster, f"{team.project}-{environment}", "reader")
    team.tokens[f"ARGOCD_AUTH_TOKEN_{environment.upper()}"] = made


def deliver(team: Team, app: str) -> None:
    """Bring an app's first model to prod, each step confirmed before the next one."""
    team.make(app)
    team.release(app)
    for environment in ENVIRONMENTS:
        if environment != ENVIRONMENTS[0]:
            team.promote(app, environment)
        team.confirm(app, environment)


def take_away(cluster: Cluster, project: str, *, wait: bool = True) -> None:
    """Delete all that is of a project, as the loss of a cluster would; pods may end later."""
    namespace, gone = "--namespace=argocd", "--ignore-not-found"
    # What makes others goes first: it makes anew whatever else is deleted.
    cluster.kubectl("delete", "application", f"{project}-root", namespace, gone)
    for kind in ("applicationsets", "applications", "appprojects"):
        found = json.loads(cluster.kubectl("get", kind, namespace, "--output", "json"))["items"]
        names = [one["metadata"]["name"] for one in found]
        if ours := [name for name in names if name.startswith(f"{project}-")]:
            cluster.kubectl("delete", kind, *ours, namespace, gone)
    spaces = [f"{project}-{environment}" for environment in ENVIRONMENTS]
    cluster.kubectl("delete", "namespace", gone, f"--wait={str(wait).lower()}", *spaces)
    cluster.kubectl("delete", "secret", f"{project}-repository", namespace, gone)
