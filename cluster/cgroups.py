"""The cgroup below which a cluster's containers have theirs: of version 1 or 2."""

from __future__ import annotations

from pathlib import Path

from delivery.local.daemons import until

ROOT = Path("/sys/fs/cgroup")
PATIENCE_S = 10


def make(name: str) -> None:
    """Make it in every hierarchy that the machine has."""
    for hierarchy in hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)
        if (ROOT / "cgroup.controllers").exists():
            _hand_down(hierarchy)
            _hand_down(hierarchy / name)


def remove(name: str) -> None:
    """Remove it with all below it; its processes have ended, or are about to."""
    for hierarchy in hierarchies():
        until(lambda top=hierarchy / name: _removed(top), PATIENCE_S)  # type: ignore[misc]


def hierarchies() -> list[Path]:
    """Return where cgroups are: one place in version 2, one for each controller in version 1."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink()]


def _hand_down(group: Path) -> None:
    """Give a group's children every controller that the group has."""
    controllers = (group / "cgroup.controllers").read_text().split()
    (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def _removed(top: Path) -> bool:
    """Return whether it is gone; a group can only be removed after those below it."""
    if not top.exists():
        return True
    groups = [path for path in top.rglob("*") if path.is_dir()]
    for group in sorted([top, *groups], key=lambda path: len(path.parts), reverse=True):
        try:
            group.rmdir()
        except OSError:
            return False
    return True
