"""Is this text safe to hand to LibCST's native parser?

The parser recurses on the C stack and remembers every intermediate result, so small files can end the process or eat all memory:
1,300 nested parentheses overflow an 8 MB stack, 1,000 nested calls take 2 GB, 24 brackets nested in one `case` pattern take minutes.
One linear scan measures the text before it is parsed:

    measure("net.py", "f(a + b, [c])\\n")     # Shape(depth=2, chain=2, work=15, stack=...)
    measure("net.py", "(" * 300)             # UnreadableFile: nests 300 brackets ...

The limits lie far from what people write. In 7,400 files of PyTorch, transformers, timm, torchvision, MONAI and others the largest values are:

    what                                             seen        limit
    size in characters                               1.4 M       2 M       (2 MB of dense code take about 30 s)
    nested brackets                                  26          200       (CPython itself refuses more)
    operators, accesses or strings in one chain      128         1,000
    chains of all bracket levels together            155         5,000
    branches of one if                               under 267   1,000
    work: each token times the brackets around it    1.0 M       2.5 M     (about 7 us and 1 to 1.5 KB of memory each)

What the limits let through can still need 20 MB of stack: parsing.py takes a thread with that much where `stack` says so.

How it works: strings and comments go, then names and blanks, which leaves a skeleton such as `(+,[])`. Removing the innermost brackets
again and again shows each piece of code without the pieces inside it, so its length between commas is the length of its chain.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final, NamedTuple

from torchlint.errors import UnreadableFile
from torchlint.lexer import Token, brackets, lex, place_of

MAX_BYTES: Final = 2_000_000
MAX_DEPTH: Final = 200
MAX_CHAIN: Final = 1_000
MAX_ELIF: Final = 1_000
MAX_WORK: Final = 2_500_000
MAX_PATH: Final = 5_000  # the longest chains of all bracket levels together

# The C stack that the parser was seen to take, in bytes: for each nested block, nested bracket, element of a chain and elif.
_STACK_BASE: Final = 80_000
_STACK_BLOCK: Final = 25_500
_STACK_BRACKET: Final = 8_200
_STACK_CHAIN: Final = 2_900
_STACK_ELIF: Final = 1_200
_LAMBDA: Final = 5  # a lambda in the default of a lambda takes as much as five operators


class Shape(NamedTuple):
    """What the scan measured. `stack` is an upper bound of the C stack, in bytes, that parsing takes."""

    depth: int
    chain: int
    work: int
    stack: int


def measure(path: str, text: str) -> Shape:
    """Measure a program; raises UnreadableFile where parsing it could hurt."""
    if len(text) > MAX_BYTES:
        raise UnreadableFile(path, f"is too large to parse: {len(text) / 1e6:.1f} MB of code, at most {MAX_BYTES / 1e6:.0f} MB are read")
    code = _bare(text)
    skeleton = _skeleton(code)
    depth = _depth(skeleton)
    if depth > MAX_DEPTH:
        raise UnreadableFile(
            path, f"nests {depth} brackets inside each other; at most {MAX_DEPTH} are read, as in Python itself", *_first_too_deep(text)
        )
    chains, chain_work = _chains(skeleton)
    chain, path_length = max(chains, default=0), sum(chains)
    if chain > MAX_CHAIN or path_length > MAX_PATH:
        raise _too_long(path, text, max(chain, path_length))
    elifs = _elifs(code)
    if elifs > MAX_ELIF:
        raise UnreadableFile(path, f"has an `if` with {elifs} `elif` branches; at most {MAX_ELIF} are read")
    work = _work(skeleton, depth) + chain_work + _pattern_work(code)
    if work > MAX_WORK:
        raise UnreadableFile(
            path,
            f"is too large and too deeply nested: parsing it would take about {work * 7e-6:.0f} s and {work * 1.2e-6:.1f} GB of memory",
            _busiest_line(text),
        )
    stack = _blocks(code) * _STACK_BLOCK + depth * _STACK_BRACKET + path_length * _STACK_CHAIN + elifs * _STACK_ELIF
    return Shape(depth, chain, work, _STACK_BASE + stack)


def _literals(quote: str) -> str:
    """The regex of all string literals that begin with this quote, and of those f-strings that a regex can read.

    Those are f-strings whose fields are short and hold neither braces (one level of format spec apart) nor their own quote.
    Every alternative begins with the quote itself, so that the search skips quickly to the next one.
    """
    prefixed = f"(?:(?<=[fFtT]{quote})|(?<=[fFtT][rR]{quote}))"
    plain = f"(?<![fFtT]{quote})(?<![fFtT][rR]{quote})"
    escape, field_escape = r"\\(?:\r\n|[\s\S])", r"\\(?:\r\n|[^{}])"
    inner = rf"[^{{}}\\{quote}\r\n]"
    short = rf"{{{{|}}}}|{_field(inner)}"
    long_inner = rf"(?:[^{{}}\\{quote}]|{quote}(?!{quote}{quote}))"
    long = rf"{{{{|}}}}|{_field(long_inner)}|{quote}(?!{quote}{quote})"
    one, three = rf"(?!{quote}{quote})", quote * 2
    return (
        rf"{quote}(?:{plain}(?:{three}[^{quote}\\]*(?:(?:{escape}|{quote}(?!{three}))[^{quote}\\]*)*{quote}{three}"
        rf"|{one}[^{quote}\\\r\n]*(?:{escape}[^{quote}\\\r\n]*)*{quote})"
        rf"|{prefixed}(?:{three}[^{{}}\\{quote}]*(?:(?:{field_escape}|{long})[^{{}}\\{quote}]*)*{quote}{three}"
        rf"|{one}[^{{}}\\{quote}\r\n]*(?:(?:{field_escape}|{short})[^{{}}\\{quote}\r\n]*)*{quote}))"
    )


def _field(inner: str) -> str:
    return rf"\{{{inner}{{1,80}}(?:\{{{inner}{{1,80}}\}}{inner}{{0,80}}){{0,4}}\}}"


_DELETED = re.compile(rf"""#[^\r\n]*|{_literals('"')}|{_literals("'")}""")
# `if` belongs to its `else`, `in` to its `for`; comparisons do not nest.
_KEYWORD = re.compile(r"(?:and(?<!\wand)|or(?<!\wor)|not(?<!\wnot)|else(?<!\welse)|for(?<!\wfor))\b")
_PAIR = re.compile(rb"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}")
_OPEN, _CLOSE = b"([{", b")]}"
_STEP = bytes(1 if char in _OPEN else 255 if char in _CLOSE else 0 for char in range(256))
_NOT_BRACKET = bytes(char for char in range(256) if char not in _OPEN + _CLOSE)
_STRING_MARK, _LAMBDA_MARK, _KEYWORD_MARK = "`", "$", "~"
_NOISE = bytes(char for char in range(256) if chr(char).isalnum() or char > 126 or (char < 33 and char != 10) or char in b"_\\?")
# Between these a chain starts anew.
_SEPARATORS = bytes(44 if char in b",;=:\n" + _OPEN + _CLOSE else char for char in range(256))


