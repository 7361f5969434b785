"""Container programs behind one interface: docker, podman, buildah.

All are called by their own command line. What one machine needs beyond that (runtime, storage,
registries without TLS) stands in files that `.env` names, never here.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import DeliveryError, Refused, Unknown
from ..process import Result, run, tail

Program = Literal["docker", "podman", "buildah"]
BUILDERS: tuple[Program, ...] = ("docker", "podman", "buildah")
RUNNERS: tuple[Program, ...] = ("docker", "podman")
CHOICE = "DELIVER_ENGINE"

BUILD_TIMEOUT_S = 3600
TRANSFER_TIMEOUT_S = 900

LAST_SIGNS = 240

GONE = ("manifest unknown", "not found", "name unknown", "unknown blob", "no such image")
SILENT = (
    "connection refused",
    "no such host",
    "i/o timeout",
    "context deadline exceeded",
    "server gave http response to https client",
    "connection reset",
    "network is unreachable",
    "certificate",
)


@dataclass(frozen=True)
class Engine:
    """One container program of this machine that answers."""

    program: Program

    def build(
        self, context: Path, base: str, labels: Mapping[str, str], secrets: Mapping[str, Path]
    ) -> str:
        """Return the id of the image that the context's Dockerfile gives.

        Equal contexts on equal bases give equal images: the clock stands at 0 in all of them. (With
        docker only the image's own times do; its layers keep those of the files that are written.)
        Raises Refused (`build-failed`).
        """
        with tempfile.TemporaryDirectory() as folder:
            id_file = Path(folder, "id")
            words = ["build", "--file", str(context / "Dockerfile"), "--iidfile", str(id_file)]
            words += ["--build-arg", f"BASE={base}"]
            words += [w for k, v in labels.items() for w in ("--label", f"{k}={v}")]
            words += [w for k, v in secrets.items() for w in ("--secret", f"id={k},src={v}")]
            if self.program != "docker":
                words += ["--timestamp", "0", "--layers"]
            done = self._call(*words, str(context), timeout_s=BUILD_TIMEOUT_S)
            if done.code != 0:
                raise _build_failed(done)
            return id_file.read_text(encoding="utf-8").strip()

    def push(self, image: str, repository: str) -> str:
        """Return `repository@sha256:…`, the digest by which the registry now has an image.

        It also gets a tag named after that digest, so that no registry's cleanup takes it away.
        """
        digest = self._push(image, f"{repository}:build-{image.removeprefix('sha256:')[:12]}")
        again = self._push(image, f"{repository}:{immutable_tag(digest)}")
        if again != digest:
            raise unreachable(repository, f"it reported {digest[:19]}…, then {again[:19]}…")
        return f"{repository}@{digest}"

    def pull(self, image: str) -> None:
        """Bring an image here by its digest, unless it is here.

        Raises Refused (`image-gone`), Unknown (`registry-unreachable`).
        """
        if self._has(image):
            return
        done = self._call("pull", "--quiet", *self._plain(image), image)
        if done.code != 0:
            raise _transfer_failed(image, done)

    def labels(self, image: str) -> dict[str, str]:
        """Return an image's labels; it has to be here."""
        return dict(self._settings(image).get("Labels") or {})

    def variables(self, image: str) -> dict[str, str]:
        """Return the environment that an image sets; it has to be here."""
        return dict(pair.split("=", 1) for pair in self._settings(image).get("Env") or ())

    def image_digest(self, image: str) -> str:
        """Return `sha256:…` of an image by any name: the name's own digest, else the image's id."""
        if "@sha256:" in image:
            return image.rsplit("@", 1)[1]
        self.pull(image)
        found = self._inspect(image)
        identity = str(found["FromImageID"] if self.program == "buildah" else found["Id"])
        return identity if identity.startswith("sha256:") else f"sha256:{identity}"

    def _push(self, image: str, name: str) -> str:
        if self.program == "docker":
            return self._docker_push(image, name)
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder, "digest")
            words = ["push", "--quiet", *self._plain(name), "--digestfile", str(written)]
            done = self._call(*words, image, f"docker://{name}")
            if done.code != 0:
                raise _transfer_failed(name, done)
            return written.read_text(encoding="utf-8").strip()

    def _docker_push(self, image: str, name: str) -> str:
        self._call("tag", image, name)
        done = self._call("push", "--quiet", name)
        if done.code != 0:
            raise _transfer_failed(name, done)
        repository = name.rsplit(":", 1)[0]
        known = self._inspect(name).get("RepoDigests") or []
        ours = [d.rsplit("@", 1)[1] for d in known if d.rsplit("@", 1)[0] == repository]
        if not ours:
            raise unreachable(name, "docker knows no digest of what it pushed")
        return str(ours[-1])

    def _settings(self, image: str) -> dict[str, Any]:
        found = self._inspect(image)
        return dict(found["OCIv1"]["config"] if self.program == "buildah" else found["Config"])

    def _has(self, image: str) -> bool:
        return self._call(*self._inspect_words(image), timeout_s=60).code == 0

    def _inspect(self, image: str) -> dict[str, Any]:
        done = self._call(*self._inspect_words(image), timeout_s=60)
        if done.code != 0:
            raise _gone(image)
        found = json.loads(done.stdout)
        return dict(found[0] if isinstance(found, list) else found)

    def _inspect_words(self, image: str) -> list[str]:
        kind = ["--type", "image"] if self.program == "buildah" else []
        first = ["inspect"] if self.program == "buildah" else ["image", "inspect"]
        return [*first, *kind, image]

    def _plain(self, image: str) -> list[str]:
        """Return the flag for registries on this machine, which docker takes without TLS anyway."""
        local = self.program != "docker" and is_loopback(image)
        return ["--tls-verify=false"] if local else []

    def _call(self, *words: str, timeout_s: float = TRANSFER_TIMEOUT_S) -> Result:
        # The first two are BuildKit's: times of the image, and no attestation, which holds clocks.
        env = {"SOURCE_DATE_EPOCH": "0", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        added = env if self.program == "docker" else {}
        return run(self.program, *words, check=False, timeout_s=timeout_s, env=added)


def find_engine(purpose: Literal["build", "score"]) -> Engine:
    """Return the first container program that answers; DELIVER_ENGINE names another order.

    buildah builds and pushes but starts no containers under limits, so it cannot score. Raises
    Unknown (`no-container-engine`).
    """
    able = BUILDERS if purpose == "build" else RUNNERS
    chosen = os.environ.get(CHOICE)
    for program in able:
        if chosen in (None, "", program) and _answers(program):
            return Engine(program)
    tried = f"{CHOICE} asks for {chosen}, which does not" if chosen else f"none of {_words(able)}"
    raise Unknown(
        "no-container-engine",
        f"{tried} answer{'' if chosen else 's'} on this machine.",
        "Images are built by one of docker, podman, buildah, and scored by docker or podman.",
        f"unset {CHOICE}, or set it to one of {_words(able)}"
        if chosen
        else "install podman, or start docker's daemon, and call again",
    )


def _words(programs: Iterable[str]) -> str:
    return ", ".join(programs)


def immutable_tag(digest: str) -> str:
    """Return the tag that goes with a digest and is never moved."""
    return f"sha256-{digest.removeprefix('sha256:')[:12]}"


def registry_host(image: str) -> str:
    """Return `host` or `host:port` of the registry that an image's name begins with."""
    return image.partition("/")[0]


def is_loopback(image: str) -> bool:
    """Return whether an image's registry is on this machine."""
    host = registry_host(image).rsplit(":", 1)[0]
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _answers(program: Program) -> bool:
    if shutil.which(program) is None:
        return False
    words = ["version", "--format", "{{.Server.Version}}"] if program == "docker" else ["version"]
    try:
        return run(program, *words, check=False, timeout_s=20).code == 0
    except DeliveryError:
        return False


def _transfer_failed(image: str, done: Result) -> DeliveryError:
    text = tail(done.stderr or done.text)
    lower = text.lower()
    if any(sign in lower for sign in SILENT):
        return unreachable(image, _last(text))
    if any(sign in lower for sign in GONE):
        return _gone(image)
    return unreachable(image, _last(text))


def _last(text: str) -> str:
    line = text.splitlines()[-1] if text else "it said nothing"
    return line if len(line) <= LAST_SIGNS else f"…{line[-LAST_SIGNS:]}"


def unreachable(image: str, what: str) -> Unknown:
    """Return the error for a registry that does not do as asked."""
    local = "run `make services`, which starts it, and call again"
    return Unknown(
        "registry-unreachable",
        f"the image registry {registry_host(image)} did not do as asked: {what}",
        "Images are kept in the registry that delivery.yaml names.",
        local if is_loopback(image) else "see that it runs and that you are logged in, call again",
    )


def _gone(image: str) -> Refused:
    return Refused(
        "image-gone",
        f"{image} is not in its registry.",
        "What a release pins has to be there for as long as it may run.",
        "restore the image from a backup, or build and release the model again",
    )


def _build_failed(done: Result) -> Refused:
    return Refused(
        "build-failed",
        f"the image could not be built: {tail(done.stderr or done.text)}",
        "Nothing is pushed unless every step of the Dockerfile succeeds.",
        "read the last lines above, mend their cause, call again",
    )
