"""Time a promotion's check, from `git push` to `pass`: `make bench-pull-request DEMO=FOLDER`.

In a repository that `make demo` left: its newest promotion of one app is pushed to a Gitea, and
what check.yml calls for it is called, as on a new runner: in a clone without blobs, where no image
is yet. The start of the runner and the making of its environment are left out. Medians of wall
seconds, one job after the other; the figures stand as JSON on the last line.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bench.figures import promotion
from demo.folder import PEOPLE
from demo.shell import Shell
from tests.delivery.containers import clear, settings
from tests.delivery.hosted import ADA, BEN, ORG, ROBOT, populate
from tests.githost import GitHost, githost

RUNS = 3
TAKEN_IN_S = 60
REPOSITORY = f"{ORG}/models"
BRANCH = "promote/bench"
LOCAL = (sys.executable, "-m", "delivery.local")
RANGE = ("--base", "origin/main", "--head", "{head}")
JOBS: Mapping[str, tuple[str, ...]] = {
    "rules_s": ("deliver", "check", *RANGE),
    "evidence_s": ("deliver", "gate", "--verify", *RANGE, "--json"),
    "report_s": ("deliver", "report", *RANGE, "--scored", "scored.json", "--comment", "{number}"),
    "approvals_s": ("deliver", "approvals", "--pr", "{number}", "--head", "{head}"),
    "mark_s": ("deliver", "mark", "{head}", "--check", "pass", "--state", "success"),
}
"""What check.yml calls, by the key of its figure."""


@dataclass(frozen=True)
class Runner(Shell):
    """A shell on a clone that a new runner made, with the Git host's token and the demo's venv."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def environment(self) -> dict[str, str]:
        """Return the environment of a step."""
        return {**super().environment(), **self.variables}


def main(demo: Path) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="bench-pull-request-") as name, registry(demo):
        folder = Path(name)
        with githost(folder / "gitea") as host:
            work = hosted(demo, folder / "work", host)
            found = [timed(demo, work, host, f"{BRANCH}-{run}") for run in range(RUNS)]
    figures = {key: round(statistics.median(run[key] for run in found), 2) for key in found[0]}
    print(json.dumps({**figures, "push_to_pass_s": round(sum(figures.values()), 2)}))


@contextmanager
def registry(demo: Path) -> Iterator[None]:
    """Have the demo's image registry answer."""
    shell = Shell(demo)
    shell(*LOCAL, "services", "--only", "registry", show=False)
    try:
        yield
    finally:
        shell(*LOCAL, "services-stop", show=False)


def hosted(demo: Path, work: Path, host: GitHost) -> Shell:
    """Return a work tree whose main, as of before the promotion, is on the Git host."""
    populate(host)
    made = {"name": REPOSITORY.rpartition("/")[2], "default_branch": "main"}
    host.told("root-admin", "POST", f"orgs/{ORG}/repos", made)
    subprocess.run(["git", "clone", "--quiet", demo, work], check=True)
    shell = Shell(work)
    for key, value in PEOPLE.items():
        shell("git", "config", key, value, show=False)
    shell("git", "reset", "--quiet", "--hard", f"{promotion(demo)}~1", show=False)
    file = work / "delivery.yaml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("repository:")]
    lines += [
        f"host: {{kind: gitea, api: {host.api}}}",
        f"repository: {host.url}/{REPOSITORY}.git",
    ]
    file.write_text("\n".join([*lines, ""]))
    shell("git", "commit", "--quiet", "--all", "--message", "Say which host it is on", show=False)
    shell("git", "remote", "set-url", "origin", host.address(ROBOT, REPOSITORY), show=False)
    shell("git", "push", "--quiet", "origin", "main", show=False)
    until = time.monotonic() + TAKEN_IN_S
    while host.told(ROBOT, "GET", f"repos/{REPOSITORY}")["empty"]:
        assert time.monotonic() < until, "Gitea did not take in the push"
        time.sleep(0.1)
    return shell


def timed(demo: Path, work: Shell, host: GitHost, branch: str) -> dict[str, float]:
    """Return the seconds of each part of one pull request's check, on a runner of its own."""
    work("git", "switch", "--quiet", "--create", branch, "main", show=False)
    work("git", "cherry-pick", promotion(demo), show=False)
    head = work("git", "rev-parse", "HEAD", show=False).strip()
    with runner(demo, host) as clone:
        began = time.monotonic()
        work("git", "push", "--quiet", "origin", branch, show=False)
        clone("git", "fetch", "--quiet", "origin", head, show=False)
        seconds = {"push_and_fetch_s": time.monotonic() - began}
        number = opened(host, branch)
        for key, words in JOBS.items():
            began = time.monotonic()
            told = [word.format(head=head, number=number) for word in words]
            out = clone(*told, show=False)
            seconds[key] = time.monotonic() - began
            print(f"{seconds[key]:6.2f} s  {' '.join(told)}", flush=True)
            if key == "evidence_s":
                (clone.folder / "scored.json").write_text(out)
    return seconds


def opened(host: GitHost, branch: str) -> int:
    """Return the number of a new pull request that was approved."""
    wanted = {"head": branch, "base": "main", "title": branch}
    number: int = host.told(ROBOT, "POST", f"repos/{REPOSITORY}/pulls", wanted)["number"]
    review = {"event": "APPROVED", "body": "Yes."}
    for user in (ADA, BEN):  # as many as prod asks for
        host.told(user, "POST", f"repos/{REPOSITORY}/pulls/{number}/reviews", review)
    return number


@contextmanager
def runner(demo: Path, host: GitHost) -> Iterator[Runner]:
    """Yield a shell on a new clone without blobs, where no image is yet."""
    address = yaml.safe_load((demo / "delivery.yaml").read_text())["registry"].partition("/")[0]
    # The path is short, as podman wants it: see tests.delivery.containers.
    with tempfile.TemporaryDirectory(prefix="dlv-", dir="/tmp") as name:
        folder, clone = Path(name), Path(name, "clone")
        origin = host.address(ROBOT, REPOSITORY)
        words = ["git", "clone", "--quiet", "--filter=blob:none", origin, str(clone)]
        subprocess.run(words, check=True)
        (clone / ".venv").symlink_to(demo / ".venv")
        own = {"GITEA_TOKEN": host.tokens[ROBOT], **settings(folder, address)}
        try:
            yield Runner(clone, own)
        finally:
            clear({**os.environ, **own}, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo").resolve())