def _bare(text: str) -> str:
    """The code without strings and comments, with `\n` as the only line end."""
    code = _DELETED.sub(_STRING_MARK, text)
    if '"' in code or "'" in code:
        # Broken strings, or f-strings that a regex cannot read.
        code = _bare_slowly(text)
    if "\r" in code:
        code = code.replace("\r\n", "\n").replace("\r", "\n")
    return code.replace("\\\n", "") if "\\" in code else code


def _bare_slowly(text: str) -> str:
    pieces: list[str] = []
    end = 0
    for token in lex(text):
        if token.kind in ("string", "comment"):
            pieces += (text[end : token.start], _STRING_MARK if token.kind == "string" else "")
            end = token.end
    return "".join(pieces) + text[end:]


def _skeleton(code: str) -> bytes:
    """Brackets, operators, separators and line ends; the keywords that build expressions as marks."""
    if "lambda" in code:
        code = re.sub(r"\blambda\b", _LAMBDA_MARK, code)
    return _KEYWORD.sub(_KEYWORD_MARK, code).encode("ascii", "replace").translate(None, _NOISE)


def _depth(skeleton: bytes) -> int:
    """How many brackets are open at the deepest point."""
    return max(accumulate(memoryview(skeleton.translate(_STEP, _NOT_BRACKET)).cast("b")), default=0)


def _work(skeleton: bytes, depth: int) -> int:
    """Twice the marks (a mark and an operand), each times the brackets around it. An upper bound where that is small enough."""
    most = 2 * len(skeleton) * (1 + depth)
    if most < MAX_WORK // 4:
        return most
    return 2 * (len(skeleton) + sum(accumulate(memoryview(skeleton.translate(_STEP)).cast("b"))))


def _chains(skeleton: bytes) -> tuple[list[int], int]:
    """The longest chain of each bracket level, innermost first, and the extra work that chains make (quadratic in their length)."""
    longest: list[int] = []
    work = 0
    depth = _depth(skeleton)
    while pieces := _PAIR.findall(skeleton):
        chain, extra = _flat_chains(b",".join(pieces), depth)
        longest.append(chain)
        work += extra
        depth -= 1
        skeleton = _PAIR.sub(b".", skeleton)
    unclosed = any(bracket in skeleton for bracket in _OPEN)
    # Inside a bracket that is never closed a line end does not end a chain.
    chain, extra = _flat_chains(skeleton.replace(b"\n", b"") if unclosed else skeleton.replace(b"\n", b","), 0)
    return [*longest, chain], work + extra


