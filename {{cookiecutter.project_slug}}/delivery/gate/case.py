"""What the judge is asked, and what it finds out about each side before it checks anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..app import App, Holdout
from ..errors import Refused
from ..evidence import Champion, Inputs, Judged, TrainedOn, Waiver
from ..judging import Compared, inputs_of
from ..policy import Policy, Task
from ..waivers import waivers_for
from .holdout import Rows, parse_holdout
from .image import Carried, read_carried
from .metrics import Floats, Measured, measure
from .multiclass import arranged
from .scoring import Scorer, ScoringError, predict


@dataclass(frozen=True)
class Case:
    """A candidate for an environment, its champion there, and all that decides between them.

    `logged` holds the hold-out metrics that training logged, `trained_on` what became of the rows
    that it saw; both are None except at `release`. After that, `compared` is what became of these
    rows then.
    """

    app: str
    environment: str
    task: Task
    tolerance: float
    candidate: Judged
    champion: Champion | None
    policy: Policy
    holdout: Holdout
    logged: Mapping[str, float] | None
    scorer: Scorer
    trained_on: TrainedOn | None = None
    compared: Compared | None = None
    waivers: tuple[Waiver, ...] = ()

    @classmethod
    def of(
        cls,
        app: App,
        environment: str,
        candidate: Judged,
        champion: Champion | None,
        logged: Mapping[str, float] | None,
        scorer: Scorer,
        trained_on: TrainedOn | None = None,
        compared: Compared | None = None,
    ) -> Case:
        """Return the case as an app of the base has it.

        Its policy, hold-out and waivers are the judge's.
        """
        holdout = app.holdout()
        return cls(
            app=app.name,
            environment=environment,
            task=app.file.task,
            tolerance=app.file.tolerance,
            candidate=candidate,
            champion=champion,
            policy=app.policy(environment),
            holdout=holdout,
            logged=logged,
            scorer=scorer,
            trained_on=trained_on,
            compared=compared,
            waivers=waivers_for(app, environment, candidate.model, holdout.labels_sha256),
        )

    @property
    def inputs(self) -> Inputs:
        """Everything that the verdict depends on, as evidence names it."""
        asked = self.candidate, self.champion, self.holdout, self.policy
        return inputs_of(*asked, self.logged, self.trained_on, self.waivers)

    @cached_property
    def rows(self) -> Rows:
        """The hold-out's rows; raises UsageError where a file is broken."""
        return parse_holdout(self.holdout, self.task)


@dataclass(frozen=True)
class Side:
    """One image under judgement. Its answers are fetched when first asked for, and once.

    `beside` is the side whose classes these answers are compared by; None for the candidate.
    """

    name: str
    judged: Judged
    case: Case
    beside: Side | None = None

    @property
    def rows(self) -> Rows:
        """The hold-out's rows."""
        return self.case.rows

    @cached_property
    def carried(self) -> Carried:
        """The model in the image; raises ScoringError or Refused where it can't be read."""
        return read_carried(self.case.scorer.model(self.judged.image))

    @cached_property
    def is_stated(self) -> bool:
        """Whether the model in the image is the one that its release states."""
        try:
            return self.carried.digest == self.judged.model
        except (ScoringError, Refused):
            return False

    def _answers(self) -> Floats | ScoringError | Refused:
        rows = self.case.rows
        try:
            signature = self.carried.signature
            _check_fit(signature.task, self.case.task, signature.names, rows.columns)
            if self.beside is None:
                _check_classes(len(signature.classes), rows)
            return predict(
                self.case.scorer,
                self.judged.image,
                signature,
                self.carried.digest,
                rows.ids,
                rows.features,
            )
        except (ScoringError, Refused) as err:
            return err

    @cached_property
    def _outcome(self) -> Floats | ScoringError | Refused:
        return self._answers()

    @cached_property
    def again(self) -> Floats | ScoringError | Refused:
        """What the image answers to the same rows once more."""
        return self._answers()

    def ask(self) -> None:
        """Fetch the answers now, unless the image carries another model than it should."""
        if self.is_stated:
            self.fault  # noqa: B018 - reading it fetches them

    def ask_again(self) -> None:
        """Fetch the answers once more, under the same condition."""
        if self.is_stated:
            self.again  # noqa: B018 - reading it fetches them

    @property
    def fault(self) -> ScoringError | Refused | None:
        """Why the image has no answers that can be judged; None where it has."""
        return None if isinstance(self._outcome, np.ndarray) else self._outcome

    @property
    def answered(self) -> Floats:
        """The answers as the image gave them, in the order of its own classes; may raise `fault`.

        (n,) float64, or (n, K) for K classes.
        """
        if not isinstance(self._outcome, np.ndarray):
            raise self._outcome
        return self._outcome

    @property
    def predictions(self) -> Floats:
        """The answers in the hold-out's order, in that of the candidate's classes.

        (n,) float64, or (n, K) for K classes; raises what `fault` holds.
        """
        asked = self if self.beside is None else self.beside
        classes, others = (side.carried.signature.classes for side in (self, asked))
        return arranged(self.answered, classes, others)

    @cached_property
    def measured(self) -> Measured:
        """The metrics of the answers."""
        return measure(self.case.task, self.case.rows.labels, self.predictions)


def _check_fit(
    task: str, asked_task: str, names: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    if task != asked_task:
        raise ScoringError(
            "model-other-task", f"the model is for {task}, the app for {asked_task}."
        )
    if names != columns:
        apart = next((f"{a!r} for {b!r}" for a, b in zip(names, columns) if a != b), "their number")  # noqa: B905 - of lengths that may differ
        raise ScoringError(
            "model-other-columns", f"the model's columns are not the hold-out's: {apart}."
        )


def _check_classes(classes: int, rows: Rows) -> None:
    if classes and rows.labels.max() >= classes:
        raise ScoringError(
            "model-other-classes",
            f"the hold-out has label {rows.labels.max():g}, the model {classes} classes from 0 on.",
        )
