"""Refusals for whoever never saw Kubernetes: what is wrong and what to do, in a sentence each.

A refusal that is not here is told in its own words, each hard one explained.
"""

from __future__ import annotations

from dataclasses import dataclass

from .words import capital

RENEW = (
    "close this pull request and delete its branch, fetch main (`git fetch origin`), and run "
    "again: {again}"
)
BY_HAND = (
    "undo what was changed by hand; or close this pull request, delete its branch, and write these "
    "files anew: {again}"
)
PUT_BACK = "put it back as main has it: `git checkout origin/main -- {file}`"
NOT_WRITTEN = (
    "`{file}` is not what `deliver` wrote: it was changed by hand, and it is read as proof",
    BY_HAND,
)
MAIN_FIRST = (
    "it is made of files that main does not hold in this form, so nobody has reviewed them",
    "merge those files first, by a pull request of their own; then run again: {again}",
)
OVERTAKEN = (
    "another change of {app} in {env} was merged first and took this one's place in the line",
    RENEW,
)
ADVICE: dict[str, tuple[str, str]] = {
    "gate-failed": (
        "the model was not shown to be good enough for {env}. {seen}",
        "{next}. Nobody can merge it as it is",
    ),
    "evidence-stale": (
        "the model was tested against how things stood then, and main has moved on since. {seen}",
        RENEW,
    ),
    "evidence-differs": (
        "testing the model again gives another result than the one that came with it. {seen}",
        RENEW,
    ),
    "question-differs": (
        "the program answers the known question (a small test after each change) otherwise than "
        "the answers that came with it",
        RENEW,
    ),
    "image-unsigned": (
        "the program that would run does not bear this project's signature. {seen}",
        "{next}",
    ),
    "scoring-unknown": (
        "whether the recorded test result is true could not be found out. {seen}",
        "{next}",
    ),
    "record-number": OVERTAKEN,
    "chain-broken": OVERTAKEN,
    "judge-and-judged": (
        "it brings a model and also changes the rules that decide about models. {seen}",
        "put the change of the rules into a pull request of its own and merge that first; then run "
        "again: {again}",
    ),
    "two-environments": (
        "it changes more than one environment, so that it is not plain what is approved. {seen}",
        "make a pull request for each environment, in the order {order}",
    ),
    "unknown-line": (
        "it brings files for an app or an environment that main does not have. {seen}",
        "merge the app (a folder in `apps/`) or the environment (in `delivery.yaml`) first",
    ),
    "manifests-without-record": (
        "files in `releases/{env}/{app}`, by which the app is run, were changed by hand, and "
        "nothing says why",
        "undo that; change `overlays/{env}/{app}` instead, have it merged, then run "
        "`deliver render --env {env} {app}`",
    ),
    "manifests-differ": (
        "a file by which the app is run is not what `deliver` wrote: `{file}`",
        "undo what was changed by hand; change `apps/` or `overlays/{env}/{app}` instead, have "
        "that merged, then run {again}",
    ),
    "current-differs": NOT_WRITTEN,
    "record-rewritten": (
        "`{file}` was merged before and says what ran; such a file is never changed",
        PUT_BACK,
    ),
    "record-removed": (
        "`{file}` was merged before and says what ran; such a file is never removed",
        PUT_BACK,
    ),
    "record-spelling": NOT_WRITTEN,
    "evidence-altered": NOT_WRITTEN,
    "evidence-broken": NOT_WRITTEN,
    "question-altered": NOT_WRITTEN,
    "evidence-missing": (
        "the test result of the model is not there: `{file}`",
        "run again, and add no file by hand: {again}",
    ),
    "unexpected-file": (
        "`{file}` does not belong there: in `releases/` nobody but `deliver` writes",
        "take it out: `git rm {file}`; if it is one of the files of `deliver`, put it back as that "
        "wrote it",
    ),
    "on-hold": (
        "{app} in {env} was taken back to an earlier model, and stays there until somebody says "
        "that the cause is mended",
        "find the cause (`deliver history {app} --env {env}`); then run `deliver resume {app} "
        '--env {env} --reason "…"`, merge that, and run again: {again}',
    ),
    "withdrawn": (
        "this model was taken back in {before} by a rollback, so it may go no further",
        "find out why (`deliver history {app} --env {before}`); a model that was mended is "
        "released anew",
    ),
    "never-accepted": (
        "this model never passed its test where it is said to come from. {seen}",
        "{next}",
    ),
    "skipped-environment": (
        "the model did not pass through {before}; each one goes through {order}, in this order",
        "{next}; when that is merged, go on from there",
    ),
    "nothing-to-promote": (
        "{env} has this very model already",
        "close this pull request: nothing is left to do",
    ),
    "secret-in-git": (
        "`{file}` holds passwords or keys, which all who can read the repository would have for "
        "good",
        "take it out of the commits, replace what was pushed, and refer to it by name "
        "(`docs/secrets.md`)",
    ),
    "pod-security": (
        "the app would run with more rights than any app here may have. {seen}",
        "set that field in the app's files as the apps do that came with this repository",
    ),
    "no-limits": (
        "the app does not say how much memory and how many processors it may take. {seen}",
        "{next}",
    ),
    "line-stopped": (
        "somebody has stopped all changes of {env}. {seen}",
        "wait until they go on, and have this check run again; who stopped it, and why, the "
        "history of `delivery.yaml` says",
    ),
    "frozen": (
        "{env} may not be changed at this time. {seen}",
        "wait: {next}; have this check run again then, for it does not by itself",
    ),
    "does-not-render": (
        "the files of the app do not fit together, so it cannot be said what would run. {seen}",
        "{next}",
    ),
    "not-of-main": MAIN_FIRST,
    "pin-not-on-main": MAIN_FIRST,
    "pin-altered": NOT_WRITTEN,
    "built-off-main": MAIN_FIRST,
    "foreign-image": (
        "the program that would run was not built here. {seen}",
        "{next}",
    ),
    "waiver-expired": (
        "a check was let through for a time, and the time is over. {seen}",
        "{next}",
    ),
    "holdout-altered": (
        "the test data were changed; every model is judged on the same rows. {seen}",
        "{next}",
    ),
    "app-vanished": (
        "it removes files of an app that runs. {seen}",
        "{next}",
    ),
    "argocd-not-current": (
        "`delivery.yaml` and the folder `argocd/` that is written from it do not agree. {seen}",
        "{next}",
    ),
    "broken-file": (
        "a file cannot be understood. {whole}",
        "{next}",
    ),
}


@dataclass(frozen=True)
class Place:
    """What the sentences may name: where a refusal was met, and what to call again."""

    app: str
    env: str
    before: str
    order: str
    file: str
    again: str


def advice(code: str, whole: str, seen: str, next_step: str, place: Place) -> tuple[str, str]:
    """Return what is wrong and what to do; hard words may stand in what the refusal said itself.

    `whole` is what was seen; `seen` is the same without the file that it may begin with.
    """
    wrong, todo = ADVICE.get(code, ("{whole}", "{next}"))
    words = {**vars(place), "whole": whole, "seen": capital(seen), "next": next_step}
    return _sentence(wrong.format(**words)), _sentence(todo.format(**words))


def _sentence(text: str) -> str:
    """Return text that ends as a sentence does."""
    text = text.strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."
