"""Where are the strings, comments, brackets and line ends of a text that may not even be Python?

Python's own tokenizer refuses syntax newer than itself and gives up at the first mistake, so this one knows only what decides
whether a character is code, and it never refuses:

    list(lex('x = ["#"]  # why'))
    # open 4:5, string 5:8, close 8:9, comment 11:16

A literal of the f-string kind (f"", t"") becomes its literal parts ("string") with the braces of its fields as brackets between
them, quotes of the same kind inside a field included (PEP 701). The letters before a quote are left out:

    list(lex('f"a{b}"'))
    # string 1:2, string 2:3, open 3:4, close 5:6, string 6:7

What ends a line outside every literal is "newline" (also inside brackets; the reader counts those), a backslash at its end "joined".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["string", "comment", "open", "close", "newline", "joined"]

_STRING = re.compile(
    r"""
      \"\"\"[^"\\]*(?:(?:\\[\s\S]|"(?!""))[^"\\]*)*\"\"\"
    | '''[^'\\]*(?:(?:\\[\s\S]|'(?!''))[^'\\]*)*'''
    | (?!\"\"\")"[^"\\\r\n]*(?:\\(?:\r\n|[\s\S])[^"\\\r\n]*)*"
    | (?!''')'[^'\\\r\n]*(?:\\(?:\r\n|[\s\S])[^'\\\r\n]*)*'
""",
    re.VERBOSE,
)
_CODE = re.compile(r"""\#[^\r\n]*|\"\"\"|'''|["'()\[\]{}:]|\\?(?:\r\n?|\n)""", re.VERBOSE)
_PREFIX = re.compile(r"(?<!\w)(?:[fFtT][rR]?|[rR][fFtT])\Z")
_CLOSES = {"(": ")", "[": "]", "{": "}"}
_NEWLINE = re.compile(r"\r\n?|\n")


def _part(quote: str, spec: bool) -> re.Pattern[str]:
    """What matters inside an f-string: escapes, braces (doubled ones only outside a format spec) and its end."""
    doubled = "" if spec else r"\{\{|\}\}|"
    end = quote if len(quote) == 3 else rf"{quote}|[\r\n]"
    return re.compile(rf"\\N\{{[^{{}}\r\n]*\}}|\\(?:\r\n|[^{{}}])|{doubled}[{{}}]|{end}")


_PART = {(quote, spec): _part(quote, spec) for quote in ('"""', "'''", '"', "'") for spec in (False, True)}


class Token(NamedTuple):
    """A stretch of text; what lies between tokens is names, numbers, operators and blanks."""

    kind: Kind
    start: int
    end: int


def lex(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens of `text` from `start`, which must lie outside every literal."""
    return _Lexer(text, start).run()


def comments(text: str) -> Iterator[Token]:
    """The real comments: not what looks like one inside a string."""
    return (token for token in lex(text) if token.kind == "comment")


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    start = 0
    line = 1
    for match in _NEWLINE.finditer(text, 0, offset):
        start = match.end()
        line += 1
    return line, offset - start + 1


def brackets(text: str) -> tuple[list[int], int | None]:
    """The brackets that are never closed, and the first closing bracket that fits none."""
    stack: list[int] = []
    for token in lex(text):
        if token.kind == "open":
            stack.append(token.start)
        elif token.kind == "close":
            if not stack or _CLOSES[text[stack[-1]]] != text[token.start]:
                return stack, token.start
            stack.pop()
    return stack, None


class _Field(NamedTuple):
    """A replacement field `{...}` of an f-string that is still open."""

    quote: str
    in_spec: bool  # it stands in the format spec of another field of the same literal


class _Lexer:
    """Code, the literal part of an f-string, or a format spec: `quote` and `spec` say which, `fields` where to go back to.

    `depths` counts for each open field the brackets that are open inside it.
    """

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.at = start
        self.quote = ""  # empty in code
        self.spec = False
        self.fields: list[_Field] = []
        self.depths: list[int] = []

    def run(self) -> Iterator[Token]:
        while self.at < len(self.text):
            yield from self._literal_part() if self.quote else self._code()

    def _code(self) -> Iterator[Token]:
        for match in _CODE.finditer(self.text, self.at):
            word, start, self.at = match[0], match.start(), match.end()
            if word[0] == "#":
                yield Token("comment", start, self.at)
            elif word[0] in "\"'":
                yield from self._string(start, word)
                return
            elif word in "([{":
                if self.depths:
                    self.depths[-1] += 1
                yield Token("open", start, self.at)
            elif word in ")]}":
                yield Token("close", start, self.at)
                if self._leaves_field(word):
                    return
            elif word == ":":
                if self.depths and not self.depths[-1]:
                    self.quote, self.spec = self.fields[-1].quote, True
                    return
            else:
                yield Token("joined" if word[0] == "\\" else "newline", start, self.at)
        self.at = len(self.text)

    def _string(self, start: int, quote: str) -> Iterator[Token]:
        """A literal begins: a plain one is one token, one with fields is read part by part."""
        if _PREFIX.search(self.text, max(0, start - 3), start):
            self.quote, self.spec = quote, False
            yield Token("string", start, self.at)
            return
        whole = _STRING.match(self.text, start)
        if whole:
            self.at = whole.end()
        else:
            # An unterminated literal ends with its line, a triple-quoted one with the text.
            line_end = _NEWLINE.search(self.text, start) if len(quote) == 1 else None
            self.at = line_end.start() if line_end else len(self.text)
        yield Token("string", start, self.at)

    def _leaves_field(self, bracket: str) -> bool:
        """Does this closing bracket end a field? Then the literal around it goes on."""
        if not self.depths:
            return False
        if self.depths[-1]:
            self.depths[-1] -= 1
            return False
        if bracket == "}":
            self._pop()
            return True
        return False

    def _pop(self) -> None:
        self.depths.pop()
        self.quote, self.spec = self.fields.pop()

    def _literal_part(self) -> Iterator[Token]:
        """From where the lexer stands in an f-string to the next field, the end of the spec or the end of the literal."""
        start = self.at
        for match in _PART[self.quote, self.spec].finditer(self.text, start):
            word, self.at = match[0], match.end()
            if word == "{":
                self.fields.append(_Field(self.quote, self.spec))
                self.depths.append(0)
                self.quote = ""
            elif word == "}" and self.spec:
                self._pop()
            elif word == self.quote or word in "\r\n":
                self._end_literal()
                if word in "\r\n":
                    self.at = match.start()
                yield Token("string", start, self.at)
                return
            else:
                continue  # an escape, a doubled or a stray brace
            yield Token("string", start, match.start())
            yield Token("open" if word == "{" else "close", match.start(), match.end())
            return
        self.at = len(self.text)
        yield Token("string", start, self.at)

    def _end_literal(self) -> None:
        """Back to the code around the literal, forgetting fields that never closed."""
        while self.spec:
            self._pop()
        self.quote = ""
