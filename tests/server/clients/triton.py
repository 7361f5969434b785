"""Ask a server by tritonclient: `python triton.py HOST:PORT MODEL < rows.json`, answers as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from tritonclient.http import (
    InferenceServerClient,
    InferInput,
    InferRequestedOutput,
    InferResult,
)
from tritonclient.utils import InferenceServerException

ADDRESS, MODEL = sys.argv[1:]
rows = np.array(json.load(sys.stdin))
client = InferenceServerClient(ADDRESS)


def infer(datatype: str, is_binary: bool, **more: Any) -> InferResult:
    """Return the answer to all rows."""
    tensor = InferInput("features", list(rows.shape), datatype)
    tensor.set_data_from_numpy(
        rows.astype({"FP64": np.float64, "FP32": np.float32}[datatype]), binary_data=is_binary
    )
    return client.infer(MODEL, [tensor], request_id="a", **more)


def refusal(**more: Any) -> str:
    """Return what the server says to a request that it does not answer."""
    try:
        infer(**more)
    except InferenceServerException as error:
        return f"{error.status()}: {error.message()}"
    return "answered"


asked = {
    name: [InferRequestedOutput("probability", binary_data=is_binary)]
    for name, is_binary in (("binary", True), ("json", False))
}
default = infer("FP64", is_binary=True)
answers = {
    "default": default,
    "binary": infer("FP64", is_binary=True, outputs=asked["binary"]),
    "json": infer("FP64", is_binary=False, outputs=asked["json"]),
}
json.dump(
    {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(MODEL),
        "other_ready": client.is_model_ready("other"),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata(MODEL),
        "answered": default.get_response()["model_name"],
        "id": default.get_response()["id"],
        "probabilities": {
            name: answer.as_numpy("probability").tolist() for name, answer in answers.items()
        },
        "wrong_type": refusal(datatype="FP32", is_binary=True),
        "wrong_output": refusal(
            datatype="FP64", is_binary=True, outputs=[InferRequestedOutput("other")]
        ),
    },
    sys.stdout,
)
