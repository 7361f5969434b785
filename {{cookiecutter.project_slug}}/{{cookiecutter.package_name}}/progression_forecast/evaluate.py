"""What training measures on its own rows; the judge measures on others, by its own functions."""

from __future__ import annotations

from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline

from ..contract import Rows

FOLDS = 5


def cross_validate(model: Pipeline, rows: Rows) -> dict[str, float]:
    """Return metrics of answers that each came from a model which had not seen the row."""
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    answers = cross_val_predict(model, rows.X, rows.y, cv=folds)
    return {
        "cv_r2": float(r2_score(rows.y, answers)),
        "cv_mae": float(mean_absolute_error(rows.y, answers)),
        "cv_rmse": float(root_mean_squared_error(rows.y, answers)),
    }
