"""The same ONNX model behind FastAPI and pydantic, as one writes it by hand in an afternoon.

MODEL names the ONNX file. Open Inference Protocol, one input; no metrics, no logs, no limits.
"""

from __future__ import annotations

import os
from typing import Literal

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, FiniteFloat

DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


class Input(BaseModel):
    """The one tensor of a request."""

    name: Literal["features"]
    datatype: Literal["FP64"]
    shape: tuple[int, int]
    data: list[FiniteFloat]


class Request(BaseModel):
    """An inference request."""

    id: str | None = None
    inputs: tuple[Input]


class Output(BaseModel):
    """The one tensor of an answer."""

    name: str
    datatype: str
    shape: list[int]
    data: list[float]


class Answer(BaseModel):
    """An inference answer."""

    model_name: str
    id: str | None
    outputs: list[Output]


options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options)
given = session.get_inputs()[0]
probabilities = session.get_outputs()[1].name
app = FastAPI()


@app.post("/v2/models/tumour-classifier/infer")
async def infer(request: Request) -> Answer:
    """Return the probability of the positive class for each row."""
    tensor = request.inputs[0]
    try:
        rows = np.array(tensor.data, dtype=DTYPES[given.type]).reshape(tensor.shape)
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    (answered,) = session.run([probabilities], {given.name: rows})
    numbers = answered[:, 1].astype(np.float64).tolist()
    output = Output(name="probability", datatype="FP64", shape=[len(numbers)], data=numbers)
    return Answer(model_name="tumour-classifier", id=request.id, outputs=[output])
