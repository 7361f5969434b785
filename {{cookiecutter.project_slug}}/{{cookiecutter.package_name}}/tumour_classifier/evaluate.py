"""What training measures on its own rows; the judge measures on others, by its own functions."""

from __future__ import annotations

from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline

from ..contract import Rows

FOLDS = 5


def cross_validate(model: Pipeline, rows: Rows) -> dict[str, float]:
    """Return metrics of answers that each came from a model which had not seen the row."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    answers = cross_val_predict(model, rows.X, rows.y, cv=folds, method="predict_proba")
    malignant = answers[:, 1]
    return {
        "cv_roc_auc": float(roc_auc_score(rows.y, malignant)),
        "cv_accuracy": float(accuracy_score(rows.y, malignant >= 0.5)),
        "cv_log_loss": float(log_loss(rows.y, malignant)),
    }
