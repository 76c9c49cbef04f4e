"""Does the flow know what each value means, apart from what the rules make of it? The pages under tests/flow say so line by line."""

from __future__ import annotations

import libcst
import pytest
from support.flow import FOLDER, PRELUDE, Case, differences, parse, revealed
from support.mdtest import split_cells

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
CASES = [case for page, text in PAGES.items() for case in parse(page, text)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_the_flow_knows_what_the_page_says(case: Case) -> None:
    problems = differences(case.expected(), revealed(case))
    assert not problems, f"tests/flow/{case.page}.md:{case.line}\n{problems}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_blocks_are_python_and_ask_something(case: Case) -> None:
    for path, text in case.files:
        for source in split_cells(text) if path.endswith(".ipynb") else [text]:
            libcst.parse_module("\n".join("pass" if line.startswith(("%", "!")) else line for line in source.splitlines()))
    assert case.expected()


@pytest.mark.parametrize("page", PAGES)
def test_pages_say_what_they_are_about(page: str) -> None:
    title, *rest = PAGES[page].splitlines()
    assert title.startswith("# ")
    assert rest[1:2] != [""], "a sentence under the title"
    assert not any(line.startswith("```") for line in rest[:2])
    assert all(len(line) <= 150 and line == line.rstrip() for line in rest)


# The harness itself: it must be able to fail.


def one(text: str) -> Case:
    return Case("page", "heading", 1, (("example.py", text),), True)


def test_a_wrong_comment_is_a_difference() -> None:
    case = one("reveal_kind(F.softmax(x, dim=1))  # revealed: logits\n")
    assert differences(case.expected(), revealed(case)) == "example.py:1  expected logits, the flow says probabilities"


def test_a_call_that_is_never_reached_is_a_difference() -> None:
    case = one("if False:\n    reveal_kind(x)  # revealed: unknown\n")
    assert differences(case.expected(), revealed(case)) == "example.py:2  expected unknown, the flow says nothing"


def test_a_call_without_a_comment_is_refused() -> None:
    with pytest.raises(ValueError, match=r"example\.py:2 lacks"):
        one("a = 1\nreveal_kind(x)\n").expected()


def test_a_program_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="page:1 heading"):
        revealed(one("def (\n"))


def test_a_block_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="line 3 has no end"):
        parse("page", "# Title\n\n```python\nx = 1\n")


def test_titles_make_one_project_of_a_heading() -> None:
    text = '# A\n\n```python\na\n```\n\n## B\n\n```python title="a.py"\nb\n```\n\n```text\nno program\n```\n\n```python title="b.py"\nc\n```\n'
    assert [(case.heading, case.files, case.prelude) for case in parse("page", text)] == [
        ("A", (("example.py", "a\n"),), True),
        ("B", (("a.py", "b\n"), ("b.py", "c\n")), False),
    ]


def test_the_prelude_is_one_line() -> None:
    assert PRELUDE.count("\n") == 1
