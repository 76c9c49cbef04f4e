"""Do the rule pages tell the truth? Every block under Bad and Good is checked by torchlint itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.mdtest import Case, check_folder, differences, parse_page, write_files

from torchlint.rules.registry import ALL, by_code

FOLDER = Path(__file__).parents[1] / "rules"
FILES = sorted(FOLDER.glob("*.md"))
PAGES = {path.stem: parse_page(path.read_text(encoding="utf-8")) for path in FILES}
CASES = [case for page in PAGES.values() if not page.at_run_time for case in page.cases]
RUN = [case for page in PAGES.values() if page.at_run_time for case in page.cases]  # tests/runtime/test_runtime_pages.py runs them
SECTIONS = ("What it does", "Why it is wrong", "Bad", "Good", "Fix", "Limits")


def names(case: Case) -> str:
    return case.name.replace(" ", "-")


def check(case: Case, folder: Path, newline: str = "\n") -> None:
    write_files(case, folder, newline)
    problems = differences(case.expected(), check_folder(folder))
    assert not problems, f"rules/{case.code}.md:{case.line}\n{problems}"


@pytest.mark.parametrize("case", CASES, ids=names)
def test_blocks_give_the_findings_that_they_announce(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


@pytest.mark.parametrize("case", CASES, ids=names)
def test_line_ends_do_not_matter(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path, "\r\n")


@pytest.mark.parametrize("case", [case for case in CASES if case.as_notebook() != case], ids=names)
def test_a_notebook_gives_the_same_findings(case: Case, tmp_path: Path) -> None:
    check(case.as_notebook(), tmp_path)


@pytest.mark.parametrize("case", RUN, ids=names)
def test_blocks_that_must_be_run_are_silent_unless_run(case: Case, tmp_path: Path) -> None:
    write_files(case, tmp_path)
    assert not check_folder(tmp_path), f"rules/{case.code}.md:{case.line}: the static side sees it, so the page must not say that it does not"


def test_each_rule_has_its_page_and_each_page_its_rule() -> None:
    assert list(PAGES) == [rule.code for rule in ALL]


@pytest.mark.parametrize("code", PAGES)
def test_pages_have_one_form(code: str) -> None:
    page, rule = PAGES[code], by_code(code)
    assert rule is not None
    assert (page.code, page.name) == (rule.code, rule.name)
    assert page.sections == SECTIONS
    assert all(page.prose.get(section, "").strip() for section in ("What it does", "Why it is wrong", "Limits")), "a section is empty"
    assert {block.language for block in page.others} <= {"pycon", "diff", "text"}, "python outside of Bad and Good is run by nobody"
    assert re.search(r"\d", page.prose["Why it is wrong"]), "a number that a reader can check"


@pytest.mark.parametrize("code", PAGES)
def test_each_way_of_being_wrong_has_a_look_alike(code: str) -> None:
    shown = {section: {case.heading for case in PAGES[code].cases if case.section == section} for section in ("Bad", "Good")}
    assert shown["Bad"]
    assert shown["Bad"] <= shown["Good"]


@pytest.mark.parametrize("case", CASES + RUN, ids=names)
def test_bad_blocks_show_their_rule_and_good_ones_nothing(case: Case) -> None:
    announced = {spot.code for spot in case.expected()}
    assert (case.code in announced) if case.section == "Bad" else not announced


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_pages_are_readable_as_text(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(len(line) <= 150 and line == line.rstrip() for line in lines)
