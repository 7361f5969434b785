"""What changes in a cluster, in words: two manifests folders compared, value by value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .objects import Shown

NONE = "none"
LONGEST = 60
"""Characters of a value in a sentence; the exact difference has all."""
KINDS = {
    "Deployment": "keeps the app's copies running",
    "StatefulSet": "keeps the app's copies running, each with a disk of its own",
    "Service": "the address under which the app is reached",
    "ServiceAccount": "the account that the app has in the cluster",
    "ConfigMap": "settings that the app reads",
    "Secret": "passwords or keys; these may not come from Git",
    "ExternalSecret": "fetches passwords or keys from where they are kept",
    "SealedSecret": "passwords or keys, encrypted for the cluster",
    "NetworkPolicy": "says who may talk to the app, and whom it may talk to",
    "PodDisruptionBudget": "says how many copies have to stay up while machines are serviced",
    "HorizontalPodAutoscaler": "adds and takes away copies as the load changes",
    "PersistentVolumeClaim": "a disk",
    "Ingress": "lets requests in from outside the cluster",
    "Job": "a program that runs once",
    "CronJob": "a program that runs at set times",
}
"""Kinds of objects in plain words."""
GPU = re.compile(r"\.limits\.[a-z.]+/gpu$")
FIELDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"^spec\.replicas$", "copies that run at once (replicas)"),
        (r"^spec\.minReplicas$", "fewest copies (replicas)"),
        (r"^spec\.maxReplicas$", "most copies (replicas)"),
        (r"containers\[[^]]*\]\.image$", "program with the model in it (image)"),
        (r"\.requests\.memory$", "memory kept free for each copy (request)"),
        (r"\.limits\.memory$", "most memory that each copy may take (limit)"),
        (r"\.requests\.cpu$", "processors kept free for each copy (request)"),
        (r"\.limits\.cpu$", "most processors that each copy may take (limit)"),
        (r"\.(?:requests|limits)\.[a-z.]+/gpu$", "graphics processors of each copy (GPU)"),
        (r"\.env\[([^]]*)\]\.value$", r"setting `\1` (environment variable)"),
        (r"\.env\[([^]]*)\]\.name$", ""),
        (r"\.env\[([^]]*)\]\.", r"setting `\1` (environment variable, from elsewhere)"),
        (r"\.(liveness|readiness|startup)Probe\.(.+)$", r"health check, `\1 \2`"),
        (r"^data\.(.+)$", r"settings file `\1`"),
        (r"^spec\.(ingress|egress)\b(.*)$", r"rule on who may talk to whom, `\1\2`"),
        (r"^spec\.minAvailable$", "copies that have to stay up"),
        (r"^spec\.maxUnavailable$", "copies that may be away"),
        (r"^(?:metadata|spec\.template\.metadata)\.labels\.(.+)$", r"label `\1`"),
        (r"^(?:metadata|spec\.template\.metadata)\.annotations\.(.+)$", r"note (annotation) `\1`"),
        (r"^(.*)$", r"field `\1`"),
    )
)
"""Words for a value by its path; the first that fits is taken."""


@dataclass(frozen=True)
class Changed:
    """One object that comes, goes or differs, with a sentence for each value that does."""

    how: str
    """`new`, `gone` or `changed`."""
    kind: str
    name: str
    sentences: tuple[str, ...] = ()

    @property
    def means(self) -> str:
        """The object's kind in plain words; empty for one that is not known."""
        return KINDS.get(self.kind, "")


def differences(old: Mapping[str, Shown], new: Mapping[str, Shown]) -> list[Changed]:
    """Return what a change does to the objects, by file; only ids that differ are no change.

    Of the objects that ask the known question only coming and going is told.
    """
    found = []
    for file in sorted(old.keys() | new.keys()):
        before, after = old.get(file), new.get(file)
        one = after or before
        assert one is not None
        if before is None or after is None:
            how = "new" if before is None else "gone"
            name = one.name if one.name != "?" else file
            found.append(Changed(how, one.kind, name))
        elif sentences := tuple(dict.fromkeys(_sentences(before, after))):
            found.append(
                Changed("changed", one.kind, one.name if one.name != "?" else file, sentences)
            )
    return found


def size(objects: Mapping[str, Shown]) -> list[str]:
    """Return a sentence for each workload: how many copies, and how much each may take."""
    scaled = {}
    for leaves in (one.leaves() for one in objects.values()):
        if "spec.maxReplicas" in leaves:
            least, most = (_value(leaves.get(f"spec.{end}Replicas", 1)) for end in ("min", "max"))
            target = leaves.get("spec.scaleTargetRef.name")
            scaled[target] = f"{least} to {most} copies (replicas), as many as the load asks for"
    found = []
    for one in objects.values():
        leaves = one.leaves()
        if one.kind in ("Deployment", "StatefulSet") or "spec.replicas" in leaves:
            copies = f"{_value(leaves.get('spec.replicas', 1))} copies (replicas)"
            found.append(scaled.pop(one.name, copies) + _each(leaves))
    return [*found, *scaled.values()]


def _each(leaves: Mapping[str, Any]) -> str:
    """Return what each copy may take of memory and of GPUs."""
    memory = [v for path, v in leaves.items() if path.endswith("limits.memory")]
    gpus = [v for path, v in leaves.items() if GPU.search(path)]
    each = [f"at most {_value(memory[0])} of memory"] if memory else []
    each += [f"{_value(gpus[0])} GPU (graphics processor)"] if gpus else []
    return f", each with {' and '.join(each)}" if each else ""


def _sentences(before: Shown, after: Shown) -> Iterator[str]:
    if before.data is None or after.data is None:
        if before != after:
            yield "it cannot be read, so nothing can be said of it"
        return
    if after.is_question and before.is_question:
        return
    old, new = before.leaves(), after.leaves()
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path), new.get(path)
        # `true` and 1 are equal in Python, and are not in YAML.
        if (type(was), was) != (type(now), now) and (words := _words(path)):
            yield f"{words}: {_told(was, now)}"


def _words(path: str) -> str:
    pattern, words = next((p, w) for p, w in FIELDS if p.search(path))
    found = pattern.search(path.replace("`", "'"))
    return found.expand(words) if found and words else ""


def _told(was: Any, now: Any) -> str:
    if isinstance(was, str) and isinstance(now, str):
        if "\n" in was or "\n" in now:
            return "other lines"
        name, _, digest = was.partition("@sha256:")
        if digest and now.startswith(f"{name}@sha256:"):
            return f"`{digest[:12]}` becomes `{now.rpartition(':')[2][:12]}`"
    return f"{_value(was)} becomes {_value(now)}"


def _value(value: Any) -> str:
    if value is None:
        return NONE
    text = " ".join(str(value).replace("`", "'").split())
    return f"`{text if len(text) <= LONGEST else text[:LONGEST] + '…'}`"
