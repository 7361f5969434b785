"""Evidence as JUnit XML, which every CI shows."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ..evidence import CheckResult, Evidence

TAGS = {
    "FAIL": "failure",
    "INCONCLUSIVE": "failure",
    "ERROR": "error",
    "WAIVED": "skipped",
    "SKIPPED": "skipped",
}


def junit(evidence: Evidence, measured: Sequence[CheckResult] = ()) -> bytes:
    """Return a suite with a case for each check, and one for what was measured, if anything was.

    Equal evidence without measurements gives equal bytes.
    """
    where = f"{evidence.app} {evidence.environment}"
    named = {f"gate {where}": evidence.checks, f"measured {where}": measured}
    suites = ET.Element("testsuites", {"name": "deliver", **_counts(evidence.checks, measured)})
    for name, checks in named.items():
        if checks:
            suite = ET.SubElement(suites, "testsuite", {"name": name, **_counts(checks)})
            for check in checks:
                _case(suite, check, name)
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _counts(*groups: Sequence[CheckResult]) -> dict[str, str]:
    tags = [_tag(check) for checks in groups for check in checks]
    counts = {
        "tests": len(tags),
        "failures": tags.count("failure"),
        "errors": tags.count("error"),
        "skipped": tags.count("skipped"),
    }
    return {key: str(value) for key, value in counts.items()}


def _tag(check: CheckResult) -> str | None:
    """Return the tag of an outcome: what is only reported is no failure, as it blocks nothing."""
    tag = TAGS.get(check.outcome)
    return tag if tag is None or check.blocks else "skipped"


def _case(suite: ET.Element, check: CheckResult, classname: str) -> None:
    case = ET.SubElement(suite, "testcase", {"name": check.name, "classname": classname})
    tag = _tag(check)
    if tag is None:
        return
    found = ET.SubElement(case, tag, {"message": check.sentence, "type": check.outcome})
    if check.next:
        found.text = f"Next: {check.next}"
