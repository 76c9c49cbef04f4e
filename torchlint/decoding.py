"""How do the bytes of a Python file become text?

By the rules of PEP 263: a byte order mark means UTF-8, else a `coding:` comment in the first two lines decides, else it is UTF-8.

    decode("old.py", b"# -*- coding: latin-1 -*-\\nx = '\\xe9'\\n")   # "# -*- coding: latin-1 -*-\\nx = 'é'\\n"

What is not text (UTF-16, binary data, bytes that the encoding does not know) is an UnreadableFile that names the place.
"""

from __future__ import annotations

import codecs
import re

from torchlint.errors import UnreadableFile
from torchlint.lexer import place_of

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")
_NEWLINE = re.compile(rb"\r\n?|\n")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_FOR_FILES = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape")
_UTF16 = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
_UTF32 = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32"}


def decode(path: str, data: bytes) -> str:
    """The text of a Python file, without a byte order mark; newlines stay as they are."""
    marked = data.startswith(codecs.BOM_UTF8)
    body = data[3:] if marked else data
    _refuse_binary(path, body)
    declared, line = _cookie(body)
    encoding = _codec(path, declared, line)
    if marked and encoding != "utf-8":
        raise UnreadableFile(path, f"starts with a UTF-8 byte order mark but declares the encoding {declared!r}", line)
    text = _decode(path, body, encoding, line)
    surrogate = None if encoding in ("utf-8", "iso8859-1") else _SURROGATE.search(text)
    if surrogate:
        row, column = place_of(text, surrogate.start())
        raise UnreadableFile(path, f"holds a lone surrogate (U+{ord(surrogate[0]):04X}), which is not text", row, column)
    return text


def _refuse_binary(path: str, data: bytes) -> None:
    for mark, name in (_UTF32 | _UTF16).items():
        if data.startswith(mark):
            raise UnreadableFile(path, f"is encoded in {name}; Python source must be UTF-8 or declare another 8-bit encoding: save it as UTF-8")
    zero = data.find(b"\0")
    if zero < 0:
        return
    line = len(_NEWLINE.findall(data, 0, zero)) + 1
    if _looks_like_utf16(data):
        raise UnreadableFile(path, "looks like UTF-16 without a byte order mark: save it as UTF-8", line)
    raise UnreadableFile(path, f"holds a NUL byte (byte {zero + 1}): this is binary data, not Python source", line)


def _looks_like_utf16(data: bytes) -> bool:
    """Every second byte of ASCII text in UTF-16 is zero."""
    head = data[:200]
    half = len(head) // 2
    return half >= 2 and any(head[start::2].count(0) > 0.8 * half and 0 not in head[1 - start :: 2] for start in (0, 1))


def _cookie(data: bytes) -> tuple[str, int | None]:
    """The declared encoding and the line that declares it."""
    for number, line in enumerate(_NEWLINE.split(data[:4096], maxsplit=2)[:2], start=1):
        match = _COOKIE.match(line)
        if match:
            return match[1].decode("ascii", "replace"), number
        if not _BLANK.match(line):
            break
    return "utf-8", None


def _codec(path: str, declared: str, line: int | None) -> str:
    """The canonical name of the declared encoding. As for Python, `utf-8-anything` is UTF-8."""
    low = declared.lower().replace("_", "-")
    try:
        info = codecs.lookup("utf-8" if low.startswith("utf-8-") else declared)
        if not info._is_text_encoding or info.name in _NOT_FOR_FILES:
            raise LookupError
    except (LookupError, ValueError, ImportError):
        raise UnreadableFile(path, f"declares the unknown encoding {declared!r}", line) from None
    return info.name


def _decode(path: str, data: bytes, encoding: str, line: int | None) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        row = len(_NEWLINE.findall(data, 0, error.start)) + 1
        hint = "" if line else "; save it as UTF-8 or declare its encoding in the first line (`# -*- coding: latin-1 -*-`)"
        raise UnreadableFile(path, f"byte 0x{data[error.start]:02x} is not valid {encoding}{hint}", row) from None
    except (UnicodeError, ValueError, LookupError, TypeError) as error:
        raise UnreadableFile(path, f"cannot be decoded as {encoding}: {error}", line) from None
