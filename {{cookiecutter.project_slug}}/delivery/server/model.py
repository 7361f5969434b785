"""A model folder, loaded: whatever its format, it answers through one `predict`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from .folder import ModelError, ModelFolder
from .loaders import Predict, load_payload
from .protocol import Answer, Floats, OutputTensor, Request, check_outputs, features, row_ids


class Model:
    """A loaded model: its identity, its signature, and its answers."""

    def __init__(self, folder: ModelFolder, predict: Predict) -> None:
        self.identity = folder.identity
        self.signature = folder.signature
        self.input = self.signature.inputs[0]
        self.output = self.signature.outputs[0]
        self._predict = predict
        # What every answer says about who gave it.
        self.named = {"model_digest": self.identity.digest}
        if os.environ.get("RELEASE_ID"):
            self.named["release"] = os.environ["RELEASE_ID"]

    @classmethod
    def load(cls, path: Path) -> Model:
        """Return the model in a folder, after it has answered one row; raises ModelError."""
        folder = ModelFolder.read(path)
        payload = folder.identity.payload
        loaded = load_payload(path / payload.file, payload, folder.signature.task)
        model = cls(folder, loaded)
        # The first answer is slow and may show a broken payload: better now than to a caller.
        model.predict(np.array([[column.low for column in model.input.columns]]))
        return model

    def predict(self, rows: Floats) -> Floats:
        """Return a number a row, or one for each class, finite or not.

        rows: (n, columns) float64; returns (n,) or (n, K) float64; raises ModelError if the payload
        fails.
        """
        try:
            numbers = np.asarray(self._predict(rows), dtype=np.float64)
        except Exception as error:  # whatever a payload's library may raise
            raise ModelError(f"the model failed: {type(error).__name__}: {error}") from error
        expected = [len(rows), *self.output.shape[1:]]
        if list(numbers.shape) != expected:
            raise ModelError(f"the model answered shape {list(numbers.shape)}, expected {expected}")
        return numbers

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request; raises RequestError or ModelError."""
        rows = features(request, self.input.name, self.input.datatype, len(self.input.columns))
        check_outputs(request, self.output.name)
        ids = row_ids(request, len(rows))
        numbers = self.predict(rows)
        named: dict[str, object] = {} if ids is None else {"row_ids": ids}
        return Answer(
            model_name=self.identity.name,
            model_version=self.identity.version,
            parameters={**named, **self.named},
            outputs=[
                OutputTensor(
                    self.output.name,
                    self.output.datatype,
                    list(numbers.shape),
                    numbers.ravel().tolist(),
                )
            ],
            id=request.id,
        )
