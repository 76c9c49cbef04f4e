"""Which nodes are below a node?

A plain walk over LibCST's fields, without whitespace, brackets and commas: some thirty times cheaper than CSTVisitor or `children`.

    [each.value for each in walk(function) if type(each) is cst.Name]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import libcst as cst

TRIVIA = frozenset(
    {"lpar", "rpar", "comma", "semicolon", "leading_lines", "lines_after_decorators", "header", "footer", "newline", "dot", "equal", "colon"}
)


FIELDS: dict[type, tuple[str, ...]] = {}
"""The fields of each node type that hold nodes of interest; empty for whatever is no node."""


EXPRESSIONS: dict[type, bool] = {}
"""Whether a node type is an expression."""


def fields_of(kind: type) -> tuple[str, ...]:
    """The fields of a type, looked up once."""
    known = FIELDS.get(kind)
    if known is None:
        names = [field.name for field in dataclasses.fields(kind)] if issubclass(kind, cst.CSTNode) else []
        known = tuple(name for name in names if name not in TRIVIA and "whitespace" not in name and "bracket" not in name)
        FIELDS[kind] = known
    return known


def walk(node: cst.CSTNode) -> Iterator[Any]:
    """The node and all nodes below it, in no particular order."""
    waiting: list[Any] = [node]
    while waiting:
        each = waiting.pop()
        kind = type(each)
        if kind is list or kind is tuple:
            waiting.extend(each)
            continue
        names = FIELDS.get(kind)
        if names is None:
            names = fields_of(kind)
        if names:
            yield each
            for name in names:
                value = getattr(each, name)
                if value is not None and type(value) is not str:
                    waiting.append(value)


def statements(node: cst.CSTNode) -> Iterator[Any]:
    """The statements in a node at any depth: expressions are not entered."""
    waiting: list[Any] = [node]
    while waiting:
        each = waiting.pop()
        kind = type(each)
        if kind is list or kind is tuple:
            waiting.extend(each)
            continue
        if kind not in EXPRESSIONS:
            EXPRESSIONS[kind] = issubclass(kind, cst.BaseExpression)
        if EXPRESSIONS[kind]:
            continue
        names = fields_of(kind)
        if names:
            yield each
            for name in names:
                value = getattr(each, name)
                if value is not None and type(value) is not str:
                    waiting.append(value)
