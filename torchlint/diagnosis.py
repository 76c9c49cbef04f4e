"""Why is this text not Python, in words and at a place that help?

LibCST's parser says at which token it gave up ("error at 2:8: expected one of ..."), its tokenizer only what it dislikes. Here both become
what a person wants to read:

    y = (a b)         syntax error: unexpected `b`                  2:8
    x = (             syntax error: `(` is never closed             1:5
    print "x"         syntax error: unexpected `"x"` (Python 2? ...)
    x = 'abc          syntax error: unterminated string literal     1:5
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchlint.errors import UnreadableFile
from torchlint.lexer import Token, brackets, lex, place_of

_PLACE = re.compile(r"error at (\d+):(\d+): expected ")
_LAST_TOKEN = re.compile(r"""(?:\w+|"[^"]*"|'[^']*'|\S)\Z""")
_NEWLINE = re.compile(r"\r\n?|\n")
_PYTHON_2 = re.compile(
    r"""[ \t\f]*(?:
        print[ \t]+(?!(?:and|or|in|is|if|for|not)\b)["'\w%{] | print[ \t]*>> | exec[ \t]+["'\w] | raise[ \t]+[\w.]+[ \t]*,
      | .*(?:<>|`) | .*\b(?:0[0-7]+|\d+[lL])\b | .*\b[uU][rR]["']
    )""",
    re.VERBOSE,
)


def syntax_error(path: str, text: str, message: str) -> UnreadableFile:
    """The error to report where LibCST refuses `text` with `message`."""
    message = " ".join(message.split())
    match = _PLACE.search(message)
    offset: int | None
    if match:
        words, offset = _at_token(text, int(match[1]), int(match[2]), message)
    else:
        words = message.partition("tokenizer error: ")[2] or message
        offset = _dislike(text, words)
    if offset is None:
        return UnreadableFile(path, f"syntax error: {words}")
    line, column = place_of(text, offset)
    if _PYTHON_2.match(_NEWLINE.split(text)[line - 1]):
        words += " (Python 2? only Python 3 can be read)"
    return UnreadableFile(path, f"syntax error: {words}", line, column)


def _at_token(text: str, line: int, end_column: int, message: str) -> tuple[str, int]:
    """What the token that ends at this place (column from 0) is, and where it begins."""
    open_brackets, _ = brackets(text)
    starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
    end = min(starts[min(line, len(starts)) - 1] + end_column, len(text))
    before = text[starts[min(line, len(starts)) - 1] : end]
    at_line_end = not before.strip() and "EOF" not in message and "INDENT" not in message
    if at_line_end or end == len(text):
        if open_brackets:
            return f"`{text[open_brackets[-1]]}` is never closed", open_brackets[-1]
        if at_line_end:
            kept = len(text[: end - len(before)].rstrip())
            return ("unexpected end of line" if text[end:].strip() else "unexpected end of file"), kept
    if not before.strip():
        return "unexpected indentation", end
    end -= len(before) - len(before.rstrip())
    token = _LAST_TOKEN.search(before.rstrip())
    start = end - len(token[0]) if token else end
    if "expected INDENT" in message:
        return "expected an indented block", start
    return f"unexpected `{text[start:end][:40]}`", start


def _dislike(text: str, words: str) -> int | None:
    """Where the thing stands that the tokenizer complains about; None where that cannot be told."""
    if "parenthesis" in words or "unmatched" in words:
        return brackets(text)[1]
    if "string literal" in words:
        return next((token.start for token in lex(text) if token.kind == "string" and _broken(text, token)), None)
    character = re.search(r"'(.)' is not a valid character", words)
    if character:
        return _search_code(text, re.escape(character[1]))
    if "leading zeros" in words:
        return _search_code(text, r"(?<![\w.])0[0-9_]*[1-9]")
    if "line continuation" in words:
        return _search_code(text, r"\\(?![\r\n])")
    if "literal" in words:
        return _search_code(text, r"(?<![\w.])[0-9][\w.]*[g-wyzG-WYZ_](?![0-9])")
    if "tabs" in words or "indent" in words:
        return _bad_indentation(text)
    return None


def _broken(text: str, token: Token) -> bool:
    """Does a plain literal end without its quote?"""
    literal = text[token.start : token.end]
    quote = literal[:3] if literal[:3] in ('"""', "'''") else literal[:1]
    return quote in ('"""', "'''", '"', "'") and (len(literal) < 2 * len(quote) or not literal.endswith(quote))


def _code(text: str) -> Iterator[tuple[int, int]]:
    """The stretches that are neither string nor comment."""
    end = 0
    for token in lex(text):
        if token.kind in ("string", "comment"):
            yield end, token.start
            end = token.end
    yield end, len(text)


def _search_code(text: str, pattern: str) -> int | None:
    searched = re.compile(pattern)
    for start, end in _code(text):
        match = searched.search(text, start, end)
        if match:
            return match.start()
    return None


def _bad_indentation(text: str) -> int | None:
    """The first line whose indentation fits none of the open blocks."""
    depth = 0
    blocks = [""]
    at = 0
    for token in lex(text):
        if token.kind in ("open", "close"):
            depth += 1 if token.kind == "open" else -1
        if token.kind != "newline" or depth > 0:
            continue
        stripped = text[at : token.start].lstrip(" \t\f")
        indent = text[at : token.start][: token.start - at - len(stripped)]
        if stripped and not stripped.startswith("#"):
            while len(blocks) > 1 and len(indent) < len(blocks[-1]):
                blocks.pop()
            if not indent.startswith(blocks[-1]) or (indent != blocks[-1] and len(indent) <= len(blocks[-1])):
                return at
            if indent != blocks[-1]:
                blocks.append(indent)
        at = token.end
    return None
