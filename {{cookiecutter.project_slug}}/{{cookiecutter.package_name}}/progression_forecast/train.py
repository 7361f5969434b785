"""Fit the forecast: scaled features, linear regression with an L2 penalty."""

from __future__ import annotations

import tomllib
from pathlib import Path

from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..contract import Output, Signature, Training
from .data import LABEL_UNIT, UNITS, training
from .evaluate import cross_validate

PARAMETERS = Path(__file__).with_name("parameters.toml")


def train() -> Training:
    """Return the model that the parameters describe, fitted to the training rows."""
    parameters = tomllib.loads(PARAMETERS.read_text())
    rows = training()
    return Training(
        payload=build(parameters).fit(rows.X, rows.y),
        signature=Signature(
            task="regression",
            columns=rows.ranges(UNITS),
            output=Output("prediction", unit=LABEL_UNIT),
        ),
        rows=rows,
        metrics=cross_validate(build(parameters), rows),
        parameters=parameters,
    )


def build(parameters: dict[str, float]) -> Pipeline:
    """Return the model, not yet fitted; raises KeyError for a parameter that lacks."""
    return make_pipeline(StandardScaler(), Ridge(alpha=parameters["regularisation"]))
