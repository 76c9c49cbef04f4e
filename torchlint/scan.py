"""Placeholder replaced below."""

from __future__ import annotations

import re
from collections.abc import Iterator


def comments(text: str) -> Iterator[tuple[int, str, bool]]:
    """(line, comment, stands alone on its line)"""
    for number, line in enumerate(re.split(r"\r\n?|\n", text), start=1):
        if "#" in line:
            before, _, rest = line.partition("#")
            yield number, "#" + rest, not before.strip()
