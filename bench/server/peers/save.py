"""Train the shipped classifier once, and save it as each server wants it: `python save.py FOLDER`.

FOLDER then holds `onnx/`, `native/` (model folders of this repository's server), `mlflow/`,
`mlflow-tensor/`, `mlflow-onnx/`, `mlserver/`, and `rows.json`: hold-out rows, and the probability
that scikit-learn gives each. Runs in the environment of mlflow.lock, with the package of model code
importable as `models`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import mlflow.onnx
import mlflow.sklearn
import numpy as np
import onnx
import pandas as pd
import skops.io
from mlflow.models import infer_signature
from models.tumour_classifier.data import holdout
from models.tumour_classifier.train import train
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

NAME = "tumour-classifier"


def main(folder: Path) -> None:
    """Write every folder."""
    made, rows = train(), holdout()
    estimator, X = made.payload, np.asarray(rows.X)
    probabilities = estimator.predict_proba(X)
    given = {"columns": list(rows.names), "rows": X.tolist()}
    (folder / "rows.json").write_text(
        json.dumps({**given, "probabilities": probabilities[:, 1].tolist()})
    )
    signature = made.signature.as_json()
    onnx_file = _model(folder / "onnx", signature, "onnx")
    types = [("features", FloatTensorType([None, X.shape[1]]))]
    graph = to_onnx(estimator, initial_types=types, options={"zipmap": False}, target_opset=18)
    onnx_file.write_bytes(graph.SerializeToString())
    skops.io.dump(estimator, _model(folder / "native", signature, "skops"))
    (folder / "mlserver").mkdir()
    joblib.dump(estimator, folder / "mlserver/model.joblib")
    _mlflow(folder, estimator, pd.DataFrame(X, columns=list(rows.names)), probabilities)


def _model(folder: Path, signature: dict[str, object], kind: str) -> Path:
    """Write what stands beside a payload, and return where the payload goes."""
    folder.mkdir()
    payload = {"file": f"model.{kind}", "format": kind}
    who = {"name": NAME, "version": "1", "run": "bench", "commit": "0" * 40}
    identity = {**who, "digest": "sha256:" + "0" * 64, "payload": payload}
    (folder / "signature.json").write_text(json.dumps(signature))
    (folder / "model.json").write_text(json.dumps(identity))
    return folder / payload["file"]


def _mlflow(folder: Path, estimator: Any, frame: pd.DataFrame, answers: Any) -> None:
    """Save it with named columns, as a bare tensor, and as the ONNX graph behind named columns."""
    named, bare = infer_signature(frame, answers), infer_signature(frame.to_numpy(), answers)
    for name, signature in (("mlflow", named), ("mlflow-tensor", bare)):
        mlflow.sklearn.save_model(
            estimator,
            folder / name,
            signature=signature,
            pyfunc_predict_fn="predict_proba",
            serialization_format="cloudpickle",
            pip_requirements=[],
        )
    # With named columns mlflow's wrapper can't answer a graph that gives labels and probabilities.
    graph = onnx.load(str(folder / "onnx/model.onnx"))
    given = graph.graph.input[0].type.tensor_type.elem_type
    X = frame.to_numpy(onnx.helper.tensor_dtype_to_np_dtype(given))
    mlflow.onnx.save_model(
        graph, folder / "mlflow-onnx", signature=infer_signature(X), pip_requirements=[]
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
