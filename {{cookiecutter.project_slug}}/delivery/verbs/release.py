"""`deliver release`: make a release of a built model and bring it into the first environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ..app import App
from ..console import Say
from ..errors import DeliveryError, Refused
from ..evidence import Judged
from ..gate import Scorer, Verdict, known_question
from ..gate.data import compare_rows
from ..gate.holdout import parse_holdout
from ..gate.image import read_carried
from ..ledger import Line
from ..models.building import built_from, require_same
from ..models.converting import require_carried
from ..models.engine import Engine
from ..models.registry import ModelVersion, Registry
from ..models.signing import require_signed
from ..policy import Policy
from ..proposal import (
    Proposal,
    Step,
    branch_name,
    compose_judged,
    pin_sources,
    propose,
    source_digests,
)
from ..records import Model, Question, Release, release_id
from ..several import Several, each
from ..workplace import Workplace, sources_of
from .gate import judge_for, require_pass


@dataclass(frozen=True)
class Tools:
    """What making a release needs beside the repository."""

    registry: Registry
    engine: Engine
    scorer: Scorer
    today: date
    """In UTC."""


@dataclass(frozen=True)
class Wanted:
    """What a release is to be made of, and why; the newest model version where it is None."""

    version: str | None
    reason: str
    change: str | None


def release(
    workplace: Workplace, apps: list[str], tools: Tools, say: Say, wanted: Wanted
) -> tuple[Proposal, list[Verdict]]:
    """Return the proposal that brings new releases into the first environment, with verdicts.

    Run on main: it alone brings new model bytes. All apps pass or none is written.
    """
    names = list(dict.fromkeys(apps))
    _require_free(workplace, names)
    made = [_make(workplace, name, tools, say, wanted) for name in names]
    return propose(workplace, [step for step, _ in made]), [verdict for _, verdict in made]


def release_changed(
    workplace: Workplace, tools: Tools, say: Say, wanted: Wanted
) -> tuple[Proposal | None, Several[Verdict]]:
    """Return the proposal for every app that differs from its newest release, with verdicts.

    An app that is refused is left out, and its error told; None where nothing is left.
    """
    names = changed(workplace, tools, say)
    _require_free(workplace, names)
    made = each(names, lambda name: _make(workplace, name, tools, say, wanted))
    proposal = propose(workplace, [step for step, _ in made.done]) if made.done else None
    return proposal, Several([verdict for _, verdict in made.done], made.errors)


def _require_free(workplace: Workplace, apps: list[str]) -> None:
    lines = [workplace.ledger.line(workplace.settings.names[0], app) for app in apps]
    if lines:
        workplace.require_free(branch_name("release", lines))


def changed(workplace: Workplace, tools: Tools, say: Say) -> list[str]:
    """Return the apps whose sources or newest model differ from their newest release."""
    first = workplace.settings.names[0]
    found = []
    for app in workplace.apps:
        line = workplace.ledger.line(first, app.name)
        if line.on_hold or not app.in_environment(first):
            say(f"{app.name}: left out, {'on hold' if line.on_hold else f'no overlay for {first}'}")
        elif _differs(workplace, app, line, tools, say):
            found.append(app.name)
    return found


def _differs(workplace: Workplace, app: App, line: Line, tools: Tools, say: Say) -> bool:
    try:
        found = tools.registry.find(app.name, None)
        image = _image(workplace, app, found, explicit=False)
    except Refused as err:
        say(f"{app.name}: left out, {err.seen}")
        return False
    if line.current is None:
        return True
    current = line.current.record.release
    pins = {path: pin.sha256 for path, pin in current.sources.items()}
    try:
        return current.image != image or pins != source_digests(workplace, app)
    except Refused:  # sources that no release is made of, as its own turn says
        return True


def _make(
    workplace: Workplace, name: str, tools: Tools, say: Say, wanted: Wanted
) -> tuple[Step, Verdict]:
    first = workplace.settings.names[0]
    app = workplace.app(name)
    workplace.require_committed(sources_of(app, workplace.settings))
    line = workplace.ledger.line(first, name)
    line.require_no_hold()
    model = tools.registry.find(name, wanted.version)
    image = _image(workplace, app, model, explicit=wanted.version is not None)
    say(f"{name}: model {model.version} in {image.rsplit('/', 1)[1][:40]}…")
    require_signed(workplace.settings, workplace.main, image)
    require_carried(app, read_carried(tools.scorer.model(image)).payload)
    made, question = _release(workplace, app, model, image, tools)
    _require_news(line, made)
    if line.current is not None and line.current.record.release.model.digest == model.digest:
        say(f"{name}: this model is byte for byte the one that {first} runs already")
    say(f"{name}: judging release {made.id[7:19]} for {first}")
    verdict = judge_for(
        workplace,
        name,
        first,
        Judged.of(made),
        model.holdout_metrics,
        tools.scorer,
        tools.today,
        compare_rows(
            tools.registry.training_rows(model), parse_holdout(app.holdout(), app.file.task)
        ),
    )
    if workplace.branches != "none":
        _note(tools.registry, model, verdict, first, say)
    require_pass(verdict)
    step = compose_judged(
        workplace,
        line,
        "release",
        made,
        reason=wanted.reason,
        change=wanted.change,
        from_=None,
        evidence=verdict.evidence,
        question=question,
    )
    return step, verdict


def _image(workplace: Workplace, app: App, model: ModelVersion, *, explicit: bool) -> str:
    """Return the model version's image; raises Refused (`not-built`, `model-not-of-main`)."""
    code = app.code(workplace.settings).sha256
    require_same(model, app, workplace.settings, other_code=True)
    if model.code != code and not explicit:
        raise Refused(
            "model-not-of-main",
            f"model {model.version} of {app.name} was trained by other code than main's.",
            "A release is made of what main holds; an older model is released only by its number.",
            f"run `deliver train {app.name}` and `deliver build {app.name}`",
        )
    if model.image is None:
        raise Refused(
            "not-built",
            f"model {model.version} of {app.name} has no image.",
            "What is released is an image with the model in it.",
            f"run `deliver build {app.name} --model {model.version}`",
        )
    return model.image


