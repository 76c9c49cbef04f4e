"""How are the code blocks of a rule page run as tests?

A page has `python` blocks under "## Bad" and "## Good". A finding is expected on each line that ends in `# error`:

    ### across files

    ```python title="net.py"
    ...
    ```

    ```python title="train.py"
    loss = criterion(net(x), y)  # error
    loss = F.cross_entropy(net(x), F.softmax(y))  # error: [TL101, TL601]
    ```

A bare `# error` means the rule of the page. Blocks with titles under one heading are the files of one project; a block without
a title is a project of its own. A title that ends in .ipynb makes a real notebook, with `# %%` lines between its cells.

A page with the line "Seen at run time only." shows what the runtime mode finds when the blocks are run; the static side stays silent on them.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

DEFAULT_FILE = "example.py"
AT_RUN_TIME = "Seen at run time only."

_HEADING = re.compile(r"(#{1,3}) (.+)")
_FENCE = re.compile(r"```(\w*)(?: title=\"([^\"]+)\")?")
_EXPECTATION = re.compile(r"#\s*error(?::\s*\[([^\]]*)\])?\s*$")
_TITLE = re.compile(r"(TL\d{3}) ([a-z0-9-]+)")


class PageError(ValueError):
    """A page is not in the form that the harness understands."""


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A finding as far as the tests compare it: file, cell (0 outside notebooks), line, code."""

    path: str
    cell: int
    line: int
    code: str


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the language, the file it stands for (empty: none named), the text, and its first line in the page."""

    language: str
    title: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Case:
    """One project that a page shows. `files` maps file names to the text of the blocks."""

    code: str
    section: str
    heading: str
    line: int
    files: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return f"{self.code}:{self.line} {self.section} {self.heading}".strip()

    def expected(self) -> Counter[Spot]:
        """The findings that the comments announce."""
        return Counter(spot for path, text in self.files for spot in expectations(path, text, self.code))

    def as_notebook(self) -> Case:
        """The same code as the only cell of a notebook; cases of several files stay as they are."""
        (path, text), *others = self.files
        return self if others else replace(self, files=((Path(path).stem + ".ipynb", text),))


@dataclass(frozen=True, slots=True)
class Page:
    """A rule page: who it is about, the level-2 headings in order, the cases, the text by section, and the blocks that are no cases."""

    code: str
    name: str
    sections: tuple[str, ...]
    cases: tuple[Case, ...]
    prose: dict[str, str]
    others: tuple[Block, ...]

    @property
    def at_run_time(self) -> bool:
        """Whether only the runtime mode sees what the page is about."""
        return AT_RUN_TIME in self.prose.get("What it does", "").splitlines()


def parse_page(text: str) -> Page:
    """Read a page. Python blocks under Bad and Good are cases; all other blocks are kept in `others` and count as text of their section."""
    title, section, heading = "", "", ""
    sections: list[str] = []
    prose: dict[str, str] = {}
    shown: dict[tuple[str, str], list[Block]] = {}
    others: list[Block] = []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if fence := _FENCE.fullmatch(line.rstrip()):
            block = _read_block(fence, number, lines)
            if block.language == "python" and section in ("Bad", "Good"):
                shown.setdefault((section, heading), []).append(block)
            else:
                others.append(block)
                prose[section] = prose.get(section, "") + block.text
            continue
        if match := _HEADING.fullmatch(line.rstrip()):
            level, words = len(match[1]), match[2]
            title = words if level == 1 else title
            section, heading = (words, "") if level == 2 else (section, words if level == 3 else heading)
            sections += [words] if level == 2 else []
        else:
            prose[section] = prose.get(section, "") + line + "\n"
    named = _TITLE.fullmatch(title)
    if named is None:
        raise PageError(f"a page begins with '# TL101 some-name', not '# {title}'")
    cases = [case for (part, words), blocks in shown.items() for case in _cases(named[1], part, words, blocks)]
    return Page(named[1], named[2], tuple(sections), tuple(cases), prose, tuple(others))


def expectations(path: str, text: str, default: str) -> list[Spot]:
    """The findings that the comments of one file announce; `default` is the code that a bare `# error` means."""
    spots = []
    for cell, source in enumerate(split_cells(text), start=1) if path.endswith(".ipynb") else [(0, text)]:
        for number, line in enumerate(source.splitlines(), start=1):
            if match := _EXPECTATION.search(line):
                codes = [code.strip() for code in match[1].split(",")] if match[1] is not None else [default]
                spots += [Spot(path, cell, number, code) for code in codes]
    return spots


def split_cells(text: str) -> list[str]:
    """The cells of a notebook block: `# %%` lines stand between them and belong to none."""
    cells: list[list[str]] = [[]]
    for line in text.splitlines(keepends=True):
        if line.strip() == "# %%":
            cells.append([])
        else:
            cells[-1].append(line)
    return ["".join(cell).strip("\n") + "\n" for cell in cells if "".join(cell).strip()]


def notebook(text: str) -> str:
    """A real .ipynb file with these cells."""
    blank: dict[str, object] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [{**blank, "id": f"cell-{number}", "source": source.splitlines(keepends=True)} for number, source in enumerate(split_cells(text))]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def write_files(case: Case, folder: Path, newline: str = "\n") -> None:
    """Put the files of a case on the disk."""
    for path, text in case.files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        content = notebook(text) if path.endswith(".ipynb") else text
        target.write_bytes(content.replace("\n", newline).encode())


def check_folder(folder: Path) -> Counter[Spot]:
    """What torchlint finds in a folder with the default settings."""
    from torchlint.config import Settings
    from torchlint.session import run

    findings = run([str(folder)], Settings()).result.findings
    return Counter(
        Spot(Path(os.path.relpath(finding.location.path, folder)).as_posix(), finding.location.cell or 0, finding.location.line, finding.code)
        for finding in findings
    )


def differences(expected: Counter[Spot], found: Counter[Spot]) -> str:
    """What is missing and what is too much, one line each; empty where both agree."""
    lines = [f"missing     {spot}" for spot in sorted((expected - found).elements())]
    lines += [f"unexpected  {spot}" for spot in sorted((found - expected).elements())]
    return "\n".join(lines)


def _read_block(fence: re.Match[str], number: int, lines: Iterator[tuple[int, str]]) -> Block:
    text: list[str] = []
    for _, line in lines:
        if line.rstrip() == "```":
            return Block(fence[1], fence[2] or "", "".join(f"{part}\n" for part in text), number + 1)
        text.append(line)
    raise PageError(f"the block in line {number} has no end")


def _cases(code: str, section: str, heading: str, blocks: list[Block]) -> list[Case]:
    """Titled blocks of one heading make one case, each other block makes its own."""
    titled = [block for block in blocks if block.title]
    names = [block.title for block in titled]
    if len(set(names)) != len(names):
        raise PageError(f"{section} / {heading}: two blocks with one title")
    groups = ([titled] if titled else []) + [[block] for block in blocks if not block.title]
    return [Case(code, section, heading, group[0].line, tuple((block.title or DEFAULT_FILE, block.text) for block in group)) for group in groups]
