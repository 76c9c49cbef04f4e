"""What program is written in the code cells of a notebook?

All code cells, in order, joined into one text, in which everything that IPython adds to Python is made harmless:

    cell 1:  %matplotlib inline       ->   pass
             import torch                  import torch
    cell 2:  files = !ls              ->   files = get_ipython()
             torch.ones(1);                torch.ones(1);

No line is added or removed, so line n of the program is one line of one cell.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from torchlint.errors import UnreadableFile


@dataclass(slots=True)
class Cell:
    """One code cell. `lines` as the user wrote them, `program` the same number of lines of plain Python.

    `shifts` says by how many characters a program line is shorter at its beginning than the user's line (0 where absent).
    """

    number: int
    lines: list[str]
    program: list[str]
    shifts: dict[int, int] = field(default_factory=dict)


class Notebook:
    """The code cells of one notebook and the way from program lines to cells."""

    __slots__ = ("_starts", "cells")

    def __init__(self, cells: list[Cell]) -> None:
        self.cells = cells
        self._starts: list[int] = []
        line = 1
        for cell in cells:
            self._starts.append(line)
            line += len(cell.lines)

    @classmethod
    def from_json(cls, path: str, text: str) -> Notebook:
        """Read nbformat 3 or 4. Raises UnreadableFile."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnreadableFile(path, f"is not a notebook: {error}", getattr(error, "lineno", None), getattr(error, "colno", None)) from None
        cells = []
        for raw in data["cells"]:
            if raw["cell_type"] == "code":
                source = raw["source"] if isinstance(raw["source"], str) else "".join(raw["source"])
                lines = source.split("\n")
                cells.append(Cell(len(cells) + 1, lines, ["pass" if line[:1] in "%!?" and line else line for line in lines]))
        return cls(cells)

    @property
    def text(self) -> str:
        return "".join(line + "\n" for cell in self.cells for line in cell.program)

    def place(self, line: int, column: int) -> tuple[int, int, int]:
        """(cell, line in the cell, column) of a place in the program; all count from 1."""
        if not self.cells:
            return 1, 1, 1
        index = max(0, bisect_right(self._starts, line) - 1)
        cell = self.cells[index]
        row = line - self._starts[index] + 1
        return cell.number, row, column + cell.shifts.get(row, 0)

    def end_of(self, cell: int) -> tuple[int, int]:
        """The last line of a cell and the column one past its end."""
        lines = self.cells[cell - 1].lines
        return len(lines), len(lines[-1]) + 1

    def line(self, cell: int, line: int) -> str:
        """A line of a cell as the user wrote it; empty where there is none."""
        if not 0 < cell <= len(self.cells):
            return ""
        lines = self.cells[cell - 1].lines
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def program_line(self, cell: int, line: int) -> int:
        """The program line of a line of a cell."""
        return self._starts[cell - 1] + line - 1
