"""What the pages say holds: commands parse, targets and files exist, every refusal is listed."""

from __future__ import annotations

import re
from collections import Counter
from fnmatch import fnmatch

import pytest
from delivery.app import AppFile, HoldoutFile
from delivery.files import parse_model
from delivery.settings import Settings, Strict

from tests.bake.template import ROOT
from tests.docs.cli import calls, parse, verbs
from tests.docs.codes import refusal_codes
from tests.docs.pages import GENERATED, Page, all_pages, targets

PAGES = all_pages()
LONGEST = {"README.md": 150, f"{GENERATED.name}/README.md": 120}
PEOPLE_WRITE: list[type[Strict]] = [Settings, AppFile, HoldoutFile]
MENTIONED = re.compile(r"`deliver ([a-z][a-z-]*)")


@pytest.fixture(params=PAGES, ids=[page.path.replace(GENERATED.name, "T") for page in PAGES])
def page(request: pytest.FixtureRequest) -> Page:
    found: Page = request.param
    return found


def makefile_targets(page: Page) -> set[str]:
    return targets((ROOT if page.path == "README.md" else GENERATED) / "Makefile")


def test_page_is_short_enough(page: Page) -> None:
    assert len(page.text.splitlines()) <= LONGEST.get(page.path, 149)


def test_links_lead_to_files(page: Page) -> None:
    assert [link for link in page.links() if not (page.file.parent / link).exists()] == []


def test_deliver_lines_parse(page: Page) -> None:
    for words in page.commands("deliver"):
        parse(words[1:])


def test_make_targets_exist(page: Page) -> None:
    asked = {word for words in page.commands("make") for word in words[1:] if "=" not in word}
    assert asked <= makefile_targets(page)


def test_mentioned_make_targets_exist(page: Page) -> None:
    assert set(re.findall(r"`make ([a-z0-9-]+)", page.prose())) <= makefile_targets(page)


def test_mentioned_verbs_exist(page: Page) -> None:
    assert set(MENTIONED.findall(page.prose())) <= verbs()


def test_every_verb_takes_json() -> None:
    assert [words for words, options in calls() if "--json" not in options] == []


def test_page_of_verbs_has_every_verb() -> None:
    reference = Page(f"{GENERATED.name}/docs/verbs.md")
    assert set(MENTIONED.findall(reference.text)) == verbs()


def test_examples_in_the_reference_are_files_that_deliver_takes() -> None:
    examples = Page(f"{GENERATED.name}/docs/reference.md").blocks("yaml")
    for model, text in zip(PEOPLE_WRITE, examples, strict=True):
        parse_model(model, text.encode(), f"the example of {model.__name__}")


def refusal_cells() -> list[str]:
    pages = sorted((GENERATED / "docs").glob("refusals*.md"))
    rows = [row for page in pages for row in page.read_text(encoding="utf-8").splitlines()]
    cells = (row.split("|")[1] for row in rows if row.startswith("| `"))
    return [code for cell in cells for code in re.findall(r"`([a-z-]+)`", cell)]


def listed_refusals() -> set[str]:
    return set(refusal_cells())


def test_refusals_pages_list_a_code_once() -> None:
    assert [code for code, times in Counter(refusal_cells()).items() if times > 1] == []


def test_refusals_pages_list_every_code() -> None:
    listed, used = listed_refusals(), refusal_codes(GENERATED / "delivery")
    missing = {code: file for code, file in used.items() if not any_matches(code, listed)}
    assert missing == {}


def test_refusals_pages_list_no_other_code() -> None:
    used = refusal_codes(GENERATED / "delivery")
    unused = {code for code in listed_refusals() if not any(fnmatch(code, one) for one in used)}
    assert unused == set()


def test_refusals_named_on_pages_are_listed(page: Page) -> None:
    cells = re.findall(r"^\| ((?:`[a-z]+(?:-[a-z]+)+`(?:, )?)+) \|", page.text, re.MULTILINE)
    named = {code for cell in cells for code in re.findall(r"`([a-z-]+)`", cell)}
    assert named - listed_refusals() <= apps_of_the_template()


def apps_of_the_template() -> set[str]:
    return {path.name for path in (GENERATED / "apps").iterdir()}


def any_matches(code: str, listed: set[str]) -> bool:
    return any(fnmatch(one, code) for one in listed)
