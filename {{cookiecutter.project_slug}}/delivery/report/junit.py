"""The verdict on a change as JUnit XML: a case for each refusal, and for each check of a gate."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from ..check import Report
from ..errors import Unknown, printable
from ..gate.junit import dumped, suite, suites_of
from .bringing import secrets
from .first_lines import ordered
from .hiding import without
from .page import Page


def junit(page: Page) -> bytes:
    """Return a suite of the rules, and one for each verdict that comes along; nothing secret."""
    suites = [_rules(page.found)]
    for part in page.parts:
        if part.evidence is not None:
            suites += suites_of(part.evidence)
    hidden = list(secrets(page.parts))
    for each in (one for top in suites for one in top.iter()):
        each.text = each.text and without(printable(each.text), hidden)
        each.attrib = {k: without(printable(v), hidden) for k, v in each.attrib.items()}
    return dumped(suites)


def _rules(found: Report) -> ET.Element:
    """Return the suite of a check: what was found, or that all rules hold."""
    return suite("rules", list(_cases(found)))


def _cases(found: Report) -> Iterator[ET.Element]:
    for one in ordered(found):
        tag = "error" if isinstance(one, Unknown) else "failure"
        yield _case(one.code, tag, one.seen, f"{one.rule}\nNext: {one.next_step}")
    if found.preview:
        seen = "It was judged by another delivery/ than main's."
        yield _case("judge", "error", seen, "Next: see the required check, which decides")
    elif not found.findings:
        yield _case("all rules hold")


def _case(name: str, tag: str = "", seen: str = "", text: str = "") -> ET.Element:
    """Return a case that passed, or with a tag that says how it did not."""
    case = ET.Element("testcase", {"name": name, "classname": "rules"})
    if tag:
        ET.SubElement(case, tag, {"message": seen, "type": name}).text = text
    return case
