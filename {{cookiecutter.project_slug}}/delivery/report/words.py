"""Words that whoever never saw Kubernetes has to be told, explained where they first stand."""

from __future__ import annotations

import re
from collections.abc import Iterable

WORDS = {
    "manifests?": "files that tell the cluster what to run",
    "overlays?": "files with what differs in one environment",
    "clusters?": "the machines that run the apps",
    "pods?": "a running copy of the app",
    "replicas?": "running copies of the app",
    "containers?": "a packed program that runs by itself",
    "images?": "the packed program with the model in it",
    "namespaces?": "an environment's own part of the cluster",
    "Kubernetes": "the system that runs the apps on many machines",
    "Argo CD(?:'s)?": "the program that brings what is merged into the cluster",
    "AppProjects?": "the list of what Argo CD may do",
    "ApplicationSets?": "the list of apps that Argo CD brings",
    "kustomize": "a program that puts manifests together",
    "helm": "a program that fills manifests from values",
    "charts?": "a folder of patterns that several apps share",
    "Deployments?": "keeps the app's copies running",
    "ConfigMaps?": "settings that the app reads",
    "Secrets?": "an object with passwords or keys",
    "Services?": "the address of the app",
    "NetworkPolic(?:y|ies)": "says who may talk to whom",
    "render(?:s|ed|ing)?": "writing those files out from apps/ and overlays/",
    "hold-outs?": "test data that training never saw",
    "champions?": "the model that runs there now",
    "candidates?": "the model that is to come",
    "evidence": "the recorded test result",
    "records?": "a file in releases/ that says what was brought where, and why",
    "merge base": "the commit of main that the change started from",
}
FOUND = re.compile(rf"(?<![\w`/.-])(?:{'|'.join(WORDS)})(?![\w`/-]|\.\w)")
PATH = re.compile(
    r"(?<![\w`/.:@-])(?:"
    r"[\w.-]+(?:/[\w.*-]+)*/[\w.*-]*[\w*/](?:@sha256:\w+)?"  # a file, a folder, an image
    r"|[\w-]+(?:\.[\w-]+)*\.(?:ya?ml|json|csv|md)\b"
    r"|[A-Za-z]+(?:\[\w+\])?(?:\.[A-Za-z]+(?:\[\w+\])?){2,}"  # a field, such as spec.template.spec
    r")"
)
"""What is shown as code: files, folders, images, fields."""


def explained(text: str, known: Iterable[str] = ()) -> str:
    """Return text with each of the words explained once, in brackets, where it first stands.

    What is code is left as it is; paths become code. `known` are words that were explained before.
    """
    seen = {_key(word) for word in known}

    def explain(found: re.Match[str]) -> str:
        key = _key(found[0])
        if key in seen:
            return found[0]
        seen.add(key)
        return f"{found[0]} ({WORDS[key]})"

    parts = re.split(r"(`[^`]*`)", _paths(text))
    return "".join(p if p.startswith("`") else FOUND.sub(explain, p) for p in parts)


def _paths(text: str) -> str:
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else PATH.sub(r"`\g<0>`", p) for p in parts)


def capital(text: str) -> str:
    """Return text with a capital first, unless it begins with a name."""
    first = text.split(" ", 1)[0]
    return text if re.search(r"[^a-z,]", first) else text[:1].upper() + text[1:]


def _key(word: str) -> str:
    return next(key for key in WORDS if re.fullmatch(key, word))
