"""What turns a model into ONNX: scikit-learn's converter, or a function of the app's own."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Literal

Datatype = Literal["float64", "float32"]
Converter = Callable[[Any, int, Datatype], bytes]
"""Takes a model, how many columns its input has, and that input's type; returns the graph."""

INPUT = "features"
GRAPH = "model"
"""skl2onnx would make up a name for each graph: equal models are to have equal bytes."""


def converter(by: str | None) -> Converter:
    """Return `to_onnx` of a module, scikit-learn's converter where none is named."""
    if by is None:
        return scikit_learn
    found: Converter = importlib.import_module(by).to_onnx
    return found


def scikit_learn(model: Any, columns: int, datatype: Datatype) -> bytes:
    """Return the graph of a fitted estimator: `features` (n, columns) in, its answers out.

    A classifier's answers are an array of probabilities, (n, classes), in place of skl2onnx's
    default, a dictionary a row.
    """
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    from sklearn.base import is_classifier

    kind = {"float64": DoubleTensorType, "float32": FloatTensorType}[datatype]
    graph = convert_sklearn(
        model,
        name=GRAPH,
        initial_types=[(INPUT, kind([None, columns]))],
        options={id(model): {"zipmap": False}} if is_classifier(model) else None,
    )
    data: bytes = graph.SerializeToString(deterministic=True)
    return data
