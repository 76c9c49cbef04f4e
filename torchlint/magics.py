"""What of a notebook cell is Python, and what only IPython understands?

    %matplotlib inline          ->   pass                    a line magic, a shell line (!ls), help (?obj, obj?)
    files = !ls                 ->   files = get_ipython()   a value that nothing is known of
    %time y = net(x)            ->   y = net(x)              %time and %timeit run Python
    %%time, %%capture           ->                           the rest of the cell is Python
    %%bash, %%html, %%writefile ->                           the rest of the cell is not part of the program

Lines inside strings, brackets and continued lines are never touched: a line that begins with `%` there is ordinary Python. Every line
stays a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate

from torchlint.lexer import Token, lex

# Cell magics whose body runs as Python in the notebook itself.
_RUNS_PYTHON = frozenset(
    ("capture", "time", "timeit", "prun", "memit", "mprun", "lprun", "debug", "snakeviz", "scalene", "heat", "notify", "wandb", "px", "autopx")
)
# Cell magics whose body is another language, another process or a file.
_OTHER_LANGUAGE = frozenset(
    """
    ! ? bash sh script system sx cmd powershell shell html HTML svg SVG latex markdown md mermaid dot manim
    javascript js css node typescript writefile writetemplate file perl ruby R r julia cython pyximport
    sql bqsql bigquery spanner_graph spark sparkr scala pypy python python2 python3 ai
    cu nvcc cuda cpp c fortran rust yaml json xml
    """.split()  # noqa: SIM905
)
# First lines with which Databricks says that the whole cell is another language; elsewhere they are line magics.
_MAYBE_OTHER_LANGUAGE = re.compile(r"[ \t]*%(?:md|sql|scala|r|R|sh|fs|bash|html|cmd)\b")

_CELL_MAGIC = re.compile(r"[ \t]*%%[ \t]*([\w.]+|[!?]*)(.*)")
_ESCAPE = re.compile(r"([ \t]*)(?:[%!?]|[/,;](?=[ \t]*\w))")
_TIMED = re.compile(r"([ \t]*)%(?:timeit|time)[ \t]+(?:-[a-z](?:[ \t]*\d+)?[ \t]+)*(?=[^-\s])")
_ASSIGNED = re.compile(r"([ \t]*[^\s#=!%][^#=]*?)=[ \t]*(?:!|%(?=[A-Za-z_]))")
_AUTOMAGIC = re.compile(
    r"([ \t]*)(?:pip3?|conda|mamba|uv|cd|ls|ll|pwd|mkdir|rm|cp|mv|cat|head|git|apt|apt-get|wget|curl|gdown|unzip|tar|nvidia-smi|python3?"
    r"|matplotlib|load_ext|reload_ext|autoreload|run|who|whos|reset|env|pinfo)(?![\w.])(?![ \t]*[=(\[,:])"
)
_UNKNOWN = "get_ipython()"


@dataclass(slots=True)
class Cell:
    """One code cell.

    lines       as the user wrote them
    program     the same number of lines of plain Python
    shifts      by how many characters a program line is shorter at its beginning than the user's line (0 where absent)
    unfinished  it ends inside a string or bracket, so it must not be joined with what follows
    uncertain   it may not be Python at all (an unknown cell magic), so a syntax error in it is nobody's mistake
    """

    number: int
    lines: list[str]
    program: list[str] = field(default_factory=list)
    shifts: dict[int, int] = field(default_factory=dict)
    unfinished: bool = False
    uncertain: bool = False

    def blank(self) -> None:
        """Take the whole cell out of the program."""
        self.program = [""] * len(self.lines)
        self.shifts = {}
        self.unfinished = False


def plain_python(number: int, source: str, lenient: bool = False) -> Cell:
    """The cell as plain Python.

    `lenient` is for a cell that turned out not to parse: magics without their `%` (`pip install x`) go too, and timed statements.
    """
    lines = re.sub(r"\r\n?", "\n", source).split("\n")
    cell = Cell(number, lines, list(lines))
    first = _cell_magics(cell)
    if first is None:
        cell.blank()
        return cell
    _dedent(cell, first)
    text = "\n".join(cell.program)
    starts = [0, *accumulate(len(line) + 1 for line in cell.program)]
    row = first
    while row < len(lines):
        row += _escaped(cell, row, lenient) or _logical_line(cell, row, text, starts[row])
    return cell


def _cell_magics(cell: Cell) -> int | None:
    """Blank the cell magics at the top. Returns the first row (from 0) of the Python below; None where nothing below is Python."""
    for row, line in enumerate(cell.lines):
        if not line.strip():
            continue
        magic = _CELL_MAGIC.match(line)
        if not magic:
            cell.uncertain |= bool(_MAYBE_OTHER_LANGUAGE.match(line))
            return row
        if magic[1] in _OTHER_LANGUAGE or not magic[1]:
            return None
        cell.uncertain |= magic[1] not in _RUNS_PYTHON
        cell.program[row] = ""
    return len(cell.lines)


def _dedent(cell: Cell, first: int) -> None:
    """IPython takes the indentation of the first line from all lines."""
    if first >= len(cell.lines):
        return
    line = cell.lines[first]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    if not indent:
        return
    for row in range(first, len(cell.lines)):
        if cell.program[row].startswith(indent):
            cell.program[row] = cell.program[row][len(indent) :]
            cell.shifts[row + 1] = len(indent)


def _escaped(cell: Cell, row: int, lenient: bool) -> int:
    """Neutralise a magic, shell or help line with its continuation lines. Returns how many rows that were; 0 where it is none."""
    line = cell.program[row]
    timed = None if lenient else _TIMED.match(line)
    if timed:
        _shorten(cell, row, timed)
        return 0
    escape = _ESCAPE.match(line) or (_AUTOMAGIC.match(line) if lenient else None)
    assigned = None if escape else _ASSIGNED.match(line)
    if escape:
        replacement = f"{escape[1]}pass"
    elif assigned and _complete(assigned[1]):
        replacement = f"{assigned[1]}= {_UNKNOWN}"
    else:
        return 0
    rows = 1
    while cell.program[row + rows - 1].endswith("\\") and row + rows < len(cell.program):
        rows += 1
    cell.program[row : row + rows] = [replacement, *[""] * (rows - 1)]
    return rows


def _shorten(cell: Cell, row: int, timed: re.Match[str]) -> None:
    """Leave the statement that `%time` runs, at the indentation of the magic."""
    line = cell.program[row]
    cell.program[row] = timed[1] + line[timed.end() :]
    cell.shifts[row + 1] = cell.shifts.get(row + 1, 0) + timed.end() - len(timed[1])


def _logical_line(cell: Cell, row: int, text: str, start: int) -> int:
    """Step over the Python statement that begins at `start`; asking for help is neutralised. Returns how many rows it has."""
    rows, depth, inert = 1, 0, start
    last = None
    for token in lex(text, start):
        last = token
        if token.kind in ("open", "close"):
            depth = max(0, depth + (1 if token.kind == "open" else -1))
        elif token.kind in ("string", "comment"):
            rows += text.count("\n", token.start, token.end)
            inert = token.end
        elif token.kind == "newline" and not depth:
            break
        else:
            rows += 1
    else:
        cell.unfinished = depth > 0 or (text.endswith("\\") and inert < len(text)) or (last is not None and _left_open(text, last))
    line = cell.program[row]
    if rows == 1 and line.rstrip().endswith("?") and inert < start + len(line.rstrip()):
        cell.program[row] = line[: len(line) - len(line.lstrip())] + "pass"
        cell.unfinished = False
    return rows


def _left_open(text: str, token: Token) -> bool:
    """Is this a triple-quoted string that runs to the end of the text without its quotes?"""
    literal = text[token.start : token.end]
    quote = literal[:3]
    return token.end == len(text) and quote in ('"""', "'''") and (len(literal) < 6 or not literal.endswith(quote))


def _complete(code: str) -> bool:
    """Is this a whole piece of code, not the beginning of a string or of something in brackets?"""
    depth = 0
    for token in lex(code):
        depth += (token.kind == "open") - (token.kind == "close")
        if token.kind == "string" and token.end == len(code):
            return False
    return depth == 0
