"""What does the flow know of a value, asked without any rule?

A page under tests/flow shows programs; each call of `reveal_kind` says in a comment what has to be known of its argument there:

    p = F.softmax(x, dim=1)
    reveal_kind(p)  # revealed: probabilities
    reveal_kind(p > 0.5)  # revealed: unknown bool
    reveal_kind(p if flag else x)  # revealed: probabilities | unknown

A kind, and the dtype where it is known; alternatives are sorted and stand between bars; `nothing` means that the call is never reached.
Blocks without a title are programs by themselves and begin with the line PRELUDE. Blocks with titles under one heading are the files
of one project and bring their own imports; one whose title ends in .ipynb becomes a notebook, with `# %%` lines between its cells.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.mdtest import notebook, split_cells
from torchlint.contracts.table import load
from torchlint.events import Event, KindRevealed
from torchlint.flow.entries import Entries
from torchlint.flow.machine import Machine
from torchlint.flow.project import Project
from torchlint.flow.scope import ModuleScope
from torchlint.model import Facts, Location

FOLDER = Path(__file__).parents[1] / "flow"
ROOT = "/project"
PRELUDE = (
    "import torch; from torch import nn; import torch.nn.functional as F; from torchlint import reveal_kind; "
    "x, y = torch.load('x.pt'), torch.load('y.pt')\n"
)
NOTHING = "nothing"
RECURSION = 20_000

_HEADING = re.compile(r"#{1,4} (.+)")
_FENCE = re.compile(r"```(\w*)(?: title=\"([^\"]+)\")?")
_REVEALED = re.compile(r"#\s*revealed:\s*(.+?)\s*$")
_CALL = re.compile(r"\breveal_kind\(")

Spot = tuple[str, int, int]
"""File, cell (0 outside notebooks), line."""


@dataclass(frozen=True, slots=True)
class Case:
    """One program of a page, by file name."""

    page: str
    heading: str
    line: int
    files: tuple[tuple[str, str], ...]
    prelude: bool

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line} {self.heading}"

    def expected(self) -> dict[Spot, str]:
        """What the comments say; a `reveal_kind` without one is refused."""
        spots: dict[Spot, str] = {}
        for path, text in self.files:
            cells = enumerate(split_cells(text), start=1) if path.endswith(".ipynb") else [(0, text)]
            for cell, source in cells:
                for number, line in enumerate(source.splitlines(), start=1):
                    match = _REVEALED.search(line)
                    if match:
                        spots[path, cell, number] = match[1]
                    elif _CALL.search(line):
                        raise ValueError(f"{self.name}: {path}:{number} lacks its '# revealed:' comment")
        return spots

    def sources(self) -> dict[str, bytes]:
        """The contents of the files as they would lie on the disk."""
        contents = {}
        for path, text in self.files:
            full = PRELUDE + text if self.prelude else text
            contents[path] = (notebook(full) if path.endswith(".ipynb") else full).encode()
        return contents


def parse(page: str, text: str) -> list[Case]:
    """The programs of a page, in order."""
    heading = ""
    titled: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    cases: list[Case] = []
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if match := _HEADING.fullmatch(line):
            heading = match[1]
        elif match := _FENCE.fullmatch(line.rstrip()):
            body = _body(page, number, lines)
            if match[1] != "python":
                continue
            if match[2]:
                titled[heading].append((match[2], body, number))
            else:
                cases.append(Case(page, heading, number, (("example.py", body),), True))
    for words, blocks in titled.items():
        cases.append(Case(page, words, blocks[0][2], tuple((title, body) for title, body, _ in blocks), False))
    return sorted(cases, key=lambda case: case.line)


def _body(page: str, number: int, lines: Iterator[tuple[int, str]]) -> str:
    text: list[str] = []
    for _, line in lines:
        if line.rstrip() == "```":
            return "".join(f"{part}\n" for part in text)
        text.append(line)
    raise ValueError(f"{page}: the block in line {number} has no end")


class MemoryFiles:
    """A project that lies in memory, under ROOT."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = {posixpath.join(ROOT, path): data for path, data in contents.items()}
        self.folders = {folder for path in self.contents for folder in _folders_above(path)}

    def read(self, path: str) -> bytes | None:
        return self.contents.get(path)

    def is_file(self, path: str) -> bool:
        return path in self.contents

    def is_dir(self, path: str) -> bool:
        return path in self.folders

    def listdir(self, path: str) -> list[str]:
        below = {name[len(path) + 1 :].partition("/")[0] for name in self.contents if name.startswith(path + "/")}
        return sorted(below)

    def shown(self, path: str) -> str:
        return posixpath.relpath(path, ROOT)


def _folders_above(path: str) -> Iterator[str]:
    while path not in ("/", ""):
        path = posixpath.dirname(path)
        yield path


def run(contents: Mapping[str, bytes], emit: Callable[[Event], None], others: Mapping[str, bytes] | None = None) -> Machine:
    """Run the flow over a project without any rule; the machine that did it, for a look at its state. others: files that are no Python."""
    files, programs = MemoryFiles({**contents, **(others or {})}), MemoryFiles(contents)
    machine = Machine(load(), emit)
    project = machine.project = Project(files, [ROOT], list(programs.contents))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION))
    try:
        modules: list[ModuleScope] = [module for path in programs.contents if (module := project.module(machine, path)) is not None]
        Entries(machine, modules).run()
    finally:
        sys.setrecursionlimit(limit)
    return machine


def revealed(case: Case) -> dict[Spot, str]:
    """What the flow says at each `reveal_kind` of a program."""
    told: dict[Spot, set[str]] = defaultdict(set)

    def emit(event: Event) -> None:
        if isinstance(event, KindRevealed):
            told[_spot(event.place.locate(), case)].add(words(event.facts))

    machine = run(case.sources(), emit)
    if machine.failures:
        raise machine.failures[0]
    if machine.project.errors:
        raise ValueError(f"{case.name}: {next(iter(machine.project.errors.values()))}")
    return {spot: " | ".join(sorted(kinds)) for spot, kinds in told.items()}


def _spot(location: Location, case: Case) -> Spot:
    first = case.prelude and (location.cell or 1) == 1
    return location.path, location.cell or 0, location.line - first


def words(facts: Facts) -> str:
    """The facts as a page writes them: "probabilities", "unknown int64"."""
    return str(facts.kind) if facts.dtype is None else f"{facts.kind} {facts.dtype}"


def differences(expected: Mapping[Spot, str], found: Mapping[Spot, str]) -> str:
    """What the page and the flow say differently, one line each; empty where they agree."""
    lines = []
    for spot in sorted({*expected, *found}):
        wanted, got = expected.get(spot, "no comment"), found.get(spot, NOTHING)
        if wanted != got:
            path, cell, number = spot
            lines.append(f"{path}{f' cell {cell}' if cell else ''}:{number}  expected {wanted}, the flow says {got}")
    return "\n".join(lines)
