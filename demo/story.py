"""The story that the demo tells, in order."""

from __future__ import annotations

import re

from .folder import PACKAGE, Place
from .predict import ask_prod
from .shell import chapter, tell_next

APPS = ("tumour-classifier", "progression-forecast")
TUMOUR = "tumour-classifier"
LINE = re.compile(r"^(inverse_regularisation = ).*", re.MULTILINE)
BETTER, WORSE = 1.0, 0.0003


def tell(place: Place) -> None:
    """Tell the whole story; raises StepError where it goes otherwise."""
    for app in APPS:
        first_model(place, app)
    better_model(place)
    worse_model(place)
    prediction(place)
    back_again(place)
    board(place)


def first_model(place: Place, app: str) -> None:
    """Train, build and release an app's first model, and take it to prod."""
    chapter(
        f"{app}: the first model",
        "`train` fits it in the app's own environment and notes it in MLflow; `build` puts it into",
        "an image; `release` has the image answer rows that training never saw, judges them, and",
        "writes what dev should run on a branch. Merging that branch is what delivers it.",
    )
    make(place, app)
    to_prod(place, app, "the first model")


def make(place: Place, app: str) -> None:
    """Train and build the model that main's code gives."""
    place.shell("deliver", "train", app)
    place.shell("deliver", "build", app)


def to_prod(place: Place, app: str, reason: str) -> None:
    """Release an app and promote it through every environment."""
    merge(place, place.shell("deliver", "release", app, "--reason", reason))
    for environment in ("staging", "prod"):
        out = place.shell("deliver", "promote", app, "--to", environment, "--reason", reason)
        merge(place, out)


def better_model(place: Place) -> None:
    """Bring a second, better version of one app to prod against its champion."""
    chapter(
        "A better model",
        "A student changes one line of the model's parameters. The code is reviewed and merged,",
        "which changes no cluster; then the new model has to be no worse than the one that each",
        "environment runs, on the same rows.",
    )
    change_parameter(place, BETTER)
    make(place, TUMOUR)
    to_prod(place, TUMOUR, "fits the data more closely")


def worse_model(place: Place) -> None:
    """Show a worse model refused, with its reason."""
    chapter(
        "A worse model is refused",
        "Somebody's change makes the model worse, and nobody notices in the review. The gate does:",
        "`release` writes nothing, says what it saw, and exits with 1.",
    )
    change_parameter(place, WORSE)
    make(place, TUMOUR)
    place.shell("deliver", "release", TUMOUR, "--reason", "it looked fine to me", expect=1)
    tell_next(["The change is taken back, as any other change is:"])
    change_parameter(place, BETTER)


def prediction(place: Place) -> None:
    """Ask the very image that prod pins."""
    chapter(
        "A prediction",
        "prod's manifests pin an image by its digest. Here it runs as in the cluster: read-only,",
        "without privileges; and answers over the Open Inference Protocol.",
    )
    ask_prod(place, TUMOUR)


def back_again(place: Place) -> None:
    """Roll prod back, and end the hold."""
    chapter(
        "Back again",
        "At night something is wrong in prod. A rollback restores the earlier record's manifests",
        "byte for byte; it asks neither MLflow nor a registry, and sets a hold that automation",
        "respects until `resume`.",
    )
    out = place.shell(
        "deliver", "rollback", TUMOUR, "--env", "prod", "--reason", "false alarms doubled"
    )
    merge(place, out)
    place.shell(
        "deliver", "promote", TUMOUR, "--to", "prod", "--reason", "but it was better", expect=1
    )
    out = place.shell(
        "deliver", "resume", TUMOUR, "--env", "prod", "--reason", "the sensor was at fault"
    )
    merge(place, out)


def board(place: Place) -> None:
    """Show what is where, and where to look next."""
    chapter("What is where", "All of it comes from Git alone.")
    place.shell("deliver", "status")
    place.shell("deliver", "history", TUMOUR, "--env", "prod")
    place.shell("deliver", "check")
    chapter("Where to look")
    tell_next(
        [
            f"cd {place.root}",
            "git log --oneline                      every change, in order",
            "releases/prod/tumour-classifier/       what Argo CD would read, and why it is there",
            "uv run deliver --help                  go on from here",
            "make services                          the registry and the MLflow page again",
        ]
    )


def merge(place: Place, printed: str) -> None:
    """Do what a pull request does: push, check against the base, merge."""
    found = re.search(r"on branch (\S+)", printed)
    assert found is not None, printed
    branch = found[1]
    shell = place.shell
    shell("git", "push", "--quiet", "origin", branch, show=False)
    shell("deliver", "check", "--base", "origin/main", "--head", branch)
    if branch.startswith("promote/prod/"):
        tell_next(["before prod, the trusted job scores the images again:"])
        shell("deliver", "gate", "--verify", "--base", "origin/main", "--head", branch)
    shell("git", "merge", "--quiet", "--squash", branch, show=False)
    message = shell("git", "log", "-1", "--format=%B", branch, show=False)
    shell("git", "commit", "--quiet", "--message", message, show=False)
    shell("git", "push", "--quiet", "origin", "main", show=False)
    shell("git", "branch", "--quiet", "-D", branch, show=False)
    shell("git", "push", "--quiet", "origin", "--delete", branch, show=False)
    tell_next([f"merged: {message.splitlines()[0]}"])


def change_parameter(place: Place, value: float) -> None:
    """Change one line of the model's parameters on a branch, check it, and merge it."""
    path = f"{PACKAGE}/tumour_classifier/parameters.toml"
    target, shell = place.root / path, place.shell
    branch = f"regularisation-{value}"
    shell("git", "switch", "--quiet", "--create", branch, show=False)
    target.write_text(LINE.sub(rf"\g<1>{value}", target.read_text()))
    shell("git", "diff", "--unified=0", "--", path)
    message = f"Set the tumour classifier's inverse regularisation to {value}"
    shell("git", "commit", "--quiet", "--message", message, "--", path, show=False)
    shell("deliver", "check", "--base", "origin/main", "--head", branch)
    shell("git", "switch", "--quiet", "main", show=False)
    shell("git", "merge", "--quiet", "--ff-only", branch, show=False)
    shell("git", "push", "--quiet", "origin", "main", show=False)
    shell("git", "branch", "--quiet", "-D", branch, show=False)
