"""Putting together what a new record brings, and writing it on a branch of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from . import RENDERER
from .app import App, read_app
from .canonical import short
from .current import current_file, current_path
from .errors import Refused
from .evidence import Evidence, evidence_digest
from .git import NOTHING, Folder, Snapshot, differences, pinned_folder, shallow
from .ledger import Entry, Line, manifests_folder, record_path
from .records import (
    EvidenceRef,
    Kind,
    Overlay,
    Pin,
    Place,
    Record,
    Release,
    RendererPin,
    manifests_digest,
    parse_record,
)
from .rendering import Recipe, find_tools, render
from .settings import Environment, Settings, read_settings
from .validation import allowed_kinds, require_gpu_image, validate
from .workplace import Workplace

REQUESTED = "Requested-by"
"""The trailer of a commit that names who asked for it, as somebody who pressed a button."""


@dataclass(frozen=True)
class Step:
    """One app's part of a proposal: its new record and every file that comes or goes with it."""

    environment: str
    app: str
    number: int
    record: Record
    files: Mapping[str, bytes | None]

    @property
    def name(self) -> str:
        """The new record's name, such as `prod/0007`."""
        return f"{self.environment}/{self.number:04}"


@dataclass(frozen=True)
class Proposal:
    """Steps written as one commit on one branch, to be reviewed and merged."""

    branch: str
    commit: str
    """Empty where nothing was to be written."""
    steps: Sequence[Step]

    @property
    def subject(self) -> str:
        """The first line of its commit, which its pull request is called by."""
        kind, environment = self.steps[0].record.kind, self.steps[0].environment
        models = (f"{one.app} model {one.record.release.model.version}" for one in self.steps)
        return f"{kind}({environment}): " + ", ".join(models)


def place(env: Environment) -> Place:
    """Return the part of an environment's settings that manifests depend on."""
    return Place(namespace=env.namespace, kubernetes=env.kubernetes)


def renderer(settings: Settings) -> RendererPin:
    """Return the versions that render today."""
    pinned = settings.renderer
    return RendererPin(kustomize=pinned.kustomize, helm=pinned.helm, deliver=RENDERER)


def overlay_folder(workplace: Workplace, environment: str, app: str) -> Folder:
    """Return the files of an app's overlay on main; raises Refused (`no-overlay`)."""
    path = f"overlays/{environment}/{app}"
    if not workplace.main.paths(path):
        raise Refused(
            "no-overlay",
            f"{path} is not on {workplace.settings.main}.",
            "An app is in an environment when it has an overlay there.",
            f"add {path} (copy that of another environment), merge it, call again",
        )
    return workplace.main.folder(path)


def overlay_on_main(workplace: Workplace, environment: str, app: str) -> tuple[Overlay, Folder]:
    """Return an app's overlay on main, as a record names it and as files; raises Refused."""
    folder = overlay_folder(workplace, environment, app)
    tree = workplace.main.tree(f"overlays/{environment}/{app}")
    assert tree is not None  # a folder with files has one
    return Overlay(tree=tree, sha256=folder.sha256), folder


def source_digests(workplace: Workplace, app: App) -> dict[str, str]:
    """Return our digest of each folder that a release of an app pins, as main has it."""
    return {path: workplace.main.folder(path).sha256 for path in app.source_paths}


def pin_sources(workplace: Workplace, app: App) -> dict[str, Pin]:
    """Return a pin for each folder that a release of an app holds, as main has them."""
    pins = {}
    for path, sha in source_digests(workplace, app).items():
        tree = workplace.main.tree(path)
        if tree is None:
            raise Refused(
                "no-sources",
                f"{path} is not on {workplace.settings.main}.",
                "A release pins the manifests' sources of its app.",
                f"commit {path} and merge it",
            )
        pins[path] = Pin(sha256=sha, tree=tree, commit=workplace.main.commit)
    return pins


def built_as(workplace: Workplace, app: str, release: Release) -> App:
    """Return an app as the commit has it that a release's image was built from."""
    then = workplace.repository.snapshot(release.built_from.commit)
    return read_app(then, read_settings(then), app)


