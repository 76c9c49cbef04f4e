"""Does torchlint find exactly the marked mistakes in whole projects, and nothing in their correct look-alikes?"""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import pytest
from support import fixtures
from support.fixtures import Mark, differences, expected, found, mark_of, projects, sources

from torchlint.model import Evidence, Finding, Location, Severity

BAD, GOOD = projects("bad"), projects("good")
COVERED = [  # each of them is shown by some project
    *("TL101", "TL102", "TL103", "TL104", "TL105", "TL201", "TL202", "TL203", "TL205", "TL301", "TL302", "TL303", "TL304"),
    *("TL401", "TL402", "TL403", "TL601", "TL603", "TL604", "TL801"),
]
BEGINNER = """import torch.nn as nn
import torch.nn.functional as F
criterion = nn.CrossEntropyLoss()

def step(x, y):
    net = nn.Linear(4, 3)
    probs = F.softmax(net(x), dim=1)
    return criterion(probs, y)"""


@pytest.mark.parametrize("folder", BAD, ids=lambda path: path.name)
def test_marked_mistakes_are_found_and_nothing_else(folder: Path) -> None:
    problems = differences(expected(folder), found(folder))
    assert not problems, f"{fixtures.description(folder)}\n{problems}"


@pytest.mark.parametrize("folder", GOOD, ids=lambda path: path.name)
def test_correct_look_alikes_stay_silent(folder: Path) -> None:
    problems = differences(expected(folder), found(folder))
    assert not problems, f"{fixtures.description(folder)}\n{problems}"


@pytest.mark.parametrize("folder", BAD, ids=lambda path: path.name)
def test_bad_projects_say_what_they_show_and_hold_a_mistake(folder: Path) -> None:
    assert fixtures.description(folder), "no file of the project has a line that begins with 'Shape:'"
    assert expected(folder)


@pytest.mark.parametrize("folder", GOOD, ids=lambda path: path.name)
def test_good_projects_hold_no_expectation(folder: Path) -> None:
    assert not expected(folder)


@pytest.mark.parametrize("folder", [*BAD, *GOOD], ids=lambda path: f"{path.parent.name}-{path.name}")
def test_projects_are_valid_python(folder: Path) -> None:
    for file, cell, text in sources(folder):
        try:
            ast.parse(fixtures.without_magics(text))
        except SyntaxError as error:
            pytest.fail(f"{file} cell {cell}: {error}")


@pytest.mark.parametrize("folder", BAD, ids=lambda path: path.name)
def test_expectations_are_comments_and_not_text(folder: Path) -> None:
    written = sum(len(fixtures.EXPECTATION.findall(comment)) for _, _, text in sources(folder) for comment in fixtures.comments(text))
    marked_lines = {(mark.file, mark.cell, mark.line) for mark in expected(folder)}
    assert written == len(marked_lines)


def test_every_rule_is_shown_by_several_lines() -> None:
    shown = Counter(code for folder in BAD for code in {mark.code for mark in expected(folder)})
    lines = Counter(mark.code for folder in BAD for mark in expected(folder))
    assert [code for code in COVERED if not shown[code]] == []
    assert [code for code in COVERED if lines[code] < 2] == []
    assert shown["TL101"] >= 12


# The harness itself: it must be able to fail.


def write_project(folder: Path, text: str, name: str = "train.py") -> Path:
    (folder / name).write_text(text + "\n", encoding="utf-8")
    return folder


def write_notebook(folder: Path, *cells: str) -> Path:
    body = [{"cell_type": "markdown", "metadata": {}, "source": ["# Title\n"]}]
    body += [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell.splitlines(keepends=True)} for cell in cells]
    (folder / "work.ipynb").write_text(json.dumps({"cells": body, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return folder


def finding(path: Path, line: int, code: str, cell: int | None = None) -> Finding:
    place = Location(str(path), cell, line, 1, line, 2)
    return Finding(code, "a-rule", Severity.ERROR, Evidence.PROVEN, "softmax twice", "pass logits", "", place)


def test_marked_mistake_that_is_found_gives_no_difference(tmp_path: Path) -> None:
    folder = write_project(tmp_path, BEGINNER + "  # error: [TL101]")
    assert differences(expected(folder), found(folder)) == ""


def test_finding_without_a_mark_fails(tmp_path: Path) -> None:
    folder = write_project(tmp_path, BEGINNER)
    assert "+ train.py:8 TL101: not expected" in differences(expected(folder), found(folder))


def test_mark_without_a_finding_fails(tmp_path: Path) -> None:
    folder = write_project(tmp_path, BEGINNER.replace("F.softmax(net(x), dim=1)", "net(x)") + "  # error: [TL101]")
    assert differences(expected(folder), found(folder)) == "- train.py:8 TL101: expected, not found"


def test_mark_on_the_wrong_line_or_with_the_wrong_code_fails_twice(tmp_path: Path) -> None:
    folder = write_project(tmp_path, "a = 1  # error: [TL101]\nb = 2  # error: [TL103]")
    findings = {mark_of(one, folder): one for one in (finding(folder / "train.py", 2, "TL101"),)}
    assert differences(expected(folder), findings).splitlines() == [
        "- train.py:1 TL101: expected, not found",
        "+ train.py:2 TL101: not expected: softmax twice",
        "- train.py:2 TL103: expected, not found",
    ]


def test_two_codes_may_stand_on_one_line(tmp_path: Path) -> None:
    folder = write_project(tmp_path, "a = 1  # error: [TL101] [TL601]")
    assert expected(folder) == {Mark("train.py", 0, 1, "TL101"), Mark("train.py", 0, 1, "TL601")}


def test_cells_are_counted_among_code_cells(tmp_path: Path) -> None:
    folder = write_notebook(tmp_path, "%matplotlib inline\nimport torch", "x = 1\ny = 2  # error: [TL203]")
    assert expected(folder) == {Mark("work.ipynb", 2, 2, "TL203")}
    here, elsewhere = finding(folder / "work.ipynb", 2, "TL203", cell=2), finding(folder / "work.ipynb", 2, "TL203", cell=1)
    assert differences(expected(folder), {mark_of(here, folder): here}) == ""
    assert "+ work.ipynb cell 1:2 TL203" in differences(expected(folder), {mark_of(elsewhere, folder): elsewhere})


@pytest.mark.parametrize("comment", ["# error [TL101]", "# error: TL101", "# error: [TL11]", "# Error: [TL101]", "# error: [TL101] because"])
def test_comment_that_only_looks_like_an_expectation_is_refused(tmp_path: Path, comment: str) -> None:
    with pytest.raises(ValueError, match="not an expectation"):
        expected(write_project(tmp_path, f"a = 1  {comment}"))


def test_mark_inside_a_string_is_noticed(tmp_path: Path) -> None:
    folder = write_project(tmp_path, 'a = "b  # error: [TL101]\\\n"')
    texts = [text for _, _, text in sources(folder)]
    assert not any(fixtures.EXPECTATION.search(comment) for text in texts for comment in fixtures.comments(text))
