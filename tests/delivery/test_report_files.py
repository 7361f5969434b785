"""The report as files: a page that nothing in it can turn into another, and JUnit XML."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from delivery.cli import app
from delivery.report.html import html
from delivery.report.junit import junit
from delivery.verbs.report import write_files
from typer.testing import CliRunner

from tests.delivery.reported import Reported
from tests.delivery.world import KUSTOMIZE_APP, NOW

CANARY = "hunter2-canary"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{key: {CANARY}}}\n"
NASTY = (
    "<script>alert(1)</script>\n",
    '<details onclick="x()">\n',
    "a <img src=x onerror=alert(1)> b </details\n>\n",
    "[a](javascript:alert(1)) <style>*{}</style>\n",
    "<summary><svg/onload=x></summary>\n",
    "```diff\n</code></pre><script>\n```\n",
)
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "link",
    "body",
    "main",
    "h1",
    "h2",
    "h3",
    "p",
    "ul",
    "li",
} | {
    *(
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "pre",
        "strong",
        "blockquote",
        "details",
        "summary",
    )
}
ATTRIBUTES = {
    "charset",
    "class",
    "content",
    "href",
    "http-equiv",
    "lang",
    "name",
    "rel",
    "tabindex",
}


class Seen(HTMLParser):
    """The tags and attributes that a browser would see in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def own(team: Reported, tmp_path: Path) -> Reported:
    return team.copy(tmp_path / "repository")


def suites(data: bytes) -> dict[str, ET.Element]:
    return {one.attrib["name"]: one for one in ET.fromstring(data)}  # noqa: S314 - our own


def ways(suite: ET.Element) -> Iterator[tuple[str, str]]:
    """Yield each case that did not pass, and how."""
    for case in suite:
        yield from ((case.attrib["name"], how.tag) for how in case)


def test_promotion_is_a_page_and_a_case_for_each_check(own: Reported, tmp_path: Path) -> None:
    page = own.report(own.promote("prod").branch)
    write_files(page, tmp_path / "out")
    seen = Seen((tmp_path / "out/report.html").read_text())
    assert set(seen.tags) <= TAGS
    assert seen.attributes <= ATTRIBUTES
    assert seen.tags.count("h1") == 1
    assert seen.tags.count("details") == page.markdown().count("<details>") > 0
    assert "May be merged" in seen.text
    assert (tmp_path / "out/style.css").read_text().startswith(":root")
    assert (tmp_path / "out/report.md").read_text() == page.markdown()
    rules, gate = suites((tmp_path / "out/junit.xml").read_bytes()).values()
    assert [case.attrib["name"] for case in rules] == ["all rules hold"]
    assert gate.attrib["name"] == f"gate {KUSTOMIZE_APP} prod"
    assert list(ways(gate)) == [("data-overlap", "skipped")]
    assert len(gate) == int(gate.attrib["tests"]) > 1


def test_each_refusal_is_a_failure_with_its_next_step(own: Reported) -> None:
    own.merge(own.rollback("staging"))
    page = own.report(own.promote_anyway("prod", "staging/0002"), "main")
    rules = suites(junit(page))["rules"]
    assert dict(ways(rules)) == dict.fromkeys((one.code for one in page.found.findings), "failure")
    assert rules.attrib["failures"] == str(len(page.found.findings)) != "0"
    assert all("Next: " in str(found.text) for case in rules for found in case)


def test_what_could_not_be_told_is_an_error(own: Reported, tmp_path: Path) -> None:
    page = own.report(own.promote("prod").branch, again=tmp_path / "nothing.json")
    assert list(ways(suites(junit(page))["rules"])) == [("scoring-unknown", "error")]


def test_rules_by_another_judge_are_an_error(own: Reported) -> None:
    own.change({"delivery/errors.py": "# Others.\n"})
    page = own.report(own.promote("prod").branch)
    assert page.found.preview
    assert list(ways(suites(junit(page))["rules"])) == [("judge", "error")]


def test_files_hold_no_secret(own: Reported, tmp_path: Path) -> None:
    own.branch("change", own.promote("prod").branch)
    own.write({f"releases/prod/{KUSTOMIZE_APP}/manifests/secret-x.yaml": SECRET})
    own.commit(f"With {CANARY}")
    write_files(own.report("change"), tmp_path / "out")
    assert all(CANARY not in path.read_text() for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize("text", NASTY)
def test_page_shows_the_html_of_others_as_text(text: str) -> None:
    seen = Seen(html(f"## Told\n\n{text}\nend", "<b>"))
    assert set(seen.tags) <= TAGS
    assert seen.attributes <= ATTRIBUTES
    assert "end" in seen.text


def test_report_goes_to_a_folder_beside_its_output(
    own: Reported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own.root)
    words = [
        "report",
        "--head",
        own.promote("prod").branch,
        "--out",
        "out",
        "--now",
        f"{NOW:%FT%TZ}",
    ]
    done = CliRunner().invoke(app, words)
    written = own.root / "out"
    assert {path.name for path in written.iterdir()} == {
        *("report.md", "report.html", "style.css", "junit.xml")
    }
    assert (written / "report.md").read_text().strip() == done.stdout.strip()
