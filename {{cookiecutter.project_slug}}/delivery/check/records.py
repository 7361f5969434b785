"""Rules on one new record: its spelling, its chain, and what each kind may bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..canonical import sha256
from ..current import current_path, expected_current
from ..errors import DeliveryError, Refused
from ..evidence import Judged, parse_evidence, verify
from ..git import Snapshot
from ..judging import inputs_for
from ..ledger import Entry, Line, manifests_folder, record_path
from ..moving import require_moving
from ..proposal import overlay_on_main, place, renderer
from ..records import ACCEPTING, Kind, Record, manifests_digest
from ..settings import read_settings
from ..waivers import require_in_force
from .change import Change
from .releases import new_release


@dataclass(frozen=True)
class Added:
    """A new record with the line that it was added to, as that was on the base."""

    change: Change
    line: Line
    entry: Entry

    @property
    def record(self) -> Record:
        """The new record."""
        return self.entry.record

    def refused(self, code: str, seen: str, rule: str, next_step: str) -> Refused:
        """Return a refusal that names the record's file."""
        return Refused(code, f"{self.entry.path}: {seen}", rule, next_step)


def spelling(added: Added) -> Iterator[DeliveryError]:
    """A record's bytes are the only spelling of what they say."""
    if added.record.dump() != added.entry.data:
        yield added.refused(
            "record-spelling",
            "these are not the bytes that deliver writes for this record.",
            "One record has one spelling: no comments, no other order, no second document.",
            "run the deliver command again; never edit a record",
        )


def chain(added: Added) -> Iterator[DeliveryError]:
    """A record states the digest of the record before it."""
    newest = added.line.newest
    if added.record.previous != (newest.sha256 if newest else None):
        yield added.refused(
            "chain-broken",
            "`previous` is not the digest of the record before it.",
            "Records form a chain, so that none can be changed or left out unseen.",
            "take main in, delete the branch, and run the deliver command again",
        )


def hold(added: Added) -> Iterator[DeliveryError]:
    """After a rollback only `rollback` and `resume` go on."""
    if added.record.kind not in ("rollback", "resume"):
        try:
            added.line.require_no_hold()
        except Refused as err:
            yield err


def moving(added: Added) -> Iterator[DeliveryError]:
    """Nothing but a rollback changes an environment that is stopped, or frozen by its windows."""
    environments = read_settings(added.change.tip).environments
    for environment in environments if added.record.kind != "rollback" else ():
        if environment.name == added.entry.environment:
            try:
                require_moving(environment, added.change.now)
            except Refused as err:
                yield err


def kind_rules(added: Added) -> Iterator[DeliveryError]:
    """Each kind of record has its own rules."""
    rule = KINDS.get(added.record.kind)
    if rule is None:
        yield added.refused(
            "kind-unknown",
            f"records of kind {added.record.kind} cannot be judged by this version.",
            "What no rule covers is not accepted.",
            "update delivery/ first",
        )
        return
    yield from rule(added)


def manifests(added: Added) -> Iterator[DeliveryError]:
    """The manifests folder is what the record's digest says."""
    folder = manifests_folder(added.entry.environment, added.entry.app)
    try:
        files = added.change.head.folder(folder).files
    except Refused as err:
        yield err
        return
    if manifests_digest(dict(files)) != added.record.manifests:
        yield added.refused(
            "manifests-differ",
            f"{folder} is not what the record's digest says.",
            "Argo CD reads exactly the bytes that a record names.",
            "run the deliver command again; never edit manifests",
        )


def current(added: Added) -> Iterator[DeliveryError]:
    """What Argo CD's generator reads says what the new record says."""
    entry = added.entry
    line = Line(entry.environment, entry.app, (*added.line.entries, entry))
    path = current_path(entry.environment, entry.app)
    if added.change.head.find(path) != expected_current(line):
        yield current_differs(path, entry)


