"""What program is written in the code cells of a notebook?

All code cells, in order, joined into one text, in which everything that IPython adds to Python is made harmless:

    cell 1:  %matplotlib inline       ->   pass
             import torch                  import torch
    cell 2:  files = !ls              ->   files = get_ipython()
             %time y = net(x)              y = net(x)
             torch.ones(1);                torch.ones(1);

No line is added or removed, so line n of the program is one line of one cell. Where a line got shorter at its beginning (`%time `),
the cell remembers by how much, so that columns are those of the user's line.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right

from torchlint import scan
from torchlint.errors import UnreadableFile
from torchlint.magics import Cell, plain_python

MAX_BYTES = 100_000_000  # with the pictures in its outputs; the program in it has the limits of any file

_NEWLINE = re.compile(r"\r\n?|\n")
_PYTHON_DIALECTS = ("sage", "pyspark", "coconut")
_OTHER_KERNEL = re.compile(r"(?:ir|julia|bash|scala|javascript|deno|rust|cpp|xcpp|octave|matlab)(?![a-z])", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff\0]")


class Notebook:
    """The code cells of one notebook and the way between program lines and cells."""

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
        data = _load(path, text)
        if not isinstance(data, dict):
            raise UnreadableFile(path, f"is not a notebook: a JSON object is expected, not {_kind(data)}")
        cells = _raw_cells(path, data)
        if not _is_python(data):
            return cls([])
        code = [cell for cell in cells if cell.get("cell_type") == "code"]
        sources = [_source(path, number, raw) for number, raw in enumerate(code, start=1)]
        size = sum(map(len, sources))
        if size > scan.MAX_BYTES:
            raise UnreadableFile(path, f"is too large to parse: {size / 1e6:.1f} MB of code, at most {scan.MAX_BYTES / 1e6:.0f} MB are read")
        return cls([_cell(number, raw, source) for number, (raw, source) in enumerate(zip(code, sources, strict=True), start=1)])

    @property
    def text(self) -> str:
        """The program."""
        return "".join(f"{line}\n" for cell in self.cells for line in cell.program)

    def place(self, line: int, column: int) -> tuple[int, int, int]:
        """(cell, line in the cell, column) of a place in the program; all count from 1."""
        if not self.cells:
            return 1, 1, 1
        index = max(0, bisect_right(self._starts, line) - 1)
        cell = self.cells[index]
        row = line - self._starts[index] + 1
        if row > len(cell.lines):
            # The end of the program stands behind its last line.
            return cell.number, *self.end_of(cell.number)
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
        return self._starts[cell - 1] + line - 1 if 0 < cell <= len(self._starts) else line


def _load(path: str, text: str) -> object:
    if len(text) > MAX_BYTES:
        raise UnreadableFile(path, f"is too large to read: {len(text) / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} MB are read")
    if not text.strip():
        raise UnreadableFile(path, "is not a notebook: the file is empty")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableFile(path, f"is not a notebook: broken JSON: {error.msg}", error.lineno, error.colno) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableFile(path, f"is not a notebook: broken JSON: {error}") from None


def _raw_cells(path: str, data: dict[str, object]) -> list[dict[str, object]]:
    """The cells of nbformat 4, or those of all worksheets of nbformat 3."""
    if "cells" in data or "worksheets" not in data:
        return _objects(path, data, "cells")
    return [cell for sheet in _objects(path, data, "worksheets") for cell in _objects(path, sheet, "cells")]


def _objects(path: str, data: dict[str, object], key: str) -> list[dict[str, object]]:
    if key not in data:
        raise UnreadableFile(path, f"is not a notebook: it has no `{key}`")
    values = data[key]
    if not isinstance(values, list):
        raise UnreadableFile(path, f"is not a notebook: `{key}` is {_kind(values)}, not a list")
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict):
            raise UnreadableFile(path, f"is not a notebook: entry {number} of `{key}` is {_kind(value)}, not an object")
    return values


def _cell(number: int, raw: dict[str, object], source: str) -> Cell:
    cell = plain_python(number, source)
    if not _is_python_cell(raw):
        cell.blank()
    return cell


def _source(path: str, number: int, cell: dict[str, object]) -> str:
    """The text of one code cell, which may be stored as a list of lines; nbformat 3 calls it `input`."""
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise UnreadableFile(path, f"is not a notebook: the source of the cell is {_kind(source)}, not text", cell=number)
    broken = _SURROGATE.search(source)
    if broken:
        line = len(_NEWLINE.findall(source, 0, broken.start())) + 1
        raise UnreadableFile(path, f"holds the character U+{ord(broken[0]):04X}, which is not text", line, cell=number)
    return source


def _is_python(data: dict[str, object]) -> bool:
    """Does the kernel speak Python? Where nothing says so, it does."""
    metadata = _dict(data.get("metadata"))
    language = _dict(metadata.get("language_info")).get("name") or _dict(metadata.get("kernelspec")).get("language")
    if isinstance(language, str) and language:
        return "python" in language.lower() or language.lower() in _PYTHON_DIALECTS
    kernel = _dict(metadata.get("kernelspec")).get("name")
    return not (isinstance(kernel, str) and _OTHER_KERNEL.match(kernel))


def _is_python_cell(cell: dict[str, object]) -> bool:
    """nbformat 3 and VS Code can name the language of a single cell."""
    vscode = _dict(_dict(cell.get("metadata")).get("vscode")).get("languageId")
    languages = [name for name in (cell.get("language"), vscode) if isinstance(name, str) and name]
    return all("python" in name.lower() for name in languages)


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
