"""Models that try to trick the judge, in real containers."""

from __future__ import annotations

import pytest

from bench.gate.tricks import tricks

SOME = ("NaN for one row", "an endless loop", "forking", "a pickle that writes a file on the host")


@pytest.mark.slow
@pytest.mark.xdist_group("containers")
def test_no_trick_passes_and_nothing_runs_outside_the_container() -> None:
    found = tricks(SOME)
    assert found == {"tricks": len(SOME), "tricks_passed": 0, "tricks_outside": 0}
