"""What a model answers that was made a moment ago: the repository's server, on a model folder.

The gate scores images; this is how `deliver train` learns what it is about to register.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..app import SERVER, App
from ..errors import Refused
from ..gate.metrics import Floats
from ..gate.scoring import ScoringError, predict
from .bounded import run_bounded
from .container import answer_bytes, read_ending
from .contract import Identity, ModelFiles, served_payload
from .environment import CHILD_ENV

SCORE_TIMEOUT_S = 600
SPARE_BYTES = 1 << 20
UNTRUSTED = "UntrustedTypesFoundException"
"""What skops raises, and the server repeats, before it makes anything of an unknown type."""


@dataclass(frozen=True)
class ServerScorer:
    """A scorer that runs the repository's server on a model folder, by a Python that loads it."""

    root: Path
    python: Path
    folder: Path
    timeout_s: float = SCORE_TIMEOUT_S

    def answers(self, image: str, requests: bytes) -> bytes:
        """Return what the server's scoring entry wrote; `image` is not looked at."""
        done = run_bounded(
            [self.python, "-m", SERVER.replace("/", "."), "score"],
            requests,
            timeout_s=self.timeout_s,
            output_bytes=answer_bytes(requests, self.model(image)) + SPARE_BYTES,
            cwd=self.root,
            env={**CHILD_ENV, "MODEL_DIR": str(self.folder)},
        )
        return read_ending(done, self.timeout_s)

    def model(self, image: str) -> dict[str, bytes]:  # noqa: ARG002 - a Scorer's
        """Return the files of the model folder; `image` is not looked at."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


def answers_of(
    root: Path, app: App, model: ModelFiles, python: Path, ids: Sequence[str], features: Floats
) -> Floats:
    """Return a model's answers by the server's scoring entry: finite, (n,) or (n, K) float64.

    features: (n, columns). Raises ScoringError for answers that cannot be judged, Refused
    (`payload-not-trusted`) for a payload with types that skops does not make unasked.
    """
    with tempfile.TemporaryDirectory(prefix="deliver-answers-") as name:
        folder = Path(name)
        model.write(folder, _identity(app, model))
        scorer = ServerScorer(root, python, folder)
        try:
            return predict(scorer, app.name, model.signature, model.digest, ids, features)
        except ScoringError as err:
            if UNTRUSTED in err.seen:
                raise _not_trusted(app, err) from err
            raise


def _identity(app: App, model: ModelFiles) -> Identity:
    """Return who a model is before MLflow gave it a version.

    A pickle is loaded whether the app allows it to be served or not: training ran its code.
    """
    payload = served_payload(app.file, model.payload_file)
    return Identity(
        name=app.name,
        version="0",
        run="",
        commit=app.snapshot.commit,
        digest=model.digest,
        payload=payload.model_copy(update={"allowed": payload.format == "pickle"}),
    )


def _not_trusted(app: App, err: ScoringError) -> Refused:
    return Refused(
        "payload-not-trusted",
        f"{app.file.payload.file} of {app.name} was not loaded. {err.seen}",
        "skops makes only types that it knows to be harmless, and those that app.yaml names.",
        f"see that these types may be trusted, and name them in {app.folder}/app.yaml as "
        "`payload.trusted`; or have `train` write something else",
    )
