"""A verdict on what main no longer says is refused, and the refusal names what moved on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from delivery.canonical import canonical, sha256
from delivery.errors import Refused
from delivery.evidence import Evidence, parse_evidence, verify

from tests.delivery.world import KUSTOMIZE_APP, World

APP = f"apps/{KUSTOMIZE_APP}"
OTHER = "sha256:" + "0" * 64


def move_policy(world: World) -> None:
    text = (world.root / APP / "app.yaml").read_text()
    world.change({f"{APP}/app.yaml": text.replace("floor: 0.87", "floor: 0.86")})


def move_holdout(world: World) -> None:
    labels = (world.root / APP / "holdout/labels.csv").read_bytes()
    drawn = labels.replace(b",0.0\n", b",1.0\n", 1)
    stated = (world.root / APP / "holdout.yaml").read_text()
    stated = stated.replace(sha256(labels), sha256(drawn))
    world.change({f"{APP}/holdout/labels.csv": drawn, f"{APP}/holdout.yaml": stated})


MOVES: dict[str, tuple[Callable[[World], None], str]] = {
    "policy": (move_policy, "its policy is"),
    "hold-out": (move_holdout, "its hold-out is 171 rows"),
}


@pytest.mark.parametrize("what", MOVES)
def test_verdict_on_what_main_no_longer_says_is_refused_by_name(what: str, world: World) -> None:
    move, sentence = MOVES[what]
    world.git("branch", "waits", world.promote("prod").branch)
    assert "evidence-stale" not in world.codes("waits")
    move(world)
    world.git("switch", "--quiet", "waits")
    world.git("merge", "--quiet", "--message", "Take main in", "main")
    found = [one for one in world.check("waits").findings if one.code == "evidence-stale"]
    assert [sentence in one.seen for one in found] == [True]


def judged(world: World) -> tuple[Evidence, dict[str, object]]:
    """Return evidence that is fresh, and what the base expects of it."""
    line = world.line("prod")
    assert line.current is not None
    found = world.verdict(line, "promote", line.current.record.release)
    content = found.model_dump(mode="json", by_alias=True)
    return found, {key: content[key] for key in ("app", "environment", "policy", "inputs")}


STALE: dict[str, tuple[Callable[[dict[str, object]], object], str]] = {
    "the app": (lambda c: c.update(app="other"), "it is about other"),
    "the environment": (lambda c: c.update(environment="dev"), "it is about dev"),
    "the policy's words": (lambda c: c.update(policy={}), "what it says is not that"),
}


@pytest.mark.parametrize("what", STALE)
def test_evidence_about_something_else_is_named(what: str, delivered: World) -> None:
    change, sentence = STALE[what]
    found, expected = judged(delivered)
    content = found.model_dump(mode="json", by_alias=True)
    change(content)
    other = parse_evidence(canonical(content) + b"\n", "e")
    with pytest.raises(Refused, match="evidence-stale") as refused:
        verify(other, expected, "e")
    assert sentence in refused.value.seen


def test_evidence_on_another_candidate_is_named(delivered: World) -> None:
    found, expected = judged(delivered)
    candidate = found.inputs.candidate.model_copy(update={"release": OTHER})
    inputs = found.inputs.model_copy(update={"candidate": candidate})
    other = found.model_copy(update={"inputs": inputs})
    with pytest.raises(Refused, match="its candidate is release 000000000000"):
        verify(other, expected, "e")


def test_evidence_against_another_champion_names_both_records(delivered: World) -> None:
    found, expected = judged(delivered)
    assert found.inputs.champion is not None
    then = found.inputs.champion.model_copy(update={"record": "prod/0007"})
    inputs = found.inputs.model_copy(update={"champion": then})
    other = found.model_copy(update={"inputs": inputs})
    with pytest.raises(Refused, match=r"its champion is prod/0007 .*, at the base .* prod/0001"):
        verify(other, expected, "e")
