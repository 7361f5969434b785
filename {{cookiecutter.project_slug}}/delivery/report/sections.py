"""The sections of the comment below its first lines, each as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..argocd.notes import Confirmation
from ..check import Report
from ..check.change import Change
from ..errors import DeliveryError, Unknown
from ..evidence import Evidence
from ..git import pinned_folder
from ..ledger import Entry
from ..records import Record
from .blocks import LISTS, METRICS, TABLES, Block
from .bringing import LONGEST_REASON, Brought
from .first_lines import ordered
from .verdict import all_checks, code, metrics_table, plain, skeleton, todo, verdict_of, waivers
from .words import explained

MOST_FINDINGS = 20
HEADINGS = {
    "### What stands in the way": "#### Checks that did not pass",
    "### What was seen besides": "#### What was seen besides",
    "### To waive it": "#### To waive it",
}
"""A verdict's headings as they stand below those of the comment."""
READ_SO = (
    "The candidate is the model that is to come, the champion the one that runs there now. In "
    "brackets: the bounds between which the true value lies."
)


def metrics(parts: Sequence[Brought], found: Report, shows_all: str) -> Iterator[Block]:
    """Yield each verdict that comes along: its sentence, its metrics, what to do, all checks."""
    for part in parts:
        if part.evidence is None:
            if part.entry is not None:
                yield Block([f"### How good {part.name} is", "", _rests_on(part.entry), ""])
            continue
        yield Block([f"### How good {part.name} is", ""])
        if found.findings:
            said = "What the recorded test says, which counts only when no rule is broken:"
            yield Block([said, ""])
        yield from _verdict(part.evidence, shows_all)


def _verdict(evidence: Evidence, shows_all: str) -> Iterator[Block]:
    left_out = [f"A table is left out for its length: {shows_all} has it.", ""]
    yield Block([verdict_of(evidence), "", READ_SO, ""])
    yield Block(metrics_table(evidence), METRICS, left_out)
    yield Block(waivers(evidence), METRICS, left_out)
    lines = [*todo(evidence.checks), *skeleton(evidence)]
    yield Block([HEADINGS.get(line, line) for line in lines], LISTS, left_out)
    table = [line for line in all_checks(evidence.checks) if not line.startswith("#")]
    fold = ["<details>", f"<summary>All {len(evidence.checks)} checks</summary>", *table]
    yield Block([*fold, "</details>", ""], TABLES, left_out)


def _rests_on(entry: Entry) -> str:
    record = entry.record
    if record.evidence.record == entry.name:
        return "Its recorded test cannot be read."
    return f"It was tested when it came: by the recorded test of {plain(record.evidence.record)}."


def refusals(found: Report) -> Iterator[Block]:
    """Yield every refusal in its own words, hard ones explained, each with its next step."""
    if not found.findings:
        return
    lines = ["### What stands in the way", ""]
    lines += [_refusal(one) for one in ordered(found)[:MOST_FINDINGS]]
    if (more := len(found.findings) - MOST_FINDINGS) > 0:
        lines.append(f"- and {more} more: `deliver check --base … --head …`")
    yield Block([*lines, ""], LISTS, [f"{len(found.findings)} refusals, left out for length.", ""])


def _refusal(one: DeliveryError) -> str:
    mark = "❔" if isinstance(one, Unknown) else "❌"
    text = explained(f"{plain(one.seen)} {plain(one.rule)}")
    return f"- {mark} `{one.code}` {text} **Next:** {plain(one.next_step).rstrip('.')}."


def riding(change: Change, parts: Sequence[Brought]) -> Iterator[Block]:
    """Yield what was merged earlier, waited, and comes to run with this change."""
    lines = [line for part in parts for line in _riding(change, part)]
    if lines:
        head = "### What rides along: merged earlier, not running yet"
        yield Block([head, "", *lines, ""], LISTS, [head, "", f"{len(lines)} things.", ""])


