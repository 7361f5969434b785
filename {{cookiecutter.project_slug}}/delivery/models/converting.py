"""From what training wrote to what will be served: converted to ONNX, or as it is, and why.

Nothing that a converter does is believed. It runs by process, in an environment of its own, and
what it made is used only where its answers are those of what training wrote.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..app import CONVERSION, App, format_of
from ..console import Say
from ..errors import Refused
from ..gate.holdout import Rows
from ..gate.metrics import Floats
from ..gate.scoring import ScoringError, printable
from ..policy import Task
from .answering import answers_of
from .bounded import Bounded, run_bounded
from .contract import LOCK, ONNX_FILE, ModelFiles, ServedPayload
from .environment import CHILD_ENV, app_python
from .parity import Parity, compare, drawn_rows

TIMEOUT_S = 900
OUTPUT_BYTES = 1 << 20
GRAPH_BYTES = 1 << 30
DATATYPES = ("float64", "float32")
"""Of the graph's input, in the order of trial: linear models are exact in the first, and trees,
whose thresholds scikit-learn compares with float32, in the second."""

Kind = Literal["onnx float64", "onnx float32", "onnx as trained", "native"]


@dataclass(frozen=True)
class Conversion:
    """What became of a payload, and the reason in words."""

    kind: Kind
    reason: str


@dataclass(frozen=True)
class Served:
    """The model that will be served, what became of its payload, its answers to the hold-out."""

    model: ModelFiles
    conversion: Conversion
    answers: Floats


@dataclass(frozen=True)
class Converter:
    """What turns the payloads of one app into ONNX: the app, its package, where its sources are."""

    root: Path
    package: str
    app: App
    rows: Rows
    timeout_s: float = TIMEOUT_S

    def served(self, made: ModelFiles, say: Say) -> Served:
        """Return what to serve of what training made.

        Raises ScoringError where that answers nothing that can be judged, and Refused
        (`conversion-failed`) where it did not convert and may not be served as it is.
        """
        if self.app.file.payload.format == "onnx":
            reason = "training wrote ONNX"
            return self._as_it_is(made, self._onnx_python(), "onnx as trained", reason)
        python = app_python(self.root, self.app.name, self.app.lock())
        if not self.app.converts:
            return self._as_it_is(made, python, "native", "app.yaml says `serve: native`")
        found = self._converted(made, python, say)
        if isinstance(found, Served):
            return found
        require_allowed(self.app, made.payload_file, found)
        say(f"{self.app.name}: stays in {self.app.file.payload.format}: {found}")
        return self._as_it_is(made, python, "native", found)

    def _as_it_is(self, made: ModelFiles, python: Path, kind: Kind, reason: str) -> Served:
        answers = self._answers(made, python, self.rows.features)
        return Served(made, Conversion(kind, reason), answers)

    def _converted(self, made: ModelFiles, python: Path, say: Say) -> Served | str:
        """Return the best conversion, or why there is none."""
        asked, ours = self._asked(made, python)
        fit: list[tuple[Parity, Served]] = []
        reasons: dict[str, list[str]] = {}
        for datatype in DATATYPES:
            say(f"{self.app.name}: converting to ONNX, {datatype}")
            found = self._try(made, datatype, asked, ours)
            if isinstance(found, str):
                reasons.setdefault(found, []).append(datatype)
                continue
            fit.append(found)
            if not found[0].drawn:
                break
        if not fit:
            return "; ".join(f"{' and '.join(kinds)}: {why}" for why, kinds in reasons.items())
        return min(fit, key=lambda pair: pair[0].drawn)[1]

    def _asked(self, made: ModelFiles, python: Path) -> tuple[Floats, Floats]:
        """Return the rows to ask, those of the hold-out first, and the payload's own answers."""
        held = self.rows.features
        more = np.concatenate([held, drawn_rows(held)])
        try:
            return more, self._answers(made, python, more)
        except ScoringError:  # maybe not for the hold-out, which alone has to be answered
            return held, self._answers(made, python, held)

    def _try(
        self, made: ModelFiles, datatype: str, asked: Floats, ours: Floats
    ) -> tuple[Parity, Served] | str:
        """Return a conversion that agrees with what it was made of, or why there is none."""
        graph = self._graph(made, datatype)
        if isinstance(graph, str):
            return graph
        files = {name: data for name, data in made.files.items() if name != made.payload_file}
        files |= {ONNX_FILE: graph, LOCK: self.app.engine_lock()}
        model = ModelFiles(files, made.signature)
        try:
            theirs = self._answers(model, self._onnx_python(), asked)
        except ScoringError as err:
            return f"the converted model gives no usable answers: {err.seen}"
        limit = self.app.file.tolerance
        parity = compare(self.app.file.task, self.rows, ours, theirs, limit)
        objection = parity.objection(limit)
        if objection is not None:
            return objection
        kind: Kind = "onnx float64" if datatype == "float64" else "onnx float32"
        drawn = len(asked) - len(self.rows.ids)
        conversion = Conversion(kind, _said(self.app.file.task, parity, drawn))
        return parity, Served(model, conversion, theirs[: len(self.rows.ids)])

    def _graph(self, made: ModelFiles, datatype: str) -> bytes | str:
        """Return what the converter wrote, or why it wrote nothing."""
        python = app_python(self.root, self.app.name, self.app.conversion_lock())
        with tempfile.TemporaryDirectory(prefix="deliver-convert-") as name:
            payload, out = Path(name, made.payload_file), Path(name, "out.onnx")
            payload.write_bytes(made.files[made.payload_file])
            done = run_bounded(
                [
                    python,
                    "-m",
                    CONVERSION.replace("/", "."),
                    *self._words(made, datatype, payload, out),
                ],
                b"",
                timeout_s=self.timeout_s,
                output_bytes=OUTPUT_BYTES,
                cwd=self.root,
                env=CHILD_ENV,
            )
            failed = _failure(done, self.timeout_s)
            if failed is not None:
                return failed
            if out.is_symlink() or not out.is_file() or not 0 < out.stat().st_size <= GRAPH_BYTES:
                return "the converter wrote no graph"
            return out.read_bytes()

    def _words(self, made: ModelFiles, datatype: str, payload: Path, out: Path) -> list[str]:
        file = self.app.file
        words = ["--payload", str(payload), "--format", file.payload.format]
        words += ["--columns", str(len(made.signature.names)), "--datatype", datatype]
        words += ["--out", str(out), *(f"--trusted={name}" for name in file.payload.trusted)]
        by = f"{self.package}/{file.module}/convert.py"
        if by in self.app.snapshot.entries:
            words += ["--by", by.removesuffix(".py").replace("/", ".")]
        return words

    def _answers(self, model: ModelFiles, python: Path, features: Floats) -> Floats:
        ids = [*self.rows.ids, *(f"drawn {n}" for n in range(len(features) - len(self.rows.ids)))]
        return answers_of(self.root, self.app, model, python, ids, features)

    def _onnx_python(self) -> Path:
        return app_python(self.root, self.app.name, self.app.onnx_lock())