def current_differs(path: str, newest: Entry) -> Refused:
    """Return the refusal of a `current.yaml` that is not a line's newest record in short."""
    return Refused(
        "current-differs",
        f"{path} is not what {newest.path} says.",
        "Argo CD finds and names an app by this file: the newest record in short, as written.",
        "run the deliver command again, or restore it from main; never edit it",
    )


def evidence(added: Added) -> Iterator[DeliveryError]:
    """The verdict is of this very candidate, champion, policy and hold-out, and it passes."""
    if added.record.kind not in ACCEPTING:
        return
    entry = added.entry
    path = record_path(entry.environment, entry.app, entry.number, "evidence.json")
    data = added.change.head.find(path)
    stated = added.record.evidence
    if data is None or stated.record != entry.name or stated.sha256 != sha256(data):
        yield added.refused(
            "evidence-altered",
            f"{path} is not the evidence that the record names.",
            "A record and its evidence are bound by digest.",
            "run the deliver command again; never edit evidence",
        )
        return
    try:
        found = parse_evidence(data, path)
        app = added.change.workplace.app(entry.app)
        logged, trained_on = found.inputs.logged, found.inputs.trained_on
        judged = Judged.of(added.record.release)
        inputs = inputs_for(app, added.line, judged, logged, trained_on)
        expected = {
            "app": entry.app,
            "environment": entry.environment,
            "policy": app.policy(entry.environment).model_dump(mode="json"),
            "inputs": inputs.model_dump(mode="json"),
        }
        verify(found, expected, path)
        require_in_force(found.inputs.waivers, added.change.today)
        if added.record.kind == "release" and (logged is None or trained_on is None):
            yield added.refused(
                "training-not-compared",
                "its evidence leaves out what training logged, or which rows it saw.",
                "A new release is compared with what its training says.",
                "run `deliver release` again; never edit evidence",
            )
    except DeliveryError as err:
        yield err
    yield from question(added, added.change.head)


def question(added: Added, snapshot: Snapshot) -> Iterator[DeliveryError]:
    """The known question beside a record is the release's."""
    entry = added.entry
    path = record_path(entry.environment, entry.app, entry.number, "question.json")
    data = snapshot.find(path)
    if data is None or sha256(data) != added.record.release.question.sha256:
        yield added.refused(
            "question-altered",
            f"{path} is not the question that the release names.",
            "The known question is part of the release.",
            "run the deliver command again; never edit it",
        )


def renders_to_main(added: Added) -> Iterator[DeliveryError]:
    """Overlay, settings and renderer are those of the base."""
    work, record = added.change.workplace, added.record
    env = work.settings.environment(added.entry.environment)
    overlay, _ = overlay_on_main(work, added.entry.environment, added.entry.app)
    stale = [
        name
        for name, stated, expected in (
            ("overlay", record.overlay, overlay),
            ("settings", record.settings, place(env)),
            ("renderer", record.renderer, renderer(work.settings)),
        )
        if stated != expected
    ]
    if stale:
        yield added.refused(
            "not-of-main",
            f"`{stale[0]}` is not what the base holds.",
            "A record is rendered from main: overlay, settings and renderer are merged first.",
            "merge them first; then delete the branch and run the deliver command again",
        )


def _release(added: Added) -> Iterator[DeliveryError]:
    yield from new_release(added.change, added.entry)
    if added.record.from_ is not None:
        yield added.refused(
            "wrong-origin",
            "a release comes from no other environment.",
            "`from` names the record that a promotion takes further.",
            "run `deliver release` again",
        )
    yield from renders_to_main(added)


