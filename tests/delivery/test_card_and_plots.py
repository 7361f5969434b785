"""The files of a verdict beside its evidence: the model card and the plots."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from delivery.evidence import CheckResult, Evidence, OutcomeName
from delivery.gate import PLOTS, Verdict, judge
from delivery.gate.card import card
from delivery.gate.plots import Answers, binned, plots
from delivery.gate.trial import Figures
from delivery.policy import Limit, Policy, Slice
from delivery.report.verdict import MOST
from delivery.verbs.gate import write_files
from markdown_it import MarkdownIt

from tests.delivery.judged import GOOD, LABELS, WORSE, Image, case, model

METRICS = {"roc_auc": Limit(floor=0.8, margin=0.01), "brier": Limit(floor=0.01, margin=0.02)}
POLICY = Policy(metrics=METRICS, slices=(Slice(column="c0", edges=(100.0,)),))
GOLD, POOR = Image(model(b"a"), GOOD), Image(model(b"b"), WORSE)
HEADINGS = [
    "Model Details",
    "Intended Use",
    "Factors",
    "Metrics",
    "Evaluation Data",
    "Training Data",
    "Quantitative Analyses",
    "Ethical Considerations",
    "Caveats and Recommendations",
]
EVIL = "|a|\n\n# b\n- c <img src=x> [d](http://e) ![f](g) `h ``` @acme/team **i \\"


@pytest.fixture(scope="module")
def worse() -> Verdict:
    return judge(case(POOR, GOLD, policy=POLICY))


@pytest.fixture(scope="module")
def first() -> Verdict:
    return judge(case(GOLD, policy=POLICY))


def told(
    evidence: Evidence, sentence: str, count: int = 1, outcome: OutcomeName = "ERROR"
) -> Evidence:
    """Return evidence whose checks say a sentence; their names count up."""
    checks = [
        CheckResult(name=f"slice-{n}", outcome=outcome, figures={}, sentence=sentence, next="mend")
        for n in range(count)
    ]
    return evidence.model_copy(update={"checks": checks, "outcome": "ERROR"})


def shape(text: str) -> list[tuple[str, int]]:
    """Return the blocks of Markdown with how deep they lie; for text inside, what it is."""
    blocks = MarkdownIt("commonmark").enable("table").parse(text)
    inside = [(part.type, one.level) for one in blocks for part in one.children or []]
    dangerous = ("html_inline", "link_open", "image")
    return [
        *((one.type, one.level) for one in blocks),
        *(part for part in inside if part[0] in dangerous),
    ]


def test_card_has_the_headings_of_model_cards(worse: Verdict, first: Verdict) -> None:
    for verdict in (worse, first):
        lines = verdict.card.splitlines()
        assert [line[3:] for line in lines if line.startswith("## ")] == HEADINGS


def test_card_names_each_check_that_did_not_pass(worse: Verdict) -> None:
    held = worse.card[worse.card.index("### What did not pass") :]
    bad = [check for check in worse.evidence.checks if check.outcome != "PASS"]
    assert len(bad) > 2
    for check in bad:
        assert f"{check.outcome} `{check.name}`" in held
        assert check.next in held


def test_card_names_what_it_is_about(worse: Verdict) -> None:
    inputs = worse.evidence.inputs
    assert inputs.champion is not None
    for named in (inputs.candidate, inputs.champion):
        assert named.model in worse.card
        assert named.image in worse.card
    for digest in (inputs.candidate.release, inputs.holdout.features, inputs.holdout.labels):
        assert digest in worse.card
    assert "c0&#91;-inf,100)-roc_auc" in worse.card


def test_card_of_an_image_that_cannot_be_judged_says_so() -> None:
    no_numbers = Image(model(b"a"), [float("nan")] * len(LABELS))
    verdict = judge(case(no_numbers, GOLD, policy=POLICY))
    assert "Nothing was measured" in verdict.card
    assert verdict.plots == {}


def test_card_keeps_its_form_whatever_an_image_says(worse: Verdict) -> None:
    assert shape(card(told(worse.evidence, EVIL))) == shape(card(told(worse.evidence, "a")))


@pytest.mark.parametrize("count", [50, 300, 5000])
def test_card_of_many_long_texts_stays_within_its_limit(worse: Verdict, count: int) -> None:
    text = card(told(worse.evidence, "|" * 10_000, count))
    assert len(text) <= MOST
    assert "`slice-299`" in text or count == 50
    assert text.endswith("more lines are left out; evidence.json has all.\n") == (count == 5000)


def test_card_and_plots_are_the_same_twice(worse: Verdict) -> None:
    with mpl.rc_context({"axes.facecolor": "red", "svg.hashsalt": None}):
        again = judge(case(POOR, GOLD, policy=POLICY))
        assert again.card == worse.card
        assert again.plots == worse.plots
    assert set(worse.plots) == PLOTS


def test_plots_of_a_first_release_hold_its_reliability_alone(first: Verdict) -> None:
    assert set(first.plots) == {"reliability.svg"}
    assert b"champion" not in first.plots["reliability.svg"]


def test_plots_name_each_check_that_they_show(worse: Verdict) -> None:
    texts = " ".join(ET.fromstring(worse.plots["slices.svg"]).itertext())  # noqa: S314 - our own
    shown = [check for check in worse.evidence.checks if check.name.startswith("slice-c0")]
    assert len(shown) == 4
    for check in shown:
        assert check.name.removeprefix("slice-").rpartition("-")[0] in texts


def test_plots_of_any_name_are_sound_xml(worse: Verdict) -> None:
    figures: Figures = {"estimate": 0.0, "low": -0.1, "high": 0.1, "limit": 0.2}
    names = ("a$b\x01<&]]>\ud7ff", "列" * 99)
    checks = [
        CheckResult(name=f"slice-{name}-f1", outcome="PASS", figures={**figures}, sentence="a")
        for name in names
    ]
    found = plots(worse.evidence.model_copy(update={"checks": checks}), None)
    assert set(found) == {"slices.svg"}
    assert "a$b?<&]]>" in "".join(ET.fromstring(found["slices.svg"]).itertext())  # noqa: S314


def test_bins_hold_their_rows_and_bounds() -> None:
    points = list(binned(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.0, 0.05, 0.95, 1.0])))
    assert [(round(mean, 3), seen) for mean, seen, _, _ in points] == [(0.025, 0.5), (0.975, 1.0)]
    # Clopper-Pearson of 2 in 2: the square root of 0.025 and up.
    assert points[1][2:] == pytest.approx((0.1581, 1.0), abs=1e-4)


def test_answers_are_drawn_and_never_written(worse: Verdict) -> None:
    assert isinstance(worse.answers, Answers)
    assert tuple(worse.answers.labels) == LABELS
    assert Verdict(worse.evidence) == worse
    assert set(Verdict(worse.evidence).plots) == {"margins.svg", "slices.svg"}


def test_files_of_an_earlier_verdict_do_not_stay(
    worse: Verdict, first: Verdict, tmp_path: Path
) -> None:
    always = {"evidence.json", "report.md", "model-card.md", "junit.xml"}
    write_files(worse, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == always | PLOTS
    write_files(first, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == always | {"reliability.svg"}
    assert (tmp_path / "model-card.md").read_text() == first.card
