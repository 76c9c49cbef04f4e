"""What is in one source file, and where?

A SourceFile is the text of a module or notebook with everything that is worked out of it on demand: the tree, the places of nodes,
the comments that silence findings.

    source = SourceFile.from_bytes("train.py", b"import torch\\nloss(x)\\n")
    call = source.tree.body[1].body[0].value
    source.locate([call])[id(call)]     # Location("train.py", None, 2, 1, 2, 8)

Nothing here touches the disk, and LibCST is imported when the first tree is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

from torchlint.decoding import decode
from torchlint.errors import UnreadableFile
from torchlint.magics import Cell, plain_python
from torchlint.model import Location
from torchlint.notebook import Notebook
from torchlint.suppressions import Suppressions

if TYPE_CHECKING:
    import libcst

_NEWLINE = re.compile(r"\r\n?|\n")


class SourceFile:
    """One module or notebook.

    path         as shown to the user: posix, relative to the working directory where that is possible
    text         the program; for a notebook its code cells as one Python text
    is_notebook  whether locations name a cell
    problems     cells of a notebook that could not be read (the others were); filled once `tree` has been used
    """

    __slots__ = ("_grown", "_lines", "_notebook", "_suppressions", "_tree", "path", "problems", "text")

    def __init__(self, path: str, text: str, notebook: Notebook | None = None) -> None:
        self.path = path
        self.text = text
        self.problems: list[UnreadableFile] = []
        self._notebook = notebook
        self._tree: libcst.Module | UnreadableFile | None = None
        self._lines: list[str] | None = None
        self._grown: dict[int, int] = {}  # by how many characters a line of the program is longer than the user's
        self._suppressions: Suppressions | None = None

    @classmethod
    def from_bytes(cls, path: str, data: bytes) -> SourceFile:
        """Decode a file; `path` says by its suffix whether it is a notebook. Raises UnreadableFile."""
        shown = shown_path(path)
        text = decode(shown, data)
        if shown.lower().endswith(".ipynb"):
            notebook = Notebook.from_json(shown, text)
            return cls(shown, notebook.text, notebook)
        return cls(shown, text)

    @property
    def is_notebook(self) -> bool:
        return self._notebook is not None

    @property
    def tree(self) -> libcst.Module:
        """The syntax tree, parsed on first use. Raises UnreadableFile, each time the same one."""
        if self._tree is None:
            try:
                self._tree = self._parse()
            except UnreadableFile as error:
                self._tree = error
        if isinstance(self._tree, UnreadableFile):
            raise self._tree.with_traceback(None)
        return self._tree

    def locate(self, nodes: Iterable[libcst.CSTNode]) -> dict[int, Location]:
        """The places of some nodes of `tree`, by id(node). Costs a third of a parse: collect the nodes, then ask once."""
        from torchlint.positions import spans

        return {
            node: self._location(span.line, span.column + 1, span.end_line, span.end_column + 1) for node, span in spans(self.tree, nodes).items()
        }

    def line(self, location: Location) -> str:
        """The user's source line on which a location begins, without its newline; empty where there is none."""
        if self._notebook is not None:
            return self._notebook.line(location.cell or 0, location.line)
        if self._lines is None:
            self._lines = _NEWLINE.split(self.text)
        return self._lines[location.line - 1] if 0 < location.line <= len(self._lines) else ""

    def program_line(self, location: Location) -> int:
        """The line of `text` on which a location begins: what Suppressions count in."""
        if self._notebook is None or location.cell is None:
            return location.line
        return self._notebook.program_line(location.cell, location.line)

    @property
    def suppressions(self) -> Suppressions:
        """The comments that silence findings, read on first use."""
        if self._suppressions is None:
            self._suppressions = Suppressions.of(self.text)
        return self._suppressions

    def silences(self, location: Location, code: str, name: str, whole: bool) -> bool:
        """Whether a comment on the first line of a location, or with `whole` on any of its lines, silences a rule."""
        first = self.program_line(location)
        last = first + (location.end_line - location.line if whole else 0)
        return self.suppressions.hides_span(first, last, code, name)

    def _parse(self) -> libcst.Module:
        from torchlint.parsing import parse

        notebook = self._notebook
        if notebook is None:
            return self._parse_module()
        if not any(cell.unfinished for cell in notebook.cells):
            with suppress(UnreadableFile):
                return parse(self.path, self.text)
        # Some cell is at fault: leave out those that cannot be read alone, and read the rest.
        self.problems = [problem for cell in notebook.cells if (problem := self._mend(cell))]
        try:
            return parse(self.path, notebook.text)
        except UnreadableFile as error:
            if error.line is None:
                raise
            cell_number, line, column = notebook.place(error.line, error.column or 1)
            raise UnreadableFile(self.path, error.message, line, column if error.column else None, cell_number) from None

    def _parse_module(self) -> libcst.Module:
        from torchlint.parsing import parse
        from torchlint.tabs import without_tabs

        try:
            return parse(self.path, self.text)
        except UnreadableFile:
            spaced = without_tabs(self.text)
            if spaced is None:
                raise
        text, self._grown = spaced
        return parse(self.path, text)

    def _mend(self, cell: Cell) -> UnreadableFile | None:
        """Make a cell readable, at worst by taking it out of the program, which is a problem to report."""
        problem = self._cell_problem(cell)
        if problem is None:
            return None
        lenient = plain_python(cell.number, "\n".join(cell.lines), lenient=True)
        if self._cell_problem(lenient) is None:
            cell.program, cell.shifts, cell.unfinished = lenient.program, lenient.shifts, False
            return None
        cell.blank()
        return None if cell.uncertain else problem

    def _cell_problem(self, cell: Cell) -> UnreadableFile | None:
        """Why a cell cannot be read by itself."""
        from torchlint.parsing import parse

        try:
            parse(self.path, "".join(f"{line}\n" for line in cell.program))
        except UnreadableFile as error:
            shift = cell.shifts.get(error.line or 0, 0)
            column = error.column + shift if error.column else None
            return UnreadableFile(self.path, error.message, error.line, column, cell.number)
        if cell.unfinished:
            return UnreadableFile(self.path, "syntax error: the cell ends in the middle of a statement", len(cell.lines), cell=cell.number)
        return None

    def _location(self, line: int, column: int, end_line: int, end_column: int) -> Location:
        if self._notebook is None:
            grown = self._grown
            return Location(self.path, None, line, column - grown.get(line, 0), end_line, end_column - grown.get(end_line, 0))
        cell, first, column = self._notebook.place(line, column)
        last_cell, last, end_column = self._notebook.place(end_line, end_column)
        if last_cell != cell:
            # Only the module as a whole spans cells.
            last, end_column = self._notebook.end_of(cell)
        return Location(self.path, cell, first, column, last, end_column)


def shown_path(path: str, base: str | None = None) -> str:
    """How a path is written in messages: posix, relative to the working directory (or to `base`) where it lies inside."""
    name = os.path.normpath(path)
    if os.path.isabs(name):
        here = base or os.getcwd()
        inside = name.startswith(here.rstrip(os.sep) + os.sep)
        name = os.path.relpath(name, here) if inside else name
    # Bytes of a file name that are no text cannot be printed.
    return PurePath(name).as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
