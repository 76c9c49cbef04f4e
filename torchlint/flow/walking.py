"""Which nodes are below a node?

A plain walk over LibCST's fields, without whitespace, brackets and commas: some thirty times cheaper than CSTVisitor or `children`.

    [each.value for each in walk(function) if type(each) is cst.Name]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache
from typing import Any

import libcst as cst

TRIVIA = frozenset({"lpar", "rpar", "comma", "semicolon", "leading_lines", "lines_after_decorators", "header", "footer", "newline", "dot", "equal", "colon"})


@cache
def fields_of(kind: type) -> tuple[str, ...]:
    """The fields of a node type that hold nodes of interest."""
    return tuple(
        field.name for field in dataclasses.fields(kind) if field.name not in TRIVIA and "whitespace" not in field.name and "bracket" not in field.name
    )


def walk(node: cst.CSTNode) -> Iterator[Any]:
    """The node and all nodes below it, in no particular order."""
    waiting: list[Any] = [node]
    while waiting:
        each = waiting.pop()
        yield each
        for name in fields_of(type(each)):
            value = getattr(each, name)
            if isinstance(value, cst.CSTNode):
                waiting.append(value)
            elif type(value) in (list, tuple):
                waiting.extend(item for item in value if isinstance(item, cst.CSTNode))
