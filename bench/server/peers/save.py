"""Save the trained model as others want it: `python save.py FOLDER`, in mlflow.lock's environment.

FOLDER has `train/model.skops`, `model.onnx` and `holdout/`; then also `mlflow/`, `mlflow-tensor/`,
`mlflow-onnx/`, `mlserver/`, and `rows.json`: the hold-out's rows and scikit-learn's answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import mlflow.onnx
import mlflow.sklearn
import onnx
import pandas as pd
import skops.io
from mlflow.models import infer_signature


def main(folder: Path) -> None:
    """Write every folder."""
    estimator = skops.io.load(folder / "train/model.skops")
    rows = pd.read_csv(folder / "holdout/features.csv", index_col="row_id")
    probabilities = estimator.predict_proba(rows.to_numpy())
    given = {"columns": list(rows.columns), "rows": rows.to_numpy().tolist()}
    answered = {**given, "probabilities": probabilities[:, 1].tolist()}
    (folder / "rows.json").write_text(json.dumps(answered))
    (folder / "mlserver").mkdir()
    joblib.dump(estimator, folder / "mlserver/model.joblib")
    _mlflow(folder, estimator, rows, probabilities)


def _mlflow(folder: Path, estimator: Any, rows: pd.DataFrame, answers: Any) -> None:
    """Save it with named columns, as a bare tensor, and the ONNX graph of a bare tensor."""
    named, bare = infer_signature(rows, answers), infer_signature(rows.to_numpy(), answers)
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
    graph = onnx.load(str(folder / "model.onnx"))
    given = graph.graph.input[0].type.tensor_type.elem_type
    X = rows.to_numpy(onnx.helper.tensor_dtype_to_np_dtype(given))
    mlflow.onnx.save_model(
        graph, folder / "mlflow-onnx", signature=infer_signature(X), pip_requirements=[]
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
