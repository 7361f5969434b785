"""A repository with many apps and records, as months of deliveries leave it.

Git, records, evidence and notes are in their own forms; what they are about is made up, and nothing
is rendered: for readers of records alone.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from delivery.argocd.notes import Confirmation
from delivery.argocd.refs import NOTES
from delivery.canonical import sha256
from delivery.evidence import Champion, CheckResult, Evidence, HoldoutRef, Inputs, Judged
from delivery.ledger import record_path
from delivery.policy import Limit, Policy
from delivery.process import run
from delivery.proposal import overlay_on_main, place, renderer
from delivery.records import ACCEPTING, EvidenceRef, Kind, Record, Release, release_id
from delivery.workplace import Workplace

from tests.delivery.world import KUSTOMIZE_APP, World

PEOPLE = ("Ada Lovelace", "Grace Hopper", "Chien-Shiung Wu", "Sofja Kowalewskaja", "Ω <script>")
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""When the sources of the apps were merged."""
DAY, BETWEEN = timedelta(days=1), timedelta(hours=1.7)
STORY: tuple[tuple[Kind, str, int], ...] = (
    *(("release", "dev", 1), ("promote", "staging", 1), ("promote", "prod", 1)),
    *(("release", "dev", 2), ("promote", "staging", 2), ("release", "dev", 3)),
    *(("promote", "staging", 3), ("promote", "prod", 3), ("rollback", "prod", 1)),
    *(("release", "dev", 4), ("resume", "prod", 1), ("promote", "staging", 4)),
)
"""What befell an app, step by step: kind, environment, and the model's version.

A rollback befell one app in eight; the others go on, and `resume` follows a rollback alone.
"""
METRICS = {"accuracy": 0.90, "brier": 0.09, "roc_auc": 0.93}
POLICY = Policy(
    metrics={
        "accuracy": Limit(floor=0.87, margin=0.06),
        "brier": Limit(margin=0.03),
        "roc_auc": Limit(floor=0.87),
    }
)
REASONS = ("better recall in women under 50", "fewer false alarms", "retrained on the data of May")
CHECKS = 30


@dataclass
class Writer:
    """What `git fast-import` reads: commits on main, each with files, and notes on them."""

    parent: str
    parts: list[bytes] = field(default_factory=list)
    marks: int = 0

    def write(self, world: World) -> None:
        """Bring all of it into a repository, and its work tree to the newest commit."""
        run("git", "fast-import", "--quiet", "--force", cwd=world.root, stdin=b"".join(self.parts))
        world.git("reset", "--quiet", "--hard")

    def commit(self, when: datetime, who: str, files: Mapping[str, bytes], note: str = "") -> None:
        """Add a commit, and a note on it unless that is empty."""
        self.marks += 1
        origin = self.parent if self.marks == 1 else f":{self.marks - 1}"
        self._begin("refs/heads/main", when, who, f"mark :{self.marks}\n")
        self.parts.append(f"from {origin}\n".encode())
        for path, data in files.items():
            self.parts += [f"M 100644 inline {path}\n".encode(), _data(data)]
        if note:
            self._note(when, note)

    def _note(self, when: datetime, note: str) -> None:
        self._begin(NOTES, when, "CI", "")
        self.parts += [f"N inline :{self.marks}\n".encode(), _data(note.encode())]

    def _begin(self, ref: str, when: datetime, who: str, mark: str) -> None:
        stamp = f"{when.timestamp():.0f} +0000"
        name = who.replace("<", "(").replace(">", ")")
        self.parts.append(
            f"commit {ref}\n{mark}committer {name} <x@example.com> {stamp}\n".encode()
        )
        self.parts.append(_data(b"deliver\n"))


