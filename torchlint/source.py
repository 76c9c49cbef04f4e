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
from pathlib import PurePath
from typing import TYPE_CHECKING

from torchlint.decoding import decode
from torchlint.errors import UnreadableFile
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

    __slots__ = ("_lines", "_notebook", "_suppressions", "_tree", "path", "problems", "text")

    def __init__(self, path: str, text: str, notebook: Notebook | None = None) -> None:
        self.path = path
        self.text = text
        self.problems: list[UnreadableFile] = []
        self._notebook = notebook
        self._tree: libcst.Module | UnreadableFile | None = None
        self._lines: list[str] | None = None
        self._suppressions: Suppressions | None = None

    @classmethod
    def from_bytes(cls, path: str, data: bytes) -> SourceFile:
        """Decode a file; `path` says by its suffix whether it is a notebook. Raises UnreadableFile."""
        shown = shown_path(path)
        text = decode(shown, data)
        if shown.endswith(".ipynb"):
            notebook = Notebook.from_json(shown, text)
            return cls(shown, notebook.text, notebook)
        return cls(shown, text)

    @property
    def is_notebook(self) -> bool:
        return self._notebook is not None

    @property
    def tree(self) -> libcst.Module:
        """The syntax tree, parsed on first use. Raises UnreadableFile, each time anew the same one."""
        if self._tree is None:
            from torchlint.parsing import parse

            try:
                self._tree = parse(self.path, self.text)
            except UnreadableFile as error:
                self._tree = error
        if isinstance(self._tree, UnreadableFile):
            raise self._tree
        return self._tree

    def locate(self, nodes: Iterable[libcst.CSTNode]) -> dict[int, Location]:
        """The places of some nodes of `tree`, by id(node). Costs a third of a parse: collect the nodes, then ask once."""
        from torchlint.positions import spans

        return {
            node: self._location(span.line, span.column + 1, span.end_line, span.end_column + 1)
            for node, span in spans(self.tree, nodes).items()
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

    def _location(self, line: int, column: int, end_line: int, end_column: int) -> Location:
        if self._notebook is None:
            return Location(self.path, None, line, column, end_line, end_column)
        cell, first, column = self._notebook.place(line, column)
        last_cell, last, end_column = self._notebook.place(end_line, end_column)
        if last_cell != cell:
            # Only the module as a whole spans cells.
            last, end_column = self._notebook.end_of(cell)
        return Location(self.path, cell, first, column, last, end_column)


def shown_path(path: str) -> str:
    """How a path is written in messages: posix, relative to the working directory where it lies inside."""
    name = os.path.normpath(path)
    if os.path.isabs(name):
        here = os.getcwd()
        inside = name.startswith(here.rstrip(os.sep) + os.sep)
        name = os.path.relpath(name, here) if inside else name
    return PurePath(name).as_posix()
