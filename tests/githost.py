"""A real Gitea on this machine, for tests of pull requests: users, tokens, a repository, branches.

Its data lies in a folder of the test's, it listens on 127.0.0.1 or on one other address of this
machine, and it is gone afterwards.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from cluster.programs import GITEA, build, sources

START_S = 90
TRIES = 3
TOKEN = re.compile(r"^[0-9a-f]{40}$", re.MULTILINE)
PASSWORD = secrets.token_urlsafe(16)
RIGHTS = "write:repository,write:issue,read:user,read:organization"
"""What docs/branch-rules.md says that the token of `deliver` needs."""
SETTINGS = """\
RUN_MODE = prod
RUN_USER = {user}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = {folder}
[server]
HTTP_ADDR = {address}
HTTP_PORT = {port}
ROOT_URL = http://{address}:{port}/
STATIC_ROOT_PATH = {static}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[repository]
ROOT = {folder}/repositories
DEFAULT_BRANCH = main
[security]
INSTALL_LOCK = true
SECRET_KEY = {secret}
INTERNAL_TOKEN = {secret}
[service]
DISABLE_REGISTRATION = true
[indexer]
ISSUE_INDEXER_TYPE = db
[cron]
ENABLED = false
[actions]
ENABLED = false
[webhook]
ALLOWED_HOST_LIST = private
[log]
MODE = file
LEVEL = Warn
ROOT_PATH = {folder}/log
"""


@dataclass(frozen=True)
class GitHost:
    """A Gitea that runs, with the tokens of its users by name; `root-admin` administers it."""

    program: Path
    folder: Path
    listens: str
    port: int
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.listens}:{self.port}"

    @property
    def api(self) -> str:
        """The address of its API."""
        return f"{self.url}/api/v1"

    def call(self, *words: str) -> str:
        """Return what Gitea's own command printed: its answer among lines of its log."""
        command = [str(self.program), *words, "--config", str(self.folder / "app.ini")]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the environment of its processes."""
        return {**os.environ, "HOME": str(self.folder), "GITEA_WORK_DIR": str(self.folder)}

    def add_user(self, name: str, *, admin: bool = False, rights: str = RIGHTS) -> None:
        """Add a user with a token that has some rights."""
        about = ("--username", name, "--email", f"{name}@example.com", "--password", PASSWORD)
        kind = ("--admin",) if admin else ()
        self.call("admin", "user", "create", *about, *kind, "--must-change-password=false")
        more = ",write:admin,write:organization" if admin else ""
        self.tokens[name] = self.make_token(name, f"{rights}{more}")

    def make_token(self, user: str, rights: str) -> str:
        """Return a new token of a user that has some rights."""
        title = f"test of {rights}"
        asked = ("--username", user, "--token-name", title, "--scopes", rights, "--raw")
        [token] = TOKEN.findall(self.call("admin", "user", "generate-access-token", *asked))
        return str(token)

    def ask(self, user: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """Return what the API answers to a user."""
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        return httpx.request(method, f"{self.api}/{path}", headers=headers, json=body, timeout=30)

    def told(self, user: str, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of an answer that has to be good."""
        answer = self.ask(user, method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def address(self, user: str, repository: str) -> str:
        """Return a repository's address with a user's password in it, for `git push`."""
        return f"http://{user}:{PASSWORD}@{self.listens}:{self.port}/{repository}.git"


@contextmanager
def githost(folder: Path, listens: str = "127.0.0.1") -> Iterator[GitHost]:
    """Yield a Gitea whose administrator is `root-admin`; it is ended afterwards.

    It listens on an address of this machine, such as one that a test's cluster reaches.
    """
    folder.mkdir(parents=True)
    host = _with_a_port(GitHost(build(GITEA) / "gitea", folder, listens, 0))
    host.call("migrate")
    host.add_user("root-admin", admin=True)
    host, process = _started(host)
    try:
        yield host
    finally:
        process.terminate()
        process.wait(30)


def _with_a_port(host: GitHost) -> GitHost:
    """Return a host with settings that name a port that is free now."""
    made = replace(host, port=_free_port(host.listens))
    (host.folder / "app.ini").write_text(SETTINGS.format(**_words(made)))
    return made


def _started(host: GitHost) -> tuple[GitHost, subprocess.Popen[bytes]]:
    """Return a host that answers; a port that another program took meanwhile is given up."""
    command = [str(host.program), "web", "--config", str(host.folder / "app.ini")]
    for _ in range(TRIES):
        with (host.folder / "web.log").open("w") as log:
            process = subprocess.Popen(command, env=host.environment(), stdout=log, stderr=log)
        if _answers(host, process):
            return host, process
        process.kill()
        process.wait()
        host = _with_a_port(host)
    logs = [host.folder / "web.log", *(host.folder / "log").glob("*.log")]
    raise AssertionError("\n".join(log.read_text()[-3000:] for log in logs))


def _words(host: GitHost) -> Mapping[str, object]:
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "user": user,
        "folder": host.folder,
        "address": host.listens,
        "port": host.port,
        "static": sources("code.gitea.io/gitea", ""),
        "secret": secrets.token_hex(32),
    }


def _answers(host: GitHost, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{host.api}/version", timeout=5).is_success:
                return True
        except httpx.HTTPError:
            time.sleep(0.1)
    return False


def _free_port(address: str) -> int:
    with socket.socket() as server:
        server.bind((address, 0))
        port: int = server.getsockname()[1]
        return port
