"""Evidence as JUnit XML, which every CI shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from ..evidence import CheckResult, Evidence

TAGS = {
    "FAIL": "failure",
    "INCONCLUSIVE": "failure",
    "ERROR": "error",
    "WAIVED": "skipped",
    "SKIPPED": "skipped",
}
COUNTED = (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))
"""What did not pass, and the attribute that counts it."""


def junit(evidence: Evidence, measured: Sequence[CheckResult] = ()) -> bytes:
    """Return a suite with a case for each check, and one for what was measured, if anything was.

    Equal evidence without measurements gives equal bytes.
    """
    return dumped(list(suites_of(evidence, measured)))


def suites_of(evidence: Evidence, measured: Sequence[CheckResult] = ()) -> Iterator[ET.Element]:
    """Yield the suites of evidence and of what was measured; none for what has no check."""
    where = f"{evidence.app} {evidence.environment}"
    for name, checks in ((f"gate {where}", evidence.checks), (f"measured {where}", measured)):
        if checks:
            yield suite(name, [_case(check, name) for check in checks])


def suite(name: str, cases: Sequence[ET.Element]) -> ET.Element:
    """Return a suite of cases, which it counts."""
    tags = [child.tag for case in cases for child in case]
    counts = {"tests": len(cases), **{counted: tags.count(tag) for tag, counted in COUNTED}}
    found = ET.Element("testsuite", {"name": name, **{k: str(n) for k, n in counts.items()}})
    found.extend(cases)
    return found


def dumped(suites: Sequence[ET.Element]) -> bytes:
    """Return suites as a file, with the sums of what they count."""
    counted = ("tests", *(name for _, name in COUNTED))
    sums = {name: str(sum(int(one.attrib[name]) for one in suites)) for name in counted}
    root = ET.Element("testsuites", {"name": "deliver", **sums})
    root.extend(suites)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _tag(check: CheckResult) -> str | None:
    """Return the tag of an outcome: what is only reported is no failure, as it blocks nothing."""
    tag = TAGS.get(check.outcome)
    return tag if tag is None or check.blocks else "skipped"


def _case(check: CheckResult, classname: str) -> ET.Element:
    case = ET.Element("testcase", {"name": check.name, "classname": classname})
    if tag := _tag(check):
        found = ET.SubElement(case, tag, {"message": check.sentence, "type": check.outcome})
        if check.next:
            found.text = f"Next: {check.next}"
    return case
