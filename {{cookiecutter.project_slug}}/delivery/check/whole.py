"""The whole repository, offline: every digest, the chain, and the work tree against HEAD."""

from __future__ import annotations

from collections.abc import Iterator

from ..app import read_app
from ..canonical import sha256
from ..current import current_path, expected_current
from ..errors import DeliveryError, Refused
from ..evidence import parse_evidence
from ..git import LINK_MODES, Repository, Snapshot
from ..ledger import (
    ROOT,
    Entry,
    Ledger,
    Line,
    manifests_folder,
    read_ledger,
    record_path,
    vanished,
)
from ..records import ACCEPTING, manifests_digest
from ..settings import Settings, read_settings
from .argocd import not_current
from .layout import app_vanished, unexpected_files
from .owners import owners_not_current
from .records import current_differs
from .secrets import secrets_in
from .waivers import sound_waivers


def whole(repository: Repository) -> list[DeliveryError]:
    """Return every refusal about HEAD's `releases/`, hold-outs and sources, and the work tree.

    Reads Git objects only: no network, no model, no rendering, so a pinned tree that is gone or a
    renderer that changed since is no fault of an old record.
    """
    head = repository.snapshot("HEAD")
    settings = read_settings(head)
    ledger = read_ledger(head)
    paths = [*head.paths(ROOT), *([ROOT] if ROOT in head.entries else [])]
    head.load(path for path in paths if head.entries[path].mode not in LINK_MODES)  # one process
    found = list(unexpected_files(head, paths))
    found += _work_tree(repository)
    for line in ledger:
        found += _line(head, settings, ledger, line)
    found += _orphans(head, ledger)
    found += _apps(head, settings, ledger)
    found += sound_waivers(head, settings)
    found += not_current(head, settings)
    found += owners_not_current(head, settings)
    found += secrets_in(head, head.entries)
    return found


def _work_tree(repository: Repository) -> Iterator[DeliveryError]:
    words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored")
    out = repository.git(*words, "--", ROOT, "apps").stdout.decode("utf-8", "replace")
    changed = [row[3:] for row in out.split("\0") if row]
    for path in changed:
        rule = "releases/ is written by deliver, on branches, and by nobody else."
        if path.startswith("apps/"):
            folder, inside, _ = path.partition("/holdout/")
            # One that is drawn again has another holdout.yaml, whose digests hold once committed.
            if not inside or f"{folder}/holdout.yaml" in changed:
                continue
            rule = "A hold-out is drawn once; every model is judged on the same rows."
        yield Refused(
            "work-tree-differs",
            f"{path} differs from HEAD.",
            rule,
            f"git restore --staged --worktree -- {path} (or remove it, if it is new)",
        )


def _line(
    head: Snapshot, settings: Settings, ledger: Ledger, line: Line
) -> Iterator[DeliveryError]:
    previous: Entry | None = None
    for number, entry in enumerate(line.entries, start=1):
        yield from _entry(head, settings, ledger, line, entry)
        if entry.number != number:
            yield _refused(entry, "record-number", f"it stands at place {number}.")
        if entry.record.previous != (previous.sha256 if previous else None):
            before = f"the digest of {previous.name}" if previous else "absent"
            yield _refused(entry, "chain-broken", f"`previous` is not {before}.")
        previous = entry
    path = current_path(line.environment, line.app)
    if previous is not None and head.find(path) != expected_current(line):
        yield current_differs(path, previous)
    yield from _manifests(head, line)


def _entry(
    head: Snapshot, settings: Settings, ledger: Ledger, line: Line, entry: Entry
) -> Iterator[DeliveryError]:
    record = entry.record
    if record.dump() != entry.data:
        yield _refused(entry, "record-spelling", "these are not the bytes that deliver writes.")
    if record.release.id != record.release.computed_id():
        yield _refused(entry, "release-id", "the id is not the digest of the release's content.")
    if record.kind in ACCEPTING:
        yield from _verdict(head, entry)
    elif not any(
        e.record.kind in ACCEPTING and e.record.evidence == record.evidence
        for e in line.entries
        if e.number < entry.number
    ):
        yield _refused(entry, "never-accepted", "no earlier record here brought its evidence.")
    if record.kind == "promote":
        yield from _origin(settings, ledger, entry)


def _origin(settings: Settings, ledger: Ledger, entry: Entry) -> Iterator[DeliveryError]:
    before = settings.before(entry.environment) if entry.environment in settings.names else None
    env, _, number = (entry.record.from_ or "/0").partition("/")
    source = ledger.line(env, entry.app).find(int(number))
    if env != before or source is None or source.record.release != entry.record.release:
        yield _refused(entry, "skipped-environment", f"`from` is {entry.record.from_}.")


def _verdict(head: Snapshot, entry: Entry) -> Iterator[DeliveryError]:
    stated = entry.record.evidence
    expected = {
        "evidence.json": stated.sha256 if stated.record == entry.name else "",
        "question.json": entry.record.release.question.sha256,
    }
    for suffix, digest in expected.items():
        path = record_path(entry.environment, entry.app, entry.number, suffix)
        data = head.find(path)
        if data is None or sha256(data) != digest:
            code = "evidence-altered" if suffix.startswith("evidence") else "question-altered"
            yield _refused(entry, code, f"{path} is not what it names.")
        elif suffix == "evidence.json":
            try:
                found = parse_evidence(data, path)
            except Refused as err:
                yield err
                continue
            if found.outcome != "PASS":
                yield _refused(entry, "gate-failed", f"its verdict is {found.outcome}.")


def _manifests(head: Snapshot, line: Line) -> Iterator[DeliveryError]:
    if line.newest is None or line.newest.record.kind == "retire":
        return
    folder = manifests_folder(line.environment, line.app)
    try:
        files = dict(head.folder(folder).files)
    except Refused as err:
        yield err
        return
    if manifests_digest(files) != line.newest.record.manifests:
        yield Refused(
            "manifests-differ",
            f"{folder} is not what {line.newest.path} says.",
            "Argo CD reads exactly the bytes that the record in force names.",
            f"see who changed it: git log -p -- {folder}",
        )


def _orphans(head: Snapshot, ledger: Ledger) -> Iterator[DeliveryError]:
    for environment in head.folders(ROOT):
        for app in head.folders(f"{ROOT}/{environment}"):
            if not ledger.line(environment, app).entries:
                yield Refused(
                    "manifests-without-record",
                    f"{ROOT}/{environment}/{app} has no record.",
                    "Argo CD would run what no record explains.",
                    f"remove it: git rm -r {ROOT}/{environment}/{app}",
                )


def _apps(head: Snapshot, settings: Settings, ledger: Ledger) -> Iterator[DeliveryError]:
    for name in head.folders("apps"):
        if f"apps/{name}/app.yaml" in head.entries:
            try:
                app = read_app(head, settings, name)
                if f"{app.folder}/holdout.yaml" in head.entries:
                    app.holdout()  # compares its digests
            except DeliveryError as err:
                yield err
    for line in ledger:
        gone = vanished(head, line)
        if gone:
            yield app_vanished(line, gone)


def _refused(entry: Entry, code: str, seen: str) -> Refused:
    return Refused(
        code,
        f"{entry.path}: {seen}",
        "Records are append-only and bound by digests; this one was altered after it was written.",
        f"compare with main: git log -p -- {entry.path}",
    )