def _riding(change: Change, part: Brought) -> Iterator[str]:
    current = part.line.current
    if part.entry is None or current is None or part.kind in ("rollback", "resume", "retire"):
        return
    old, new = current.record, part.entry.record
    app, env = part.name, part.where
    if old.overlay.sha256 != new.overlay.sha256:
        files = _overlay_files(change, part, old, new)
        folder = code(f"overlays/{part.environment}/{part.app}")
        yield f"- settings of {app} in {env} alone, {folder}: {files}"
    for path in sorted(old.release.sources.keys() | new.release.sources.keys()):
        pins = [record.release.sources.get(path) for record in (old, new)]
        if [pin and pin.sha256 for pin in pins[:1]] != [pin and pin.sha256 for pin in pins[1:]]:
            yield f"- files that all environments share, with this release: {code(path)}"
    if old.settings != new.settings:
        yield f"- settings of {env} in `delivery.yaml`: its namespace or version of Kubernetes"
    if old.renderer != new.renderer:
        yield f"- other versions of the tools that write the files of {app}"


def _overlay_files(change: Change, part: Brought, old: Record, new: Record) -> str:
    name = f"overlays/{part.environment}/{part.app}"
    try:
        then, now = (
            pinned_folder(change.repository, name, record.overlay.tree).files
            for record in (old, new)
        )
    except DeliveryError:
        return "which files differ cannot be told from this clone"
    return ", ".join(code(f) for f in sorted(then.keys() | now.keys()) if then.get(f) != now.get(f))


def before(
    change: Change, parts: Sequence[Brought], notes: Mapping[str, Confirmation] | None
) -> Iterator[Block]:
    """Yield whether the environment before was seen to run well, from the notes of `confirm`."""
    lines = [f"- {_before(change, part, notes)}" for part in parts if part.entry is not None]
    if lines:
        yield Block(["### Does it run well so far?", "", *lines, ""])


def _before(change: Change, part: Brought, notes: Mapping[str, Confirmation] | None) -> str:
    return _taken_back(part) + _seen_before(change, part, notes)


def _taken_back(part: Brought) -> str:
    """Return that this very release ran here and was rolled back, where that is so."""
    by = part.line.taken_back.get(part.entry.record.release.id) if part.entry else None
    if by is None or part.kind == "rollback":
        return ""
    why = plain(by.record.reason[:LONGEST_REASON])
    return f"**{part.where} had this release, and {code(by.name)} took it back: {why}.** "


def _seen_before(change: Change, part: Brought, notes: Mapping[str, Confirmation] | None) -> str:
    app, env = part.name, part.where
    if part.kind == "promote" and part.environment in change.settings.names:
        place = change.settings.before(part.environment) or part.environment
        line = change.before.line(place, part.app)
        if line.current is None:
            return f"{place} runs nothing of {app}."
        held = " It was rolled back there." if line.on_hold else ""
        return f"{app} in {place}: {_seen(line.current, notes)}{held}{_other(part, line.current)}"
    if part.kind == "rollback" and part.entry is not None:
        number = int((part.entry.record.from_ or "/0").rpartition("/")[2])
        target = part.line.find(number)
        if target is not None:
            return f"{app} goes back to what {env} had: {_seen(target, notes, 'ran')}"
    if part.kind in ("release", "hotfix"):
        return f"{app} comes from no other environment."
    return f"{app} stays where it is: {_seen(part.line.current, notes)}"


def _seen(entry: Entry | None, notes: Mapping[str, Confirmation] | None, runs: str = "runs") -> str:
    if entry is None:
        return "nothing runs there."
    what = f"model {plain(entry.record.release.model.version)} (record {entry.name})"
    if notes is None:
        return (
            f"**unknown** whether {what} {runs} well: no confirmation is in this clone "
            "(`git fetch origin` after `make setup` brings them)."
        )
    note = notes.get(entry.sha256)
    if note is None:
        call = f"deliver confirm {entry.app} --env {entry.environment}"
        return f"**unknown** whether {what} {runs} well: nobody has confirmed it (`{call}`)."
    when = note.time.replace("T", " ").removesuffix("Z")
    return f"**confirmed**: {what} was seen to run well at {when} UTC."


def _other(part: Brought, current: Entry) -> str:
    assert part.entry is not None
    if current.record.release.id == part.entry.record.release.id:
        return ""
    return " What is promoted here is an earlier model of that environment."
