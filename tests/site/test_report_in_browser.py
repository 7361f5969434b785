"""The report as a page, under the policy by which Jenkins shows what it keeps.

REPORT_SHOTS=<folder> keeps what was seen as pictures.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from delivery.verbs.report import write_files

from tests.delivery.reported import Reported
from tests.delivery.world import bake
from tests.site.browser import look, served, wrong

pytestmark = pytest.mark.slow
JENKINS = "default-src 'none'; img-src 'self'; style-src 'self';"
"""Without its `sandbox`, in which no script runs, that of axe neither.

See: `DirectoryBrowserSupport.DEFAULT_CSP_VALUE` of Jenkins.
"""


def test_report_is_a_page_that_jenkins_shows(tmp_path: Path, modules: Path) -> None:
    world = Reported(bake(tmp_path / "bake"))
    world.deliver_to("staging", 1)
    world.deliver_to("staging", 2)
    accepted = world.release(3).branch
    world.merge(world.rollback("staging"))
    made = accepted, world.promote_anyway("prod", "staging/0002")
    for head in made:
        write_files(world.report(head), tmp_path / "seen" / head.replace("/", "-"))
    shots = os.environ.get("REPORT_SHOTS")
    pages = [f"{head.replace('/', '-')}/report.html" for head in made]
    with served(tmp_path / "seen", {"Content-Security-Policy": JENKINS}) as url:
        seen = look(modules, url, pages, Path(shots) if shots else None)
    assert wrong(seen) == {}
    assert all(one["styled"] and one["rules"] > 10 for one in seen)
