"""`deliver gate`: the verdict alone, or the evidence of a change judged again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from ..canonical import canonical
from ..console import Say
from ..errors import Refused, Unknown
from ..evidence import Evidence, Judged, TrainedOn, parse_evidence
from ..files import write
from ..gate import PLOTS, Case, Scorer, Verdict, differences, judge, known_question, same_question
from ..git import Repository, Snapshot
from ..judging import champion_of, compared_on
from ..ledger import Entry, question_path, read_ledger, record_path
from ..models.signing import require_signed
from ..records import ACCEPTING
from ..settings import read_settings
from ..waivers import require_in_force
from ..workplace import Workplace

MEASURED = "measured.json"


def judge_for(
    workplace: Workplace,
    app: str,
    environment: str,
    candidate: Judged,
    logged: dict[str, float] | None,
    scorer: Scorer,
    today: date,
    trained_on: TrainedOn | None = None,
) -> Verdict:
    """Return the verdict on a candidate for an environment as main has it.

    Raises Refused (`waiver-expired`) where main has a waiver for it that is over `today`, in UTC.
    """
    owner = workplace.app(app)
    champion = champion_of(workplace.ledger.line(environment, app))
    compared = compared_on(workplace.main, workplace.ledger, app, candidate.release)
    given = candidate, champion, logged, scorer, trained_on, compared
    case = Case.of(owner, environment, *given)
    require_in_force(case.waivers, today)
    return judge(case)


class GateFailed(Refused):
    """The verdict is not PASS; it goes along, so that its report can be shown.

    Where nothing failed and the rows could not tell, the status is that of "could not tell".
    """

    def __init__(self, verdict: Verdict) -> None:
        evidence = verdict.evidence
        if verdict.outcome == "INCONCLUSIVE":
            self.exit_code = Unknown.exit_code
        bad = next(check for check in verdict.checks if check.blocks)
        super().__init__(
            "gate-failed",
            f"{evidence.app} for {evidence.environment}: {bad.name} is {bad.outcome}. "
            f"{bad.sentence}",
            "Only a release that passes its gate enters an environment.",
            bad.next or "train a better model",
        )
        self.verdict = verdict


def require_pass(verdict: Verdict) -> None:
    """Raise GateFailed, naming the first check that did not pass, unless the verdict is PASS."""
    if verdict.outcome != "PASS":
        raise GateFailed(verdict)


def write_files(verdict: Verdict, folder: Path) -> None:
    """Write a verdict's files into a folder, each whole; docs/gate.md says what each is for.

    What an earlier verdict wrote and this one has no data for is taken away.
    """
    files = {
        "evidence.json": verdict.evidence.dump(),
        "report.md": verdict.report.encode(),
        "model-card.md": verdict.card.encode(),
        "junit.xml": verdict.junit,
        **verdict.plots,
    }
    if verdict.measured:
        files[MEASURED] = canonical([one.model_dump(mode="json") for one in verdict.measured])
    for name, data in files.items():
        write(folder / name, data)
    for name in {*PLOTS, MEASURED} - files.keys():
        (folder / name).unlink(missing_ok=True)


def verify(
    repository: Repository,
    base: str,
    head: str,
    make_scorer: Callable[[], Scorer],
    say: Say,
    today: date,
) -> list[Entry]:
    """Return the accepted records of a change after scoring each again.

    The judge's inputs are those of the merge base; a scorer, and so a container engine, is asked
    for only where there is something to score. Raises Refused (`evidence-differs`) where the
    committed evidence is not what scoring gives, (`question-differs`) where a new release's known
    question is not what its image answers, and (`image-unsigned`), before an image is run, where
    the merge base asks for a signature that it does not have.
    """
    merged = repository.snapshot(repository.merge_base(base, head))
    head_files = repository.snapshot(head)
    settings = read_settings(merged)
    before = read_ledger(merged)
    workplace = Workplace(repository, merged, settings)
    judged = []
    for line in read_ledger(head_files):
        known = len(before.line(line.environment, line.app).entries)
        for entry in line.entries[known:]:
            if entry.record.kind not in ACCEPTING:
                continue
            path = record_path(entry.environment, entry.app, entry.number, "evidence.json")
            stated = parse_evidence(head_files.load([path])[path], path)
            require_signed(settings, merged, entry.record.release.image)
            say(f"{entry.app} {entry.name}: scoring again")
            scorer = make_scorer()
            _verify_one(workplace, entry, stated, path, scorer, today)
            if entry.record.kind == "release":
                _verify_question(workplace, entry, head_files, scorer)
            judged.append(entry)
    return judged


def _verify_one(
    workplace: Workplace, entry: Entry, stated: Evidence, path: str, scorer: Scorer, today: date
) -> None:
    candidate = Judged.of(entry.record.release)
    is_new = entry.record.kind == "release"
    # What training said lies in MLflow, which whoever judges again need not reach: it is taken as
    # stated, and has to lead to the same outcome.
    logged = stated.inputs.logged if is_new else None
    trained_on = stated.inputs.trained_on if is_new else None
    where = entry.app, entry.environment
    found = judge_for(workplace, *where, candidate, logged, scorer, today, trained_on)
    apart = differences(stated, found.evidence)
    if apart:
        raise Refused(
            "evidence-differs",
            f"{path}: {apart[0]}.{_why(found)}",
            "Committed evidence has to be what the trusted job finds by scoring again.",
            "delete the branch and run the same deliver command again; never edit evidence",
        )
    require_pass(found)


def _verify_question(workplace: Workplace, entry: Entry, head: Snapshot, scorer: Scorer) -> None:
    """Refuse a question that the image answers otherwise: after a sync it would prove nothing."""
    path = question_path(entry.app, entry.record)
    tolerance = workplace.app(entry.app).file.tolerance
    found = known_question(scorer, entry.record.release.image, tolerance)
    if not same_question(head.find(path) or b"", found):
        raise Refused(
            "question-differs",
            f"{path} is not what asking the image again gives.",
            "The known question holds the answers of the release's image, and the app's tolerance.",
            "delete the branch and run the same deliver command again; never edit it",
        )


def _why(found: Verdict) -> str:
    """Return what scoring again found wrong, in a sentence; nothing where it passed."""
    bad = [check for check in found.evidence.checks if check.blocks]
    return f" {bad[0].name} is {bad[0].outcome}: {bad[0].sentence}" if bad else ""
