"""Which findings has the user silenced with a comment, and where?

    loss = F.cross_entropy(p, y)  # torchlint: ignore               everything on this line
    loss = F.cross_entropy(p, y)  # torchlint: ignore[TL101]        by code, by prefix (TL1) or by name (softmax-without-dim)
    loss = F.cross_entropy(p, y)  # noqa: TL101, E501               as flake8 has it; a bare `# noqa` silences everything
    # torchlint: ignore-file[TL101]                                 alone on a line: in the whole file

A comment speaks for its own line only, not for the line below it; where a finding spans several lines, a comment on any of them
counts. Only real comments count, not text inside a string that looks like one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from torchlint.lexer import comments

_NEWLINE = re.compile(r"\r\n?|\n")
_WORDS = re.compile(r"noqa|torchlint", re.IGNORECASE)
_IGNORE = re.compile(r"#\s*torchlint\s*:\s*(ignore-file|ignore)(?![\w-])\s*(?:\[([^\]]*)\])?", re.IGNORECASE)
_NOQA = re.compile(r"#\s*noqa(?![\w-])(?:\s*:\s*([A-Z][A-Z]*[0-9]+(?:[,\s]+[A-Z][A-Z]*[0-9]+)*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment. `selectors` are lower-case codes, prefixes and names; None means everything."""

    line: int
    whole_file: bool
    selectors: tuple[str, ...] | None

    def covers(self, code: str, name: str) -> bool:
        code, name = code.lower(), name.lower()
        return self.selectors is None or any(selector == name or code.startswith(selector) for selector in self.selectors)


class Suppressions:
    """All such comments of one program; lines are program lines, from 1."""

    __slots__ = ("comments",)

    def __init__(self, comments: tuple[Suppression, ...] = ()) -> None:
        self.comments = comments

    @classmethod
    def of(cls, text: str) -> Suppressions:
        """Read them from the program text. Nearly every file has none, which one search for the words finds out."""
        return cls(tuple(_read(text)) if _WORDS.search(text) else ())

    def hides(self, line: int, code: str, name: str) -> bool:
        """Is rule `code` (`name`) silenced on this line?"""
        return self.hides_span(line, line, code, name)

    def hides_span(self, first_line: int, last_line: int, code: str, name: str) -> bool:
        """Is it silenced on any of these lines (both included)?"""
        return any((comment.whole_file or first_line <= comment.line <= last_line) and comment.covers(code, name) for comment in self.comments)


def _read(text: str) -> Iterator[Suppression]:
    starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
    for token in comments(text):
        comment = text[token.start : token.end]
        line = bisect_right(starts, token.start)
        alone = not text[starts[line - 1] : token.start].strip()
        for match in _IGNORE.finditer(comment):
            whole_file = match[1].lower() == "ignore-file"
            if alone or not whole_file:
                yield Suppression(line, whole_file, _selectors(match[2]))
        for match in _NOQA.finditer(comment):
            yield Suppression(line, False, _selectors(match[1]))


def _selectors(listed: str | None) -> tuple[str, ...] | None:
    return None if listed is None else tuple(part.lower() for part in re.split(r"[,\s]+", listed) if part)
