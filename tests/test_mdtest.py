"""Does the harness of the rule pages read pages as people do, and can it fail?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from support.mdtest import Case, PageError, Spot, differences, expectations, notebook, parse_page, split_cells, write_files

PAGE = """\
# TL999 made-up

## What it does
Something with `inline code`.

## Bad

```python
a = 1  # error
```

```python
b = 1  # a plain comment
```

### across files

```python title="net.py"
x = 1
```

```python title="train.py"
y = 1  # error: [TL101, TL999]
```

## Good

### across files

```python
z = 1
```

## Fix
Like this:

```diff
- a
+ b
```
"""


def test_a_page_is_split_into_projects() -> None:
    page = parse_page(PAGE)
    assert (page.code, page.name) == ("TL999", "made-up")
    assert page.sections == ("What it does", "Bad", "Good", "Fix")
    assert [(case.section, case.heading, [name for name, _ in case.files]) for case in page.cases] == [
        ("Bad", "", ["example.py"]),
        ("Bad", "", ["example.py"]),
        ("Bad", "across files", ["net.py", "train.py"]),
        ("Good", "across files", ["example.py"]),
    ]
    assert [block.language for block in page.others] == ["diff"]
    assert "inline code" in page.prose["What it does"]


def test_a_bare_error_means_the_rule_of_the_page() -> None:
    first, second, across, good = parse_page(PAGE).cases
    assert first.expected() == Counter([Spot("example.py", 0, 1, "TL999")])
    assert second.expected() == Counter()
    assert across.expected() == Counter([Spot("train.py", 0, 1, "TL101"), Spot("train.py", 0, 1, "TL999")])
    assert good.expected() == Counter()


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("x  # error", ["TL999"]),
        ("x  #error", ["TL999"]),
        ("x  # error: [TL601]", ["TL601"]),
        ("x  # error: [TL402,TL402]", ["TL402", "TL402"]),
        ("x  # errors are expected", []),
        ("x  # error handling", []),
        ("raise x  # no error here", []),
    ],
)
def test_what_counts_as_an_expectation(line: str, codes: list[str]) -> None:
    assert [spot.code for spot in expectations("a.py", line, "TL999")] == codes


def test_lines_of_a_notebook_count_inside_their_cell() -> None:
    text = "# %%\na = 1\n\n# %%\nb = 1\nc = 2  # error\n"
    assert split_cells(text) == ["a = 1\n", "b = 1\nc = 2  # error\n"]
    assert expectations("nb.ipynb", text, "TL999") == [Spot("nb.ipynb", 2, 2, "TL999")]
    cells = json.loads(notebook(text))["cells"]
    assert [cell["source"] for cell in cells] == [["a = 1\n"], ["b = 1\n", "c = 2  # error\n"]]
    assert all(cell["cell_type"] == "code" for cell in cells)


def test_a_single_file_becomes_a_notebook_of_one_cell() -> None:
    single, project = parse_page(PAGE).cases[0], parse_page(PAGE).cases[2]
    assert single.as_notebook().expected() == Counter([Spot("example.ipynb", 1, 1, "TL999")])
    assert project.as_notebook() == project


def test_files_are_written_with_the_wanted_line_ends(tmp_path: Path) -> None:
    case = Case("TL999", "Bad", "", 1, (("pkg/net.py", "a = 1\nb = 2\n"),))
    write_files(case, tmp_path, "\r\n")
    assert (tmp_path / "pkg" / "net.py").read_bytes() == b"a = 1\r\nb = 2\r\n"


def test_differences_name_what_is_missing_and_what_is_too_much() -> None:
    first, second = Spot("a.py", 0, 1, "TL101"), Spot("a.py", 0, 2, "TL101")
    assert differences(Counter([first]), Counter([first])) == ""
    text = differences(Counter([first, first]), Counter([first, second]))
    assert [line.split()[0] for line in text.splitlines()] == ["missing", "unexpected"]


def test_blocks_outside_of_bad_and_good_are_no_cases() -> None:
    page = parse_page(PAGE.replace("```diff", "```python"))
    assert [(block.language, block.text) for block in page.others] == [("python", "- a\n+ b\n")]
    assert len(page.cases) == len(parse_page(PAGE).cases)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("## Bad\n", "begins with"),
        ("# Softmax before cross-entropy\n", "begins with"),
        ("# TL101 a-b\n## Bad\n```python\nx = 1\n", "has no end"),
        (PAGE.replace("train.py", "net.py"), "one title"),
    ],
)
def test_a_page_in_another_form_is_refused(text: str, words: str) -> None:
    with pytest.raises(PageError, match=words):
        parse_page(text)
