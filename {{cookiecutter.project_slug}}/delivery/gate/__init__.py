"""The gate: scores images on a hold-out and judges them by a policy."""

from .case import Case
from .compare import differences
from .judge import Verdict, judge
from .plots import PLOTS
from .question import KnownQuestion, known_question, same_question
from .scoring import Scorer, ScoringError

__all__ = [
    "PLOTS",
    "Case",
    "KnownQuestion",
    "Scorer",
    "ScoringError",
    "Verdict",
    "differences",
    "judge",
    "known_question",
    "same_question",
]