def _flat_chains(flat: bytes, depth: int) -> tuple[int, int]:
    """The longest chain in code without inner brackets, and the work of all its chains under `depth` brackets."""
    lengths = list(map(len, flat.translate(_SEPARATORS, b"\n").split(b",")))
    longest = max(lengths)
    lambdas = _LAMBDA * _nested_lambdas(flat) if flat.count(b"$") > 4 else 0
    extra = sum([length * length for length in lengths if length > 12]) if longest > 12 else 0
    return max(longest, lambdas), (extra // 12 + lambdas * lambdas // 100) * (1 + max(0, depth))


def _nested_lambdas(flat: bytes) -> int:
    """`lambda: lambda: ...`: neither its colons nor the commas between its parameters start anew."""
    waiting = nested = most = 0
    for mark in re.findall(rb"[$:,;=\n]", flat):
        if mark == b"$":
            waiting += 1
            nested += 1
            most = max(most, nested)
        elif waiting:
            waiting -= mark == b":"
        else:
            nested = 0
    return most


_BLOCK = re.compile(rf":[ \t\f{_STRING_MARK}]*\n(?:[ \t\f{_STRING_MARK}]*\n)*([ \t\f]+)")


def _blocks(code: str) -> int:
    """An upper bound of how many blocks are nested: LibCST takes at most 100, each indented in its own way."""
    return min(100, len(set(_BLOCK.findall(code))))


_ELIF = re.compile(r"^([ \t\f]*)(\w*)", re.MULTILINE)


def _elifs(code: str) -> int:
    """The branches of the longest `if ... elif ...` (all of the text together where they are few)."""
    count = code.count("elif")
    if count <= MAX_ELIF // 4:
        return count
    running: dict[int, int] = {}
    most = 0
    for match in _ELIF.finditer(code):
        indent = len(match[1])
        if match[2] == "elif":
            running[indent] = running.get(indent, 0) + 1
            most = max(most, running[indent])
        elif match[2] == "if":
            running[indent] = 0
    return most


_CASE = re.compile(r"^[ \t\f]*case\b(?![ \t]*(?:[.,=;)\]}]|$))", re.MULTILINE)
_PATTERN_MARK = re.compile(r"[()\[\]{}:\n]|\w+|[^\w\s]")


def _pattern_work(code: str) -> int:
    """LibCST reads the pattern of a `case` twice for each bracket around it, four times for a brace."""
    work = 0
    if "case" not in code:
        return 0
    for match in _CASE.finditer(code):
        weights: list[int] = []
        for mark in _PATTERN_MARK.finditer(code, match.end()):
            if mark[0] in ":\n" and not weights:
                break
            if mark[0] in "([{":
                weights.append(2 if mark[0] == "{" else 1)
            elif mark[0] in ")]}" and weights:
                weights.pop()
            work += 1 << sum(weights) >> 2
            if work > MAX_WORK:
                return work
    return work


def _too_long(path: str, text: str, length: int) -> UnreadableFile:
    opened, _ = brackets(text)
    if opened:
        # Everything below is inside this bracket, so the length says nothing.
        return UnreadableFile(path, f"syntax error: `{text[opened[-1]]}` is never closed", *place_of(text, opened[-1]))
    message = f"chains {length} operators or accesses in one expression; at most {MAX_CHAIN} are read"
    return UnreadableFile(path, message, _busiest_line(text))


def _first_too_deep(text: str) -> tuple[int, int]:
    """Line and column of the first bracket that is one too many."""
    depth = 0
    for token in lex(text):
        depth += (token.kind == "open") - (token.kind == "close")
        if depth > MAX_DEPTH:
            return place_of(text, token.start)
    return place_of(text, 0)


def _busiest_line(text: str) -> int:
    """The line on which the statement with the most characters of code begins."""
    depth = start = most = busiest = strings = 0
    for token in (*lex(text), Token("newline", len(text), len(text))):
        depth = max(0, depth + (token.kind == "open") - (token.kind == "close"))
        if token.kind in ("string", "comment"):
            strings += token.end - token.start
        elif token.kind == "newline" and not depth:
            if token.start - start - strings > most:
                most, busiest = token.start - start - strings, start
            start, strings = token.end, 0
    return place_of(text, busiest)[0]