def _release(
    workplace: Workplace, app: App, model: ModelVersion, image: str, tools: Tools
) -> tuple[Release, bytes]:
    made_of = built_from(tools.engine, image)
    question = known_question(tools.scorer, image, app.file.tolerance)
    sources = pin_sources(workplace, app)
    digests = {path: pin.sha256 for path, pin in sources.items()}
    made = Release(
        id=release_id(image, model.digest, digests, question.sha256),
        image=image,
        model=Model(digest=model.digest, name=app.name, version=model.version, run=model.run),
        sources=sources,
        question=Question(sha256=question.sha256),
        built_from=made_of,
    )
    return made, question.data


def _require_news(line: Line, made: Release) -> None:
    if line.current is not None and line.current.record.release.id == made.id:
        raise Refused(
            "nothing-to-release",
            f"{line.app} has this very release in {line.environment} ({line.current.name}).",
            "A release differs from the one before in image, model or sources.",
            "train and build a new model, or merge a change of its sources",
        )


def _note(registry: Registry, model: ModelVersion, verdict: Verdict, env: str, say: Say) -> None:
    """Tell the model registry of the verdict, and the person how often this hold-out was used."""
    evidence = verdict.evidence
    try:
        registry.note_verdict(model, env, evidence)
        count = registry.judged_on(model.name, evidence.inputs.holdout.labels)
    except DeliveryError as err:
        say(f"MLflow was not told of the verdict: {err.seen}")
        return
    allowed = Policy.model_validate(evidence.policy).candidates
    say(f"{model.name}: judged on this hold-out so far: {count} of {allowed} models")
    if count > allowed:
        say(f"{model.name}: more than the policy allows for; draw a new hold-out")
