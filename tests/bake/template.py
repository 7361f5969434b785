"""The template as Git knows it: what is committed, changed or new, and nothing that is ignored.

`python -m tests.bake.template` writes expected-files.txt anew.
"""

from __future__ import annotations

import fnmatch
import json
import shutil
import subprocess
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[2]
FOLDER = "{{cookiecutter.project_slug}}"
PACKAGE = "{{cookiecutter.package_name}}"
EXPECTED = Path(__file__).with_name("expected-files.txt")
PATTERNS: list[str] = json.loads((ROOT / "cookiecutter.json").read_bytes())["_copy_without_render"]


def git(*words: str | Path, cwd: Path = ROOT) -> str:
    """Return what git answered; identity and signing do not depend on the machine."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    command = ["git", *identity, "-c", "commit.gpgsign=false", *words]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def known_files(folder: Path = ROOT) -> list[str]:
    """Return the paths that are in the index or could be added to it, and are there."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=folder)
    # While a merge waits, Git lists a path once for each side.
    return sorted({path for path in listed.split("\0") if path and (folder / path).is_file()})


def copy_template(target: Path) -> Path:
    """Return a repository of one commit that holds the template as it stands in the work tree."""
    for path in known_files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path)
    git("init", "--quiet", "--initial-branch=main", cwd=target)
    git("add", "--all", cwd=target)
    git("commit", "--quiet", "--message", "Template", cwd=target)
    return target


def bake(template: Path, out: Path, **answers: str) -> Path:
    """Return the repository that the answers give; raises FailedHookException for a bad answer."""
    out.mkdir(parents=True, exist_ok=True)
    config = out.with_name(f"{out.name}-config.yaml")
    config.write_text(f"replay_dir: {out}-replay\ncookiecutters_dir: {out}-cookiecutters\n")
    return Path(
        cookiecutter(
            str(template),
            no_input=True,
            extra_context=answers,
            output_dir=str(out),
            config_file=str(config),
        )
    )


def files(folder: Path) -> list[str]:
    """Return every file below a folder, but Git's own."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if path.parts[0] != ".git")


def verbatim(path: str) -> bool:
    """Return whether a path of the template's folder is copied as it is."""
    return any(fnmatch.fnmatch(path, pattern) for pattern in PATTERNS)


def template_files() -> list[str]:
    """Return the paths inside the template's folder, not yet rendered."""
    return [path.removeprefix(f"{FOLDER}/") for path in known_files() if path.startswith(FOLDER)]


def expected_files(package: str) -> list[str]:
    """Return the files that a bake has to give, from the committed list."""
    return [line.replace(PACKAGE, package) for line in EXPECTED.read_text().splitlines()]


if __name__ == "__main__":
    EXPECTED.write_text("".join(f"{path}\n" for path in template_files()))
