"""The first three lines: what is to happen, whether it may, and what to do now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ..check import Report
from ..check.change import Change
from ..errors import DeliveryError
from .approving import approvals, waits
from .bringing import Brought, command
from .plain import Place, advice
from .verdict import code, plain
from .words import capital, explained

State = Literal["accepted", "refused", "unknown", "preview"]
HEADS: dict[State, str] = {
    "accepted": "✅ May be merged",
    "refused": "❌ Refused",
    "unknown": "❔ Could not be told",
    "preview": "❔ Preview only",
}
NOTHING = "nothing that runs changes"
LATER = (
    "What it changes of apps and their settings comes to run later, by `deliver release`, "
    "`promote` or `render`."
)
FOLLOWS = frozenset({"current-differs", "manifests-differ", "record-spelling"})
"""What mostly follows from something else that is wrong, and so is not told first."""
SUBJECT = re.compile(r"\b(?:releases|overlays)/([a-z][-a-z0-9]*)/([a-z][-a-z0-9]*)")
FILE = re.compile(r"([\w.-]+(?:/[\w.@*-]*[\w*])+)(?=[\s:.,]|$)")


def state_of(found: Report) -> State:
    """Return what the rules said in one word."""
    if found.findings:
        return "refused" if found.exit_code == 1 else "unknown"
    return "preview" if found.preview else "accepted"


def ordered(found: Report) -> list[DeliveryError]:
    """Return what was found; last what mostly follows from something else."""
    return sorted(found.findings, key=lambda finding: finding.code in FOLLOWS)


def title(change: Change, parts: Sequence[Brought]) -> str:
    """Return what is to happen, from where to where, in a few words of Markdown."""
    told = [_subject(part) for part in parts]
    if len(told) > 3:
        told = [*told[:2], f"{len(told) - 2} more apps"]
    return "; ".join(told) or _folders(change)


def _folders(change: Change) -> str:
    """Return where a change of sources lies, for a title."""
    names = dict.fromkeys(path.partition("/")[0] for path in change.paths)
    some = [code(name) for name in [*names][:3]]
    return f"a change of {', '.join(some)}{' and more' if len(names) > 3 else ''}"


def _subject(part: Brought) -> str:
    app, env = part.name, part.where
    came = (part.entry.record.from_ if part.entry else None) or "nowhere"
    kinds = {
        "release": f"{app}, model {_model(part)}, new in {env}",
        "promote": f"{app}, model {_model(part)}, from {came.partition('/')[0]} to {env}",
        "hotfix": f"{app}, model {_model(part)}, straight to {env}",
        "configure": f"other settings of {app} in {env}",
        "rerender": f"{app} in {env}, its files written by other tools",
        "rollback": f"{app} in {env}, back from model {part.replaced} to model {_model(part)}",
        "resume": f"{app} in {env}, no longer kept from changing",
        "retire": f"{app} leaves {env}",
    }
    return kinds.get(part.kind, f"{app} in {env}")


def _model(part: Brought) -> str:
    return plain(part.model)


def first_lines(change: Change, found: Report, parts: Sequence[Brought]) -> list[str]:
    """Return the heading and, below it, one line or two."""
    state = state_of(found)
    if state in ("refused", "unknown"):
        first = ordered(found)[0]
        wrong, todo = told(change, first, parts)
        more = len(found.findings) - 1
        rest = f" ({more} more below.)" if more else ""
        name = f"`{first.code}`"
        head = f"## {HEADS[state]}: {title(change, parts)}"
        lead = "What is wrong" if state == "refused" else "What could not be told"
        return [head, f"**{lead}:** {wrong} ({name})", f"**What to do:** {todo}{rest}"]
    once = " once approved" if state == "accepted" and waits(change, parts) else ""
    happens = " ".join([*(_happens(part) for part in parts[:3]), _rules(state)])
    return [
        f"## {HEADS[state]}{once}: {title(change, parts) if parts else NOTHING}",
        happens if parts else f"It touches no file in `releases/`. {_rules(state)} {LATER}",
        f"**What to do:** {approvals(change, parts)}",
    ]


def _rules(state: State) -> str:
    if state == "preview":
        return (
            "All rules hold, but by another `delivery/` (the program that decides) than main's: "
            "the required check decides by main's."
        )
    return "All rules hold."


def _happens(part: Brought) -> str:
    app, env = part.name, part.where
    if part.kind == "rollback":
        return (
            f"{app} in {env} gets back all of what ran before, model {_model(part)} with its "
            "settings, and stays so until `deliver resume`."
        )
    if part.kind == "resume":
        return f"{app} in {env} keeps what runs, and may be promoted to again."
    if part.kind in ("configure", "rerender"):
        return f"{app} in {env} keeps model {_model(part)}."
    if part.kind == "retire":
        return f"All of {app} goes from {env}."
    place = f"in place of model {plain(part.replaced)}" if part.replaced else "as the first there"
    if part.replaced == part.model:
        place = "as before, in a new release (its program or its files are other ones)"
    return f"In {env}, model {_model(part)} of {app} runs {place}{_passed(part)}."


def _passed(part: Brought) -> str:
    if part.evidence is None:
        return ""
    checks = part.evidence.checks
    counts = {name: sum(check.outcome == name for check in checks) for name in ("PASS", "WAIVED")}
    waived = f", **{counts['WAIVED']} were waived**" if counts["WAIVED"] else ""
    return f": {counts['PASS']} checks of it passed{waived}"


def told(change: Change, finding: DeliveryError, parts: Sequence[Brought]) -> tuple[str, str]:
    """Return what is wrong and what to do, for whoever never saw Kubernetes, as Markdown."""
    head, _, rest = finding.seen.partition(": ")
    bare = rest if rest and FILE.fullmatch(head) else finding.seen
    place = _place(change, finding.seen, bare, parts)
    words = plain(finding.seen), plain(bare), plain(finding.next_step)
    wrong, todo = advice(finding.code, *words, place)
    return capital(explained(wrong)), capital(explained(todo))


def _place(change: Change, seen: str, bare: str, parts: Sequence[Brought]) -> Place:
    named, file = SUBJECT.search(seen), FILE.search(bare) or FILE.search(seen)
    env, app = (named[1], named[2]) if named else ("", "")
    mine = [p for p in parts if (p.environment, p.app) == (env, app)] or list(parts[:1])
    if mine and not named:
        env, app = mine[0].environment, mine[0].app
    names = change.settings.names
    before = change.settings.before(env) if env in names else None
    same = [p for p in parts if mine and (p.environment, p.kind) == (env, mine[0].kind)]
    return Place(
        app=_name(app) or "the app",
        env=_name(env) or "the environment",
        before=before or "the environment before",
        order=", ".join(names),
        file=file[1].replace("`", "'") if file else "a file",
        again=command(same if mine and mine[0].kind == "promote" else mine)
        if mine
        else "`deliver`",
    )


def _name(text: str) -> str:
    """Return a folder's name as it may stand in code, too; a change may name a folder anything."""
    return re.sub(r"[^a-z0-9-]", "?", text)
