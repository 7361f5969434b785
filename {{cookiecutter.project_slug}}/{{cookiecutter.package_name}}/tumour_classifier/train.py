"""Fit the classifier: scaled features, logistic regression with an L2 penalty."""

from __future__ import annotations

import tomllib
from pathlib import Path

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..contract import Output, Signature, Training
from .data import UNITS, training
from .evaluate import cross_validate

PARAMETERS = Path(__file__).with_name("parameters.toml")


def train() -> Training:
    """Return the model that the parameters describe, fitted to the training rows."""
    parameters = tomllib.loads(PARAMETERS.read_text())
    rows = training()
    return Training(
        payload=build(parameters).fit(rows.X, rows.y),
        signature=Signature(
            task="binary-classification",
            columns=rows.ranges(UNITS),
            output=Output("probability", unit="1", low=0.0, high=1.0),
        ),
        rows=rows,
        metrics=cross_validate(build(parameters), rows),
        parameters=parameters,
    )


def build(parameters: dict[str, float]) -> Pipeline:
    """Return the model, not yet fitted; raises KeyError for a parameter that lacks."""
    return make_pipeline(
        StandardScaler(),
        LogisticRegression(
            C=parameters["inverse_regularisation"],
            max_iter=parameters["max_iterations"],
        ),
    )
