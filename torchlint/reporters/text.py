"""How wide is a text on a terminal, and how is it coloured, cut and made harmless?

For example:

    cells("日本")                # 4: each takes two cells
    harmless("a\\tb\\x1b[2J")    # "a   b␛[2J": tabs become spaces, control characters visible
    Paint(True)("12", "bold")   # "\\x1b[1m12\\x1b[0m"
"""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass

from torchlint.model import Location

TAB = 4
_STEERING = "\u2028\u2029\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # line breaks and marks that turn the direction
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours text, or leaves it alone."""

    enabled: bool = False

    def __call__(self, text: str, *styles: str) -> str:
        if not self.enabled or not styles or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"


def cell_width(character: str) -> int:
    """How many cells of a terminal one character takes."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return len(text) if text.isascii() else sum(cell_width(character) for character in text)


def harmless(text: str) -> str:
    """A line of source that cannot move the cursor: tabs as spaces, control characters as their pictures, stray surrogates as `?`."""
    shown: list[str] = []
    width = 0
    for character in text:
        piece = " " * (TAB - width % TAB) if character == "\t" else _visible(character)
        width += cells(piece)
        shown.append(piece)
    return "".join(shown)


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or character in _STEERING:
        return "?"
    return character


def wrapped(text: str, width: int, indent: str = "", first: str | None = None) -> str:
    """Paragraphs broken at spaces; `first` replaces the indent of the first line. Lines of the text stay lines."""
    lines: list[str] = []
    for paragraph in harmless_lines(text):
        start = indent if first is None or lines else first
        lines += textwrap.wrap(
            paragraph, max(width, 20), initial_indent=start, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]
    return "\n".join(lines)


def harmless_lines(text: str) -> list[str]:
    """The lines of a message, without anything that a terminal would obey."""
    return [harmless(line) for line in text.split("\n")]


def place(location: Location) -> str:
    """`train.py:12:17`, or `nb.ipynb:cell 4:12:3`."""
    cell = "" if location.cell is None else f"cell {location.cell}:"
    return f"{harmless(location.path)}:{cell}{location.line}:{location.column}"
