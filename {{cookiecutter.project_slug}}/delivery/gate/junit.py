"""Evidence as JUnit XML, which every CI shows."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ..evidence import CheckResult, Evidence

TAGS = {"FAIL": "failure", "INCONCLUSIVE": "failure", "ERROR": "error", "SKIPPED": "skipped"}


def junit(evidence: Evidence) -> bytes:
    """Return one suite with a case for each check; equal evidence gives equal bytes."""
    name = f"gate {evidence.app} {evidence.environment}"
    tags = [TAGS.get(check.outcome) for check in evidence.checks]
    counts = {
        "tests": len(tags),
        "failures": tags.count("failure"),
        "errors": tags.count("error"),
        "skipped": tags.count("skipped"),
    }
    numbers = {key: str(value) for key, value in counts.items()}
    suites = ET.Element("testsuites", {"name": "deliver", **numbers})
    suite = ET.SubElement(suites, "testsuite", {"name": name, **numbers})
    for check in evidence.checks:
        _case(suite, check, name)
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(suite: ET.Element, check: CheckResult, classname: str) -> None:
    case = ET.SubElement(suite, "testcase", {"name": check.name, "classname": classname})
    tag = TAGS.get(check.outcome)
    if tag is None:
        return
    found = ET.SubElement(case, tag, {"message": check.sentence, "type": check.outcome})
    if check.next:
        found.text = f"Next: {check.next}"
