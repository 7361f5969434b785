"""Payloads: a file and its format become a function from rows to answers.

The answers are the positive class's probability, every class's in the order of the labels, or a
value. A library is imported only where its format is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .folder import ModelError, Payload, Task
from .protocol import Floats

Predict = Callable[[Floats], Floats]


def load_payload(path: Path, payload: Payload, task: Task) -> Predict:
    """Return what a payload answers; raises ModelError."""
    if payload.format not in LOADERS:
        known = ", ".join(sorted(LOADERS))
        raise ModelError(f"model.json: payload.format {payload.format!r}, expected one of {known}")
    try:
        return LOADERS[payload.format](path, payload, task)
    except ModelError:
        raise
    except Exception as error:  # a payload's library may raise anything
        raise ModelError(f"{path.name}: {type(error).__name__}: {error}") from error


def _load_onnx(path: Path, _payload: Payload, task: Task) -> Predict:
    """Return the answers of an ONNX graph: of its first output that holds real numbers."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Both keep memory for every number of rows that was ever asked.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    wanted = _providers(ort.get_available_providers())
    if "CUDAExecutionProvider" in wanted:
        ort.preload_dlls()  # CUDA's libraries are packages beside it, where no loader looks
    # By its path: weights in another file are then looked for beside it, where none can be, and
    # not in the working folder.
    session = ort.InferenceSession(path, options, providers=wanted)
    if session.get_providers()[0] != wanted[0]:
        raise ModelError(
            f"ONNX_PROVIDERS: {wanted[0]} is in this onnxruntime and does not start here"
        )
    given, gives = session.get_inputs(), session.get_outputs()
    names = [one.name for one in gives if one.type in REAL][:1]
    if len(given) != 1 or given[0].type not in REAL or not names:
        has = ", ".join(f"{one.name} {one.type}" for one in [*given, *gives])
        raise ModelError(
            f"{path.name}: expected one input and an output of floats or doubles, got {has}"
        )
    run, name, kind = session.run, given[0].name, REAL[given[0].type]

    def answers(rows: Floats) -> Any:
        return run(names, {name: rows.astype(kind, copy=False)})[0]

    return _chosen(answers, task)


def _providers(available: Sequence[str]) -> list[str]:
    """Return where ONNX Runtime has to compute, in order of preference."""
    wanted = os.environ.get("ONNX_PROVIDERS", "CPUExecutionProvider").replace(" ", "").split(",")
    for name in wanted:
        if name not in available:
            has = ", ".join(available)
            raise ModelError(f"ONNX_PROVIDERS: got {name!r}, this onnxruntime has {has}")
    return wanted


def _load_skops(path: Path, payload: Payload, task: Task) -> Predict:
    """Return the answers of an estimator of which every type is known or trusted by name."""
    from skops.io import load

    return _estimator(load(path, trusted=list(payload.trusted)), task)


def _load_pickle(path: Path, payload: Payload, task: Task) -> Predict:
    """Return the answers of a pickled estimator, where the app allows what runs code."""
    import pickle

    if not payload.allowed:
        raise ModelError(
            f"payload-runs-code: {path.name}: a pickle runs code when it is loaded, and model.json "
            "does not allow it; use skops or onnx, or `allow: [pickle]` in app.yaml"
        )
    with path.open("rb") as file:
        return _estimator(pickle.load(file), task)  # noqa: S301  allowed, and pinned by digest


def _estimator(estimator: Any, task: Task) -> Predict:
    answers = estimator.predict if task == "regression" else estimator.predict_proba
    # A copy: some compute in place, and the rows are counted afterwards.
    return _chosen(lambda rows: answers(rows.copy()), task)


def _chosen(answers: Callable[[Floats], Any], task: Task) -> Predict:
    """Return the part of an answer that the task asks for."""
    if task == "multiclass-classification":
        return answers

    columns = 2 if task == "binary-classification" else 1

    def one_a_row(rows: Floats) -> Floats:
        numbers: Floats = answers(rows)
        if numbers.ndim == 1:
            return numbers
        if numbers.shape[1] != columns:
            raise ValueError(f"{numbers.shape[1]} numbers a row for a {task}, expected {columns}")
        return numbers[:, -1]

    return one_a_row


REAL = {"tensor(double)": np.float64, "tensor(float)": np.float32}
LOADERS: dict[str, Callable[[Path, Payload, Task], Predict]] = {
    "onnx": _load_onnx,
    "pickle": _load_pickle,
    "skops": _load_skops,
}