def require_allowed(app: App, file: str, why: str | None = None) -> None:
    """Raise Refused where a payload runs code on loading and app.yaml does not allow to serve it.

    Its code is `conversion-failed` where a reason is given why it did not convert, else
    `payload-runs-code`.
    """
    if format_of(file) != "pickle" or "pickle" in app.file.allow:
        return
    reason = "" if why is None else f"; it did not convert: {printable(why).rstrip('.')}"
    raise Refused(
        "payload-runs-code" if why is None else "conversion-failed",
        f"{file} of {app.name} would be served as it is, and loading a pickle runs code{reason}.",
        "A format that runs code on loading is served only where app.yaml allows it by name.",
        "have `train` write skops, or write `allow: [pickle]` into app.yaml (docs/conversion.md)",
    )


def require_carried(app: App, payload: ServedPayload) -> None:
    """Raise Refused where an image loads its payload by more than app.yaml allows now.

    It says so in its model.json, which no digest of the model covers: `payload-runs-code`,
    `payload-not-trusted`.
    """
    require_allowed(app, payload.file)
    more = sorted({*payload.trusted} - {*app.file.payload.trusted})
    if more:
        raise Refused(
            "payload-not-trusted",
            f"the image of {app.name} trusts {', '.join(more)}, and app.yaml does not.",
            "skops makes only types that it knows to be harmless, and those that app.yaml names.",
            f"build it again; or name them in {app.folder}/app.yaml as `payload.trusted`",
        )


def _failure(done: Bounded, timeout_s: float) -> str | None:
    """Return how a converter failed, None where it ended well."""
    if done.ending == "timeout":
        return f"the converter did not end within {timeout_s:g} s"
    if done.ending == "too-long":
        return f"the converter wrote more than {OUTPUT_BYTES} bytes of text"
    if done.ending == "exit" and done.code < 0:
        return f"the converter was ended by signal {-done.code}"
    if done.ending == "exit" and done.code == 0:
        return None
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return f"the converter failed: {printable(last)}"


def _said(task: Task, parity: Parity, drawn: int) -> str:
    text = f"answers to the hold-out within {parity.difference:.2g} of the largest"
    text = text if task == "regression" else f"labels equal, {text}"
    if not drawn:
        return f"{text}; rows drawn from its values have no answer"
    return f"{text}; of {drawn} rows drawn from its values, {parity.drawn} are further apart"
