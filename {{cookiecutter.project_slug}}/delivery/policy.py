"""The policy that an app's models are judged by: limits, how sure to be, and what blocks.

docs/gate.md gives each default's reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from .canonical import digest
from .settings import Strict

Task = Literal["binary-classification", "multiclass-classification", "regression"]
Part = Literal[
    "data",
    "overlap",
    "budgets",
    "signature",
    "floors",
    "baseline",
    "champion",
    "slices",
    "fairness",
    "flips",
    "calibration",
]
Mode = Annotated[
    Literal["off", "report", "enforce"],
    BeforeValidator(lambda mode: "off" if mode is False else mode),  # YAML 1.1 reads `off` so
]

LOWER_IS_BETTER = frozenset({"log_loss", "brier", "mae", "rmse"})
METRICS: Mapping[Task, frozenset[str]] = {
    "binary-classification": frozenset(
        {
            *("accuracy", "sensitivity", "specificity", "balanced_accuracy"),
            *("precision", "f1", "mcc", "cohen_kappa"),
            *("roc_auc", "average_precision", "log_loss", "brier"),
        }
    ),
    "multiclass-classification": frozenset(
        {
            *("accuracy", "balanced_accuracy", "precision_macro", "f1_macro", "mcc", "cohen_kappa"),
            *("roc_auc_ovr", "log_loss", "brier"),
        }
    ),
    "regression": frozenset({"r2", "mae", "rmse"}),
}


class Limit(Strict):
    """What one metric has to reach, in the metric's own unit.

    `floor` is the worst value that passes; `margin` is by how much a candidate may be worse than
    the champion. For a metric where lower is better (log_loss, brier, mae, rmse) the floor is the
    highest value that passes.
    """

    floor: float | None = Field(default=None, allow_inf_nan=False)
    margin: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _says_something(self) -> Limit:
        if self.floor is None and self.margin is None:
            raise ValueError("a metric needs a floor, a margin, or both")
        return self


class Slice(Strict):
    """A column of the hold-out whose values, or ranges between edges, are judged apart."""

    column: Annotated[str, StringConstraints(min_length=1)]
    edges: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = ()

    @model_validator(mode="after")
    def _ascending(self) -> Slice:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges ascend")
        return self


class Fairness(Slice):
    """A column between whose groups a metric may differ by `gap`, in the metric's own unit.

    Where the gap is not shown to lie within, it may be larger than the champion's by `growth`.
    """

    metric: Annotated[str, StringConstraints(min_length=1)]
    gap: float = Field(gt=0, allow_inf_nan=False)
    growth: float = Field(default=0, ge=0, allow_inf_nan=False)


class Calibration(Strict):
    """How far calibration may be off: its slope from 1, its intercept from 0; else reported.

    The intercept is in log-odds, for a regression in the label's unit.
    """

    slope: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    intercept: float | None = Field(default=None, gt=0, allow_inf_nan=False)


Limits = Annotated[dict[str, Limit], Field(min_length=1)]
Alpha = Annotated[float, Field(gt=0, le=0.2)]
Candidates = Annotated[int, Field(ge=1, le=1000)]
Power = Annotated[float, Field(ge=0.5, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(ge=1, le=100)]
Size = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MEMORY_MB = 512
"""What an image has when it is scored: above it, it is ended, so no larger budget can be told."""


class Budgets(Strict):
    """What a model may cost: its size, and what is measured while its image scores.

    MB are 1,000,000 bytes; a factor is of the champion's. What is None is not looked at.
    """

    model_mb: Size | None = None
    model_factor: Factor | None = None
    latency_factor: Factor | None = None
    memory_mb: Size | None = Field(default=None, le=MEMORY_MB)


class Policy(Strict):
    """All that an environment's verdict follows, with every default written out."""

    metrics: Limits
    alpha: Alpha = 0.05
    candidates: Candidates = 20
    power: Power = 0.8
    slices: tuple[Slice, ...] = ()
    slice_margin: Factor = 3.0
    negative_flips: Share = 0.02
    fairness: tuple[Fairness, ...] = ()
    outside_range: Share = 0.05
    budgets: Budgets = Field(default_factory=Budgets)
    calibration: Calibration = Calibration()
    modes: dict[Part, Mode] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _judges_something(self) -> Policy:
        floors, champion = (self.mode(part) == "enforce" for part in ("floors", "champion"))
        if not any(
            (floors and one.floor is not None) or (champion and one.margin is not None)
            for one in self.metrics.values()
        ):
            raise ValueError("with neither a floor nor a margin enforced, every model would pass")
        return self

    @model_validator(mode="after")
    def _asks_once(self) -> Policy:
        asked = [(one.column, one.metric) for one in self.fairness]
        if len(set(asked)) < len(asked):
            raise ValueError("fairness names a column twice with the same metric")
        return self

    @property
    def sha256(self) -> str:
        """The digest by which evidence names this policy."""
        return digest(self.model_dump(mode="json"))

    @property
    def alpha_each(self) -> float:
        """The one-sided level of each bound: alpha, divided among all candidates of a hold-out."""
        return self.alpha / self.candidates

    def mode(self, part: Part) -> Mode:
        """Return what a part's outcome means: nothing, a line in the report, or a refusal."""
        return self.modes.get(part, "enforce")


class PartialPolicy(Strict):
    """What one environment asks beyond, or in place of, the app's common policy."""

    metrics: dict[str, Limit] = Field(default_factory=dict)
    alpha: Alpha | None = None
    candidates: Candidates | None = None
    power: Power | None = None
    slices: tuple[Slice, ...] | None = None
    slice_margin: Factor | None = None
    negative_flips: Share | None = None
    fairness: tuple[Fairness, ...] | None = None
    outside_range: Share | None = None
    budgets: Budgets = Field(default_factory=Budgets)
    calibration: Calibration | None = None
    modes: dict[Part, Mode] = Field(default_factory=dict)


class Gate(Policy):
    """The app's policy: what holds everywhere, and what differs by environment."""

    environments: dict[str, PartialPolicy] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _judges_everywhere(self) -> Gate:
        for name in self.environments:
            try:
                self.policy(name)
            except ValidationError as err:
                what = err.errors()[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"environments.{name}: {what}") from err
        return self

    def policy(self, environment: str) -> Policy:
        """Return what holds in an environment."""
        other = self.environments.get(environment, PartialPolicy())
        common: dict[str, Any] = {name: getattr(self, name) for name in Policy.model_fields}
        replaced = {
            name: value
            for name in Policy.model_fields
            if name not in ("metrics", "modes", "budgets")
            and (value := getattr(other, name)) is not None
        }
        changed = other.budgets.model_dump(exclude_unset=True)
        merged = {
            "metrics": {**self.metrics, **other.metrics},
            "modes": {**self.modes, **other.modes},
            "budgets": {**self.budgets.model_dump(), **changed},
        }
        return Policy(**{**common, **replaced, **merged})
