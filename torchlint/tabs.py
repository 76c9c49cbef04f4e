r"""How does Python count an indentation in which tabs and spaces are mixed?

    without_tabs("if a:\n\t  b()\n")      # ("if a:\n          b()\n", {2: 7}): a tab ends at a multiple of 8, so line 2 grew by 7

LibCST takes some programs that Python runs for wrongly indented. Written with spaces alone they mean the same to both.
"""

from __future__ import annotations

import ast
import re
import warnings

_INDENT = re.compile(r"[ \t]*\t[ \t]*")
_NEWLINE = re.compile(r"(\r\n?|\n)")
_WIDTH = 8  # of a tab: The Python Language Reference, 2.1.8


def without_tabs(text: str) -> tuple[str, dict[int, int]] | None:
    """The text with indentations of spaces, and by how many characters which line (from 1) has grown; None where Python does not read it, either."""
    if "\t" not in text or not _is_python(text):
        return None
    grown: dict[int, int] = {}
    parts = _NEWLINE.split(text)  # lines, and what ends them in between
    for number, line in enumerate(parts[::2]):
        found = _INDENT.match(line)
        if found is not None:
            wide = found[0].expandtabs(_WIDTH)
            parts[2 * number] = wide + line[found.end() :]
            grown[number + 1] = len(wide) - len(found[0])
    return "".join(parts), grown


def _is_python(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
