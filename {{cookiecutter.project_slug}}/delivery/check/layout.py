"""Rules on files: what may lie in `releases/`, and what a change may do to what lies there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..errors import DeliveryError, Refused
from ..git import Snapshot
from ..ledger import ROOT, Line, record_path, vanished
from ..records import ACCEPTING
from .change import Change

FILE = re.compile(
    rf"{ROOT}/[a-z][-a-z0-9]*/[a-z][-a-z0-9]*/"
    r"(current\.yaml|records/\d{4}\.(yaml|evidence\.json|question\.json)|"
    r"manifests/[a-z0-9][-a-z0-9.]*\.yaml)"
)
KEPT = {f"{ROOT}/README.md"}


def judge_and_judged(change: Change) -> Iterator[DeliveryError]:
    """A change of the judge judges no release, its own least of all (DESIGN section 3)."""
    if change.judge_paths and change.release_paths:
        yield Refused(
            "judge-and-judged",
            f"{change.judge_paths[0]} and {change.release_paths[0]} change together.",
            "One pull request may not bring a release and change what judges it.",
            "take them apart: merge the judge's change first, then run the verb again",
        )


def one_environment(change: Change) -> Iterator[DeliveryError]:
    """A change adds records to one environment (rule 2)."""
    found = sorted({environment for environment, _ in change.touched})
    if len(found) > 1:
        yield Refused(
            "two-environments",
            f"the change touches releases/ of {' and '.join(found)}.",
            "A pull request changes one environment, so that what is approved is plain.",
            "make one pull request for each environment, in order",
        )


def known_lines(change: Change) -> Iterator[DeliveryError]:
    """Records belong to an environment and an app that the base knows."""
    for environment, app in change.touched:
        known = (
            environment in change.settings.names and f"apps/{app}/app.yaml" in change.base.entries
        )
        if not known:
            yield Refused(
                "unknown-line",
                f"releases/{environment}/{app} is of no environment and app on the base.",
                "Environments stand in delivery.yaml, apps in apps/; both are merged first.",
                "merge the environment or the app first",
            )


def apps_stay(change: Change) -> Iterator[DeliveryError]:
    """An app with a record in force keeps its app.yaml and its overlay (rule 8)."""
    for line in change.after:
        gone = vanished(change.head, line)
        if gone and any(f"{path}/".startswith(f"{gone}/") for path in change.paths):
            yield app_vanished(line, gone)


def app_vanished(line: Line, gone: str) -> Refused:
    """Return the refusal of an app that runs and lacks a part of what it is made of."""
    return Refused(
        "app-vanished",
        f"{gone} is gone, while {line.app} runs in {line.environment}.",
        "An app leaves an environment by a record, never by removing its files.",
        f"restore {gone} from an earlier commit",
    )


def only_known_files(change: Change) -> Iterator[DeliveryError]:
    """Below `releases/` lie plain files that `deliver` writes, and nothing else (rule 1)."""
    yield from unexpected_files(change.head, change.release_paths)


def unexpected_files(snapshot: Snapshot, paths: list[str]) -> Iterator[DeliveryError]:
    """Yield a refusal for each path that is no file of a record or its manifests."""
    for path in paths:
        entry = snapshot.entries.get(path)
        if entry is None or path in KEPT:
            continue
        if not FILE.fullmatch(path) or entry.mode != "100644":
            yield Refused(
                "unexpected-file",
                f"{path} (mode {entry.mode}) is nothing that deliver writes.",
                "releases/ holds records, their evidence and rendered manifests, as plain files.",
                f"remove it: git rm {path}",
            )
    yield from _strangers(snapshot, paths)


def _strangers(snapshot: Snapshot, paths: list[str]) -> Iterator[DeliveryError]:
    """Evidence and questions stand beside a record that has its own verdict, and only there."""
    for path in paths:
        if path not in snapshot.entries or not path.endswith(".json") or not FILE.fullmatch(path):
            continue
        record = path.split(".", 1)[0] + ".yaml"
        if record not in snapshot.entries:
            yield Refused(
                "unexpected-file",
                f"{path} stands beside no record.",
                "Evidence belongs to a record.",
                f"remove it: git rm {path}",
            )


def append_only(change: Change) -> Iterator[DeliveryError]:
    """What the base holds in a records folder is in the head, byte for byte."""
    for path in change.release_paths:
        if path in change.base.entries and "/records/" in path:
            gone = path not in change.head.entries
            yield Refused(
                "record-removed" if gone else "record-rewritten",
                f"{path} was merged before and is {'gone' if gone else 'changed'}.",
                "Records are append-only: they say what ran and why.",
                f"restore it: git checkout {change.base.commit[:12]} -- {path}",
            )


def one_new_record(change: Change) -> Iterator[DeliveryError]:
    """A touched line has exactly one new record, with the next number."""
    for old, new in change.lines():
        known = {entry.path for entry in old.entries}
        added = [entry.number for entry in new.entries if entry.path not in known]
        expected = (old.newest.number if old.newest else 0) + 1
        where = f"releases/{new.environment}/{new.app}"
        if not added and any("/records/" not in path for path in _changed(change, new)):
            yield Refused(
                "manifests-without-record",
                f"{where} changes, but no record says why.",
                "What Argo CD reads changes by a record: rendered by deliver, judged, numbered.",
                f"undo and commit it (git checkout {change.base.commit[:12]} -- {where}); change "
                f"overlays/{new.environment}/{new.app} instead, merge it, and `deliver render`",
            )
        elif added and added != [expected]:
            got = ", ".join(f"{number:04}" for number in added)
            yield Refused(
                "record-number",
                f"{where} gets record {got}; the next is {expected:04}.",
                "Records are numbered without gaps, one a pull request.",
                "take main in, delete the branch, and run the deliver command again",
            )


def _changed(change: Change, line: Line) -> list[str]:
    start = f"{ROOT}/{line.environment}/{line.app}/"
    return [path for path in change.release_paths if path.startswith(start)]


def own_evidence(change: Change) -> Iterator[DeliveryError]:
    """A new record has evidence and question beside it exactly where its kind is judged."""
    for old, new in change.lines():
        for entry in new.entries[len(old.entries) :]:
            for suffix in ("evidence.json", "question.json"):
                path = record_path(entry.environment, entry.app, entry.number, suffix)
                there = path in change.head.entries
                if there != (entry.record.kind in ACCEPTING):
                    yield Refused(
                        "evidence-missing" if not there else "unexpected-file",
                        f"{path} {'should not be' if there else 'is not'} there.",
                        "Releases, promotions and hotfixes bring a verdict; others rest on one.",
                        "run the deliver command again; never add or remove files by hand",
                    )