def _promote(added: Added) -> Iterator[DeliveryError]:
    before = added.change.settings.before(added.entry.environment)
    origin = added.record.from_ or "nowhere"
    if before is None or not origin.startswith(f"{before}/"):
        yield _skipped(added, before)
        return
    line = added.change.before.line(before, added.entry.app)
    source = line.find(int(origin.rsplit("/", 1)[1]))
    release = added.record.release
    if source is None or source.record.release != release:
        yield _skipped(added, before)
    elif line.accepted(release.id) is None:
        yield added.refused(
            "withdrawn" if release.id in line.withdrawn else "never-accepted",
            f"{before} does not hold this release as accepted.",
            "A release goes on only from an accepted record that no rollback took back.",
            f"look at `deliver history {added.entry.app} --env {before}`",
        )
    current = added.line.current
    if current is not None and current.record.release.id == release.id:
        yield added.refused(
            "nothing-to-promote",
            f"{current.name} holds this release already.",
            "A promotion brings another release into an environment.",
            "for a changed overlay or renderer use `deliver render`",
        )
    yield from renders_to_main(added)


def _skipped(added: Added, before: str | None) -> Refused:
    return added.refused(
        "skipped-environment",
        f"the release does not come from a record of {before or 'an environment before'}.",
        "A release passes the environments in their order.",
        _bring_to(before, added),
    )


def _bring_to(before: str | None, added: Added) -> str:
    app, first = added.entry.app, added.change.settings.names[0]
    if before is None or before == first:
        return f"bring it to {first} first: `deliver release {app}`"
    return f'bring it to {before} first: `deliver promote {app} --to {before} --reason "…"`'


def _render(added: Added) -> Iterator[DeliveryError]:
    current, record = added.line.current, added.record
    if current is None or (current.record.release, current.record.evidence, current.name) != (
        record.release,
        record.evidence,
        record.from_,
    ):
        yield added.refused(
            "release-changed",
            "release, evidence or origin are not those of the record in force.",
            f"A record of kind {record.kind} renders the same release anew.",
            "bring another release by `deliver promote`",
        )
        return
    moved = (record.overlay.sha256, record.settings) != (
        current.record.overlay.sha256,
        current.record.settings,
    )
    rendered = record.renderer != current.record.renderer
    if not (moved if record.kind == "configure" else rendered and not moved):
        yield added.refused(
            "wrong-kind",
            f"what changed is not what a record of kind {record.kind} is for.",
            "`configure` brings overlay and settings, `rerender` the renderer alone.",
            "run `deliver render` again",
        )
    yield from renders_to_main(added)


def _repeat(added: Added) -> Iterator[DeliveryError]:
    record, line = added.record, added.line
    env, _, number = (record.from_ or "/0").partition("/")
    target = line.find(int(number)) if env == line.environment else None
    if target is None or line.current is None:
        yield added.refused(
            "no-such-record",
            f"`from` is {record.from_}, which is no record of this app here.",
            f"A {record.kind} repeats an earlier record of the same environment.",
            f"run `deliver {record.kind}` again",
        )
        return
    if _body(record) != _body(target.record):
        yield added.refused(
            "not-repeated",
            f"it is not what {target.name} holds.",
            f"A {record.kind} repeats a record's release and manifests, byte for byte.",
            f"run `deliver {record.kind}` again",
        )
    yield from _repeatable(added, target)


def _repeatable(added: Added, target: Entry) -> Iterator[DeliveryError]:
    from ..verbs.rollback import require_target

    if added.record.kind == "resume":
        if not added.line.on_hold or target != added.line.newest:
            yield added.refused(
                "not-on-hold",
                "the record in force is not the rollback that it names.",
                "`resume` ends the hold that a rollback set.",
                "look at `deliver status`",
            )
        return
    try:
        require_target(added.line, target)
    except Refused as err:
        yield err


def _body(record: Record) -> tuple[object, ...]:
    return (
        record.release,
        record.overlay,
        record.settings,
        record.renderer,
        record.manifests,
        record.evidence,
    )


KINDS: dict[Kind, Callable[[Added], Iterator[DeliveryError]]] = {
    "release": _release,
    "promote": _promote,
    "configure": _render,
    "rerender": _render,
    "rollback": _repeat,
    "resume": _repeat,
}

RULES: tuple[Callable[[Added], Iterator[DeliveryError]], ...] = (
    spelling,
    chain,
    hold,
    moving,
    kind_rules,
    manifests,
    current,
    evidence,
)