def source_folders(workplace: Workplace, release: Release) -> dict[str, Folder]:
    """Return the folders that a release pins; raises Refused (`pin-altered`), Unknown if gone."""
    found = {}
    for path, pin in release.sources.items():
        folder = pinned_folder(workplace.repository, path, pin.tree)
        if folder.sha256 != pin.sha256:
            raise Refused(
                "pin-altered",
                f"{path}: tree {pin.tree[:12]} has {folder.sha256[:19]}…, "
                f"the release says {pin.sha256[:19]}….",
                "A release is rendered from exactly the bytes that it pins.",
                "fetch the repository anew; if it stays so, tell its owners",
            )
        found[path] = folder
    return found


def compose(
    workplace: Workplace,
    line: Line,
    kind: Kind,
    release: Release,
    *,
    reason: str,
    change: str | None,
    from_: str | None,
    evidence: EvidenceRef,
    question: bytes,
    beside: Mapping[str, bytes],
) -> Step:
    """Return the step that renders a release for an environment as main has it today.

    `question` is the release's known question; `beside` holds what stands beside the record, by
    suffix (`evidence.json`, `question.json`).
    Raises Refused for inputs that are not closed and for manifests that break rule 5.
    """
    env = workplace.settings.environment(line.environment)
    overlay, folder = overlay_on_main(workplace, line.environment, line.app)
    pin, where = renderer(workplace.settings), place(env)
    recipe = Recipe(
        environment=line.environment,
        app=line.app,
        sources=source_folders(workplace, release),
        overlay=folder,
        place=where,
        renderer=pin,
        release=release,
        question=question,
    )
    manifests = render(recipe, find_tools(workplace.settings.renderer))
    validate(manifests, where, allowed_kinds(workplace.main, line.environment))
    require_gpu_image(manifests, lambda: built_as(workplace, line.app, release))
    record = Record.model_validate(
        {
            "schema": 1,
            "kind": kind,
            "release": release,
            "overlay": overlay,
            "settings": where,
            "renderer": pin,
            "manifests": manifests_digest(manifests),
            "evidence": evidence,
            "from": from_,
            "reason": reason,
            "change": change,
            "previous": None if line.newest is None else line.newest.sha256,
        }
    )
    return step(workplace, line, record, manifests, beside)


def compose_judged(
    workplace: Workplace,
    line: Line,
    kind: Kind,
    release: Release,
    *,
    reason: str,
    change: str | None,
    from_: str | None,
    evidence: Evidence,
    question: bytes,
) -> Step:
    """Return the step of a kind that brings its verdict along: evidence and question beside it."""
    data = evidence.dump()
    name = f"{line.environment}/{next_number(line):04}"
    return compose(
        workplace,
        line,
        kind,
        release,
        reason=reason,
        change=change,
        from_=from_,
        evidence=EvidenceRef(record=name, sha256=evidence_digest(data)),
        question=question,
        beside={"evidence.json": data, "question.json": question},
    )


def step(
    workplace: Workplace,
    line: Line,
    record: Record,
    manifests: Mapping[str, bytes],
    beside: Mapping[str, bytes],
) -> Step:
    """Return the files that a record brings.

    That is itself, what is beside it, `current.yaml`, and manifests old and new.
    """
    number = next_number(line)
    folder = manifests_folder(line.environment, line.app)
    files: dict[str, bytes | None] = dict.fromkeys(workplace.main.paths(folder))
    files |= {f"{folder}/{name}": data for name, data in manifests.items()}
    for suffix, data in beside.items():
        files[record_path(line.environment, line.app, number, suffix)] = data
    files[record_path(line.environment, line.app, number)] = record.dump()
    path = current_path(line.environment, line.app)
    files[path] = current_file(line.environment, line.app, number, record)
    return Step(line.environment, line.app, number, record, files)


