"""What does a fixture project expect, and does torchlint say exactly that?

An expectation is a comment at the end of the line where the finding has its primary location:

    loss = criterion(model(x), y)  # error: [TL101]
    label = nn.Softmax()(scores)  # error: [TL101] [TL601]

In a notebook the comment stands in the source of a code cell, and the line counts inside that cell. Everything without a comment must stay silent:

    problems = differences(expected(folder), found(folder))   # "" when they agree
"""

from __future__ import annotations

import io
import json
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torchlint.config import Settings
from torchlint.model import Finding
from torchlint.session import run

ROOT = Path(__file__).parents[2] / "fixtures"
EXPECTATION = re.compile(r"#\s*error:\s*(?P<codes>\[TL\d{3}\](?:\s*\[TL\d{3}\])*)\s*$")
LOOKS_LIKE_ONE = re.compile(r"#\s*error\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mark:
    """One finding, as place and code. `cell` is the 1-based index among the code cells of a notebook, 0 in a Python file."""

    file: str
    cell: int
    line: int
    code: str

    def __str__(self) -> str:
        inside = f" cell {self.cell}" if self.cell else ""
        return f"{self.file}{inside}:{self.line} {self.code}"

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        return (self.file, self.cell, self.line, self.code)


def projects(group: str) -> list[Path]:
    """The project folders under fixtures/bad or fixtures/good."""
    return sorted(path for path in (ROOT / group).iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def sources(folder: Path) -> Iterator[tuple[str, int, str]]:
    """(path inside the project, cell, text) of every Python file and every code cell."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".py":
            yield name, 0, path.read_text(encoding="utf-8")
        elif path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
            yield from ((name, number, text) for number, text in enumerate(code, start=1))


def expected(folder: Path) -> set[Mark]:
    """Every expectation of a project; a comment that only looks like one is refused, so that a slip of the pen is not taken for silence."""
    marks = set()
    for file, cell, text in sources(folder):
        for number, line in enumerate(text.splitlines(), start=1):
            match = EXPECTATION.search(line)
            if match is None and LOOKS_LIKE_ONE.search(line):
                raise ValueError(f"{file}:{number}: not an expectation: {line.strip()!r} (write '# error: [TL101]' at the end of the line)")
            for code in re.findall(r"TL\d{3}", match["codes"]) if match else ():
                marks.add(Mark(file, cell, number, code))
    return marks


def found(folder: Path, settings: Settings | None = None) -> dict[Mark, Finding]:
    """What torchlint says of a project with its default settings."""
    findings = run([str(folder)], settings or Settings()).result.findings
    return {mark_of(finding, folder): finding for finding in findings}


def mark_of(finding: Finding, folder: Path) -> Mark:
    """The place of a finding inside the project, whatever folder the paths are shown relative to."""
    place = finding.location
    path = (Path.cwd() / place.path).resolve().relative_to(folder.resolve())
    return Mark(path.as_posix(), place.cell or 0, place.line, finding.code)


def differences(expectations: Iterable[Mark], findings: dict[Mark, Finding]) -> str:
    """A readable list of what is missing (-) and what was not asked for (+); empty where both agree."""
    wanted = set(expectations)
    lines = [(mark, f"- {mark}: expected, not found") for mark in wanted - findings.keys()]
    lines += [(mark, f"+ {mark}: not expected: {findings[mark].message}{_way(findings[mark])}") for mark in findings.keys() - wanted]
    return "\n".join(line for _, line in sorted(lines, key=lambda pair: pair[0].sort_key))


def _way(finding: Finding) -> str:
    """The trace of a finding, one step a line."""
    return "".join(f"\n      {step.location.path}:{step.location.line} {step.message}" for step in finding.trace)


def description(folder: Path) -> str:
    """The line that says what a project shows: it begins a module docstring with "Shape:", or a Markdown cell has it."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".py" and (match := re.match(r'"""(.+?)("""|\n)', path.read_text(encoding="utf-8"))) and match[1].startswith("Shape:"):
            return match[1]
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            for cell in cells:
                if cell["cell_type"] == "markdown" and (match := re.search(r"^Shape:.+$", "".join(cell["source"]), re.MULTILINE)):
                    return match[0]
    return ""


def without_magics(text: str) -> str:
    """A notebook cell as plain Python: lines of magics and of the shell become `pass`, a cell of another language becomes empty."""
    if text.startswith("%%") and not text.startswith(("%%time", "%%capture")):
        return ""
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", text, flags=re.MULTILINE)


def comments(text: str) -> list[str]:
    """The comments of a Python text (strings that contain a # are no comments)."""
    tokens = tokenize.generate_tokens(io.StringIO(without_magics(text)).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]
