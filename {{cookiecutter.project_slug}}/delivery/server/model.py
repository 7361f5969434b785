"""A model folder, loaded: whatever its format, it answers through one `predict`."""

from __future__ import annotations

import numpy as np

from .folder import ModelError, ModelFolder
from .loaders import Predict, load_payload
from .protocol import Floats


class Model:
    """A loaded model: what it is, and its answers."""

    def __init__(self, folder: ModelFolder, predict: Predict) -> None:
        self.folder = folder
        self._predict = predict
        self._width = list(folder.signature.outputs[0].shape[1:])

    @classmethod
    def load(cls, folder: ModelFolder) -> Model:
        """Return the model in a folder, after it has answered one row; raises ModelError."""
        payload = folder.identity.payload
        loaded = load_payload(folder.path / payload.file, payload, folder.signature.task)
        model = cls(folder, loaded)
        # The first answer is slow and may show a broken payload: better now than to a caller.
        model.predict(np.array([[column.low for column in folder.signature.inputs[0].columns]]))
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
        expected = [len(rows), *self._width]
        if list(numbers.shape) != expected:
            raise ModelError(f"the model answered shape {list(numbers.shape)}, expected {expected}")
        return numbers
