"""Refuse answers that would break the repository, before a file of it is written."""

import json
import keyword
import re
import sys

ANSWERS: dict[str, str] = json.loads({{cookiecutter | tojson | tojson}})
TAKEN = {"apps", "argocd", "charts", "components", "delivery", "docs", "mlflow", "numpy"}
TAKEN |= {"overlays", "pandas", "releases", "scipy", "sklearn", "tests"}
TAKEN |= {*keyword.kwlist, *sys.stdlib_module_names}
PATH = r"[A-Za-z0-9._~%+/-]"
HOST = r"[A-Za-z0-9.-]+(:\d+)?"

# question: (pattern of a good answer, the rule in words, a valid example)
RULES = {
    "project_name": (
        r"\S(.{0,58}\S)?",
        "one line of 1 to 60 printable characters, no space at its ends",
        "Acme Models",
    ),
    "project_slug": (
        r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
        "a DNS label: lower-case letters, digits, hyphens, a letter first, at most 40 characters",
        "acme-models",
    ),
    "package_name": (
        r"[a-z][a-z0-9_]{0,59}",
        "a lower-case Python name, no keyword, no module of Python or of this repository",
        "acme_models",
    ),
    "repo_url": (
        rf"(https?://{HOST}/|ssh://([\w-]+@)?{HOST}/|git@[\w.-]+:|file://|/){PATH}+"
        r"(?:\.git|/_git/[\w.-]+)",
        "a Git URL by http(s), ssh, git@ or file, or an absolute path; it ends in .git or "
        "/_git/name and holds no password",
        "https://github.com/acme/acme-models.git",
    ),
    "registry": (
        r"(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(?=:))(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+",
        "host[:port]/path in lower case, with a path, without a scheme or a slash at the end",
        "ghcr.io/acme",
    ),
    "mlflow_uri": (
        rf"sqlite:///{PATH}+|https?://{HOST}(/{PATH}*)?",
        "sqlite:/// and a path, or a server's http(s) URL without a password",
        "https://mlflow.acme.example",
    ),
    "owner": (r"@[A-Za-z0-9-]+(/[\w.-]+)?", "@org/team or @user, as GitHub spells it", "@acme/ml"),
}

refused = 0
for question, (pattern, rule, example) in RULES.items():
    answer = ANSWERS[question]
    taken = question == "package_name" and answer in TAKEN
    if taken or not answer.isprintable() or not re.fullmatch(pattern, answer, re.ASCII):
        refused = 1
        line = f"{question}: {answer!r} is refused. Rule: {rule}. Example: {example}"
        print(line, file=sys.stderr)
sys.exit(refused)
