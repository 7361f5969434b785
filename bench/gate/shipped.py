"""Whether the shipped apps' hold-outs can decide the margins of their policies."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from delivery.gate.statistics.bounds import Floats
from delivery.gate.statistics.metrics import of_difference
from delivery.gate.statistics.needed import rows_needed
from delivery.policy import Gate

TEMPLATE = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
NAME = "shipped_models"
SECOND: Mapping[str, Mapping[str, float]] = {
    "tumour-classifier": {"inverse_regularisation": 1.0},
    "progression-forecast": {"regularisation": 100.0},
}
"""What makes the second model of each app: for the first, what `make demo` brings to prod."""


@dataclass(frozen=True)
class Needed:
    """Rows that decide a margin between an app's two models, and those that its hold-out has."""

    app: str
    metric: str
    margin: float
    needed: int
    rows: int


def rows_of_margins() -> Iterator[Needed]:
    """Yield what each margin of the shipped apps needs, a second model against the first."""
    for app, second in SECOND.items():
        policy = Gate.model_validate(_read(app)["gate"]).policy("prod")
        labels, theirs, ours = _answers(app.replace("-", "_"), second)
        for metric, limit in policy.metrics.items():
            if limit.margin is not None:
                found = of_difference(metric, labels, ours, theirs, policy.alpha_each)
                needed = rows_needed(found, limit.margin, policy.alpha_each, policy.power)
                assert needed is not None
                of_all = round(needed * len(labels) / found.rows)
                yield Needed(app, metric, limit.margin, of_all, len(labels))


def _read(app: str) -> Any:
    return yaml.safe_load((TEMPLATE / "apps" / app / "app.yaml").read_text())


def _answers(module: str, second: Mapping[str, float]) -> tuple[Floats, Floats, Floats]:
    """Return the hold-out's labels, and what the first and the second model answer."""
    _register()
    data, train = (import_module(f"{NAME}.{module}.{part}") for part in ("data", "train"))
    parameters = train.tomllib.loads(train.PARAMETERS.read_text())
    learn, judge = data.training(), data.holdout()
    both = [
        train.build(one).fit(learn.X, learn.y) for one in (parameters, {**parameters, **second})
    ]
    return judge.y, *(_of(model, judge.X) for model in both)


def _register() -> None:
    """Have the models' package under a name without a dot, which its folder has."""
    folder = TEMPLATE / "{{cookiecutter.package_name}}"
    place = [str(folder)]
    spec = spec_from_file_location(NAME, folder / "__init__.py", submodule_search_locations=place)
    assert spec is not None
    sys.modules[NAME] = module_from_spec(spec)


def _of(model: Any, features: Floats) -> Floats:
    chances = getattr(model, "predict_proba", None)
    found = model.predict(features) if chances is None else chances(features)[:, 1]
    return np.asarray(found, dtype=np.float64)
