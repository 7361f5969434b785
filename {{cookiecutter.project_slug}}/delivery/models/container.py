"""Scoring an image: run without network, credentials, privileges or a writable root."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import Refused, Unknown
from ..gate.scoring import ROWS_PER_REQUEST, ScoringError, printable
from ..policy import MEMORY_MB
from ..process import run
from .bounded import Bounded, run_bounded
from .contract import SIGNATURE, Signature, parse
from .engine import Engine, find_engine
from .session import Session

PROTOCOLS = frozenset({"1"})
"""Scoring protocols that this judge understands: every one there has been."""

LABEL = "io.deliver.scoring"
MODEL_FOLDER = "/model"
ISOLATION = (
    "--network=none",
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    f"--memory={MEMORY_MB}m",
    "--pids-limit=128",
    "--pull=never",
)
# Exit statuses of docker and podman for what they could not do themselves; others are the image's.
ENGINE_FAILED = 125
NUMBER_BYTES = 32
"""More than a float64 and a comma take in JSON."""


@dataclass(frozen=True)
class ContainerScorer:
    """A scorer that runs images by docker or podman.

    Images are named by digest, so a model is copied out of one once. Answers are never kept:
    whether an image repeats them is what the judge asks it a second time for.
    """

    engine: Engine
    timeout_s: float = 300
    spare_bytes: int = 1 << 20
    model_bytes: int = 1 << 30
    _models: dict[str, dict[str, bytes]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def here(cls) -> ContainerScorer:
        """Return the scorer of this machine; raises Unknown (`no-container-engine`)."""
        return cls(find_engine("score"))

    def answers(self, image: str, requests: bytes) -> bytes:
        """Return what the image's scoring entry wrote.

        What writes more than `answer_bytes` and some is stopped. Raises ScoringError for an image
        that misbehaves.
        """
        self._require_protocol(image)
        return self._run(image, requests)

    @contextmanager
    def session(self, image: str) -> Iterator[Session]:
        """Yield the image's scoring entry, waiting for lines; it ends with the context."""
        self._require_protocol(image)
        name = f"deliver-measure-{uuid.uuid4().hex[:12]}"
        words = ["run", "--rm", "--interactive", f"--name={name}", *ISOLATION, image, "score"]
        found = Session(
            [self.engine.program, *words],
            timeout_s=self.timeout_s,
            answer_bytes=lambda line: self._most(image, line),
            pid=lambda: self._pid(name),
            stop=lambda: self._remove(name),
        )
        try:
            yield found
        finally:
            found.close()

    def _pid(self, name: str) -> int:
        words = ["container", "inspect", "--format", "{{.State.Pid}}", name]
        found = run(self.engine.program, *words, check=False, timeout_s=60).text
        return int(found) if found.isdecimal() else 0

    def model(self, image: str) -> dict[str, bytes]:
        """Return the files of the image's model folder, read without starting it."""
        if image not in self._models:
            self._require_protocol(image)
            self._models[image] = self._copy(image)
        return self._models[image]

    def _run(self, image: str, requests: bytes) -> bytes:
        name = f"deliver-score-{uuid.uuid4().hex[:12]}"
        words = ["run", "--rm", "--interactive", f"--name={name}", *ISOLATION, image, "score"]
        done = run_bounded(
            [self.engine.program, *words],
            requests,
            timeout_s=self.timeout_s,
            output_bytes=self._most(image, requests),
            stop=lambda: self._remove(name),
        )
        return read_ending(done, self.timeout_s)

    def _most(self, image: str, requests: bytes) -> int:
        return answer_bytes(requests, self._models.get(image, {})) + self.spare_bytes

    def _copy(self, image: str) -> dict[str, bytes]:
        name = f"deliver-copy-{uuid.uuid4().hex[:12]}"
        program = self.engine.program
        words = [f"--name={name}", "--pull=never", "--network=none"]
        try:
            run(program, "create", *words, image, "score")
            done = run_bounded(
                [program, "cp", f"{name}:{MODEL_FOLDER}", "-"],
                b"",
                timeout_s=self.timeout_s,
                output_bytes=self.model_bytes,
            )
        finally:
            self._remove(name)
        if done.ending != "exit" or done.code != 0:
            raise ScoringError("model-incomplete", f"the image has no folder {MODEL_FOLDER}.")
        return read_tar(done.stdout)

    def _require_protocol(self, image: str) -> None:
        self.engine.pull(image)
        found = self.engine.labels(image).get(LABEL, "none")
        if found not in PROTOCOLS:
            raise ScoringError(
                "scoring-protocol-unknown",
                f"the image's label {LABEL} is {found!r}; known are {', '.join(PROTOCOLS)}.",
            )

    def _remove(self, name: str) -> None:
        # docker kills at once; podman would first wait 10 s for the container to end by itself.
        now = ["--time=0"] if self.engine.program == "podman" else []
        run(self.engine.program, "rm", "--force", *now, name, check=False, timeout_s=60)


def answer_bytes(requests: bytes, files: Mapping[str, bytes]) -> int:
    """Return the most that answers of a model, given by its files, may have: bytes.

    A request holds the features, so an answer of one number a row is shorter; the probabilities of
    classes take more.
    """
    try:
        classes = len(parse(Signature, files[SIGNATURE], SIGNATURE).classes)
    except (KeyError, Refused):
        classes = 0  # it will be named where it is judged
    rows = requests.count(b"\n") * ROWS_PER_REQUEST
    return len(requests) + rows * classes * NUMBER_BYTES


def read_ending(done: Bounded, timeout_s: float) -> bytes:
    """Return the output of a scoring entry that ended well; raises ScoringError, or Unknown."""
    if done.ending == "timeout":
        raise ScoringError("scoring-timeout", f"no end within {timeout_s:g} s.")
    if done.ending == "too-long":
        raise ScoringError("answers-too-long", f"more than {len(done.stdout)} bytes of answers.")
    if done.ending == "interrupt":
        raise ScoringError("scoring-failed", "it was interrupted.")
    last = printable((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    if done.code == ENGINE_FAILED:
        raise Unknown(
            "engine-failed",
            f"the image could not be started: {last}",
            "The judge scores an image by running it.",
            "mend what the container program names (`make machine`), call again",
        )
    if done.code != 0:
        raise ScoringError("scoring-failed", f"exit status {done.code}: {last}")
    return done.stdout


def read_tar(data: bytes) -> dict[str, bytes]:
    """Return the regular files of a folder's archive by their path in it; raises ScoringError."""
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                found = archive.extractfile(member) if member.isfile() else None
                if found is not None:
                    files[member.name.removeprefix("./").partition("/")[2]] = found.read()
                elif not member.isdir():
                    raise ScoringError("model-unexpected-file", f"{member.name} is no plain file.")
    except tarfile.TarError as err:
        raise ScoringError("model-incomplete", f"the model folder is unreadable: {err}.") from err
    return files