def branch_name(kind: Kind, lines: Sequence[Line]) -> str:
    """Return the name of the branch for the next record of each line, all of one environment."""
    steps = (f"{line.app}-{next_number(line):04}" for line in lines)
    return f"{kind}/{lines[0].environment}/" + "+".join(steps)


def next_number(line: Line) -> int:
    """Return the number that the next record of a line gets."""
    return 1 if line.newest is None else line.newest.number + 1


def propose(workplace: Workplace, steps: Sequence[Step]) -> Proposal:
    """Write steps of one kind and environment as a commit on a branch off main.

    A branch that holds the very same steps is taken as it is, where the workplace allows it.
    """
    kind, env = steps[0].record.kind, steps[0].environment
    branch = branch_name(kind, [workplace.ledger.line(env, step.app) for step in steps])
    made = Proposal(branch, "", steps)
    if workplace.branches == "none":
        return made
    tips = () if workplace.branches == "new" else workplace.repository.tips(branch)
    standing = next((tip for tip in tips if _holds(workplace, tip, steps)), None)
    if standing is None:
        files = {path: data for one in steps for path, data in one.files.items()}
        standing = workplace.repository.write_branch(
            branch,
            workplace.main.commit,
            files,
            _message(made, workplace.requested_by),
            replace=workplace.branches == "replace",
        )
    else:  # as after the first call, where it is origin's alone
        workplace.repository.git(
            "update-ref", f"refs/heads/{branch}", standing, NOTHING, check=False
        )
    return Proposal(branch, standing, steps)


def _message(made: Proposal, requested_by: str) -> str:
    body = [f"{s.app} {s.name}: release {short(s.record.release.id)}" for s in made.steps]
    body += ["", f"Reason: {made.steps[0].record.reason}"]
    if made.steps[0].record.change:
        body.append(f"Change: {made.steps[0].record.change}")
    asked = requested(requested_by)
    return "\n".join([made.subject, "", *body, *(["", asked] if asked else [""])])


def requested(by: str) -> str:
    """Return the trailer that names who asked, with the end of its line; empty for nobody."""
    return f"{REQUESTED}: {' '.join(by.split())}\n" if by.strip() else ""


def _holds(workplace: Workplace, commit: str, steps: Sequence[Step]) -> bool:
    """Return whether a commit brings these steps already, and nothing else.

    Floats in evidence may differ by processor, and with them what names it by its digest.
    """
    repository = workplace.repository
    base = repository.snapshot(repository.merge_base(workplace.main.commit, commit))
    head = repository.snapshot(commit)
    files = {path: data for one in steps for path, data in one.files.items()}
    loose = {path for one in steps for path in _by_evidence(one)}
    if differences(base.entries, head.entries).keys() - files.keys():
        return False
    return all(_same_record(head, one) for one in steps) and all(
        head.find(path) == data for path, data in files.items() if path not in loose
    )


def _by_evidence(one: Step) -> Iterator[str]:
    for suffix in ("yaml", "evidence.json"):
        yield record_path(one.environment, one.app, one.number, suffix)
    yield current_path(one.environment, one.app)


def _same_record(head: Snapshot, one: Step) -> bool:
    path = record_path(one.environment, one.app, one.number)
    data = head.find(path)
    if data is None:
        return False
    found = parse_record(data, path)
    return found.model_copy(update={"evidence": one.record.evidence}) == one.record


def manifests_of(workplace: Workplace, entry: Entry) -> dict[str, bytes]:
    """Return the manifests that a record brought, byte for byte, out of Git's history.

    Raises Unknown (`history-missing`) where this clone does not reach back far enough.
    """
    words = ["log", "-1", "--diff-filter=A", "--format=%H", workplace.main.commit, "--", entry.path]
    commit = workplace.repository.git(*words).text
    if commit:
        folder = manifests_folder(entry.environment, entry.app)
        # That folder alone: of the sources of old, nothing need be left.
        files = pinned_folder(workplace.repository, folder, f"{commit}:{folder}").files
        if manifests_digest(dict(files)) == entry.record.manifests:
            return dict(files)
    raise shallow(f"the manifests of {entry.app} {entry.name} are not in this clone.")