@dataclass
class Chronicler:
    """Writes the records of apps whose sources are on main already."""

    work: Workplace
    writer: Writer
    records: dict[tuple[str, str], list[Record]] = field(default_factory=lambda: defaultdict(list))

    def tell(self, app: str, step: int, when: datetime) -> None:
        """Add the record of a step of an app's story."""
        kind, env, version = STORY[step]
        line = self.records[env, app]
        number = len(line) + 1
        release = self._release(app, version)
        evidence = self._evidence(app, env, release, line) if kind in ACCEPTING else None
        record = self._record(app, kind, env, release, evidence)
        path = record_path(env, app, number)
        files = {path: record.dump()}
        if evidence is not None:
            files[record_path(env, app, number, "evidence.json")] = evidence.dump()
        line.append(record)
        self.writer.commit(when, _one_of(PEOPLE, app, step), files, self._note(record, when))

    def _note(self, record: Record, when: datetime) -> str:
        """Return a confirmation, but of every tenth record."""
        if self.writer.marks % 10 == 9:
            return ""
        seen = f"{when + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"
        ran = Confirmation(
            record=sha256(record.dump()), revision="b" * 40, outcome="confirmed", time=seen
        )
        return ran.line() + "\n"

    def _record(
        self, app: str, kind: Kind, env: str, release: Release, evidence: Evidence | None
    ) -> Record:
        line = self.records[env, app]
        overlay, _ = overlay_on_main(self.work, env, app)
        rests_on = EvidenceRef(record=f"{env}/0001", sha256=sha256(b"earlier"))
        if evidence is not None:
            name = f"{env}/{len(line) + 1:04}"
            rests_on = EvidenceRef(record=name, sha256=sha256(evidence.dump()))
        elif line:
            rests_on = line[0].evidence
        return Record.model_validate(
            {
                "kind": kind,
                "release": release,
                "overlay": overlay,
                "settings": place(self.work.settings.environment(env)),
                "renderer": renderer(self.work.settings),
                "manifests": sha256(f"{app} {env} {release.id}".encode()),
                "evidence": rests_on,
                "from": self._origin(app, kind, env),
                "reason": _one_of(REASONS, app, len(line)),
                "change": f"CHG-{100 + len(line)}" if env == "prod" else None,
                "previous": sha256(line[-1].dump()) if line else None,
            }
        )

    def _origin(self, app: str, kind: Kind, env: str) -> str | None:
        if kind == "promote":
            before = self.work.settings.before(env)
            return f"{before}/{len(self.records[before or '', app]):04}"
        if kind == "rollback":
            return f"{env}/0001"
        return f"{env}/{len(self.records[env, app]):04}" if kind == "resume" else None

    def _release(self, app: str, version: int) -> Release:
        image = f"registry.example.com/acme/{app}@{sha256(f'{app} {version}'.encode())}"
        model, question = sha256(f"model {app} {version}".encode()), sha256(b"question")
        main = self.work.main.commit
        pin = {"sha256": sha256(b"deploy"), "tree": "d" * 40, "commit": main}
        path = f"apps/{app}/deploy"
        made = dict.fromkeys(("code", "lock", "data", "server", "base"), sha256(b"made"))
        return Release.model_validate(
            {
                "id": release_id(image, model, {path: pin["sha256"]}, question),
                "image": image,
                "model": {"digest": model, "name": app, "version": str(version), "run": "0" * 32},
                "sources": {path: pin},
                "question": {"sha256": question},
                "built_from": {"commit": main, **made},
            }
        )

    def _evidence(self, app: str, env: str, release: Release, line: list[Record]) -> Evidence:
        version = int(release.model.version)
        ours = _metrics(app, version)
        theirs = _metrics(app, int(line[-1].release.model.version)) if line else None
        champion = None
        if line:
            told = Judged.of(line[-1].release).model_dump()
            champion = Champion(record=f"{env}/{len(line):04}", **told)
        drawn = 2 if version > 2 and _share(app, "holdout") < 0.3 else 1
        holdout = HoldoutRef(
            features=sha256(f"f{drawn}".encode()), labels=sha256(f"l{drawn}".encode()), rows=171
        )
        return Evidence(
            app=app,
            environment=env,
            inputs=Inputs(
                candidate=Judged.of(release),
                champion=champion,
                holdout=holdout,
                policy=POLICY.sha256,
                logged=None,
            ),
            policy=POLICY.model_dump(mode="json"),
            metrics={"candidate": ours} | ({"champion": theirs} if theirs else {}),
            intervals={name: _bounds(value) for name, value in ours.items()},
            checks=list(_checks(ours)),
            outcome="PASS",
        )


def chronicled(world: World, apps: int, records: int) -> World:
    """Return the repository with so many apps and records in all, one every few hours.

    Of two apps the overlay in dev changed since, and is pending.
    """
    names = [f"{KUSTOMIZE_APP}-{number:03}" for number in range(1, apps + 1)]
    before = Writer(world.git("rev-parse", "HEAD"))
    before.commit(START, PEOPLE[0], dict(_sources(world, names)))
    before.write(world)
    writer = Writer(world.git("rev-parse", "HEAD"))
    chronicler = Chronicler(world.work, writer)
    whens = (START + DAY + at * BETWEEN for at in count())
    steps = ((name, step) for step in range(len(STORY)) for name in names if _befell(name, step))
    for (name, step), when in zip(islice(steps, records), whens, strict=False):
        chronicler.tell(name, step, when)
    writer.commit(next(whens), PEOPLE[1], dict(_pending(world, names[:2])))
    writer.write(world)
    return world


def _befell(name: str, step: int) -> bool:
    """Return whether a step is of an app's story: in one of eight a rollback and its end are."""
    return STORY[step][0] not in ("rollback", "resume") or int(name[-3:]) % 8 == 3


def _pending(world: World, names: list[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        path = f"overlays/dev/{name}/kustomization.yaml"
        yield path, (world.root / path).read_bytes() + b"# more of it\n"


def _sources(world: World, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the files of apps that are one of the template's under other names."""
    tops = ["apps", *(f"overlays/{env}" for env in world.work.settings.names)]
    for top in tops:
        folder = world.root / top / KUSTOMIZE_APP
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "holdout" not in path.parts:
                rest = path.relative_to(folder)
                for name in names:
                    yield f"{top}/{name}/{rest}", path.read_bytes()


def _checks(metrics: Mapping[str, float]) -> Iterator[CheckResult]:
    for number in range(CHECKS):
        name, value = sorted(metrics.items())[number % len(metrics)]
        yield CheckResult(
            name=f"slice-{number}-{name}",
            outcome="PASS",
            part="slices",
            figures={"estimate": value, "limit": 0.87, "rows": 171},
            sentence=f"{name} of the rows with column {number} below 12.5 is {value:.4f}.",
        )


def _metrics(app: str, version: int) -> dict[str, float]:
    return {
        name: round(value + 0.006 * version + 0.03 * (_share(app, name, version) - 0.5), 6)
        for name, value in METRICS.items()
    }


def _bounds(value: float) -> dict[str, tuple[float, float]]:
    low, high = round(value - 0.03, 6), round(min(value + 0.02, 1), 6)
    return {"candidate": (low, high), "difference": (-0.01, 0.02)}


def _share(*words: object) -> float:
    """Return a number from 0 to 1 that depends on words alone."""
    return hashlib.sha256(repr(words).encode()).digest()[0] / 255


def _one_of(choices: tuple[str, ...], *words: object) -> str:
    return choices[int(_share(*words) * len(choices)) % len(choices)]


def _data(data: bytes) -> bytes:
    return f"data {len(data)}\n".encode() + data + b"\n"
