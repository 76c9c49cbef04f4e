"""Where in the text do these few nodes stand?

LibCST's position metadata computes the place of every node and costs twice the parse. A file with findings needs a handful of
places, so the tree is written out once, remembering only where the wanted nodes begin and end:

    module = libcst.parse_module("loss(x)\\n")
    spans(module, [module.body[0].body[0].value])   # {id(call): Span(line=1, column=0, end_line=1, end_column=7)}

The places are those of libcst.metadata.PositionProvider (lines from 1, columns from 0): a node's own text without the whitespace around it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from libcst._nodes.internal import CodegenState

from torchlint.parsing import deep_recursion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import libcst

_NEWLINE = re.compile(r"\r\n?|\n")
_NOWHERE: AbstractContextManager[None] = nullcontext()


class Span(NamedTuple):
    """A stretch of text as LibCST counts: lines from 1, columns from 0, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


def spans(module: libcst.Module, nodes: Iterable[libcst.CSTNode]) -> dict[int, Span]:
    """The places of `nodes` by id(node). A node that is not in `module` is absent."""
    wanted = {id(node) for node in nodes}
    if not wanted:
        return {}
    state = _Recorder(module.default_indent, module.default_newline, wanted)
    with deep_recursion():
        module._codegen(state)
    offsets = _offsets(state.tokens)
    starts = [0, *(match.end() for match in _NEWLINE.finditer("".join(state.tokens)))]
    return {
        node: Span(*_line_and_column(starts, offsets[first]), *_line_and_column(starts, offsets[last]))
        for node, (first, last) in state.places.items()
        if node in wanted
    }


def _offsets(tokens: list[str]) -> list[int]:
    """The text offset at which each token starts, and the total length at the end."""
    total = 0
    offsets = [0]
    for token in tokens:
        total += len(token)
        offsets.append(total)
    return offsets


def _line_and_column(starts: list[int], offset: int) -> tuple[int, int]:
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1]


class _Recorder(CodegenState):
    """Writes a tree out and remembers, for the wanted nodes, the numbers of their first and one-past-last token."""

    def __init__(self, default_indent: str, default_newline: str, wanted: set[int]) -> None:
        super().__init__(default_indent=default_indent, default_newline=default_newline)
        self.wanted = set(wanted)
        self.places: dict[int, tuple[int, int]] = {}
        self._open: list[int] = []

    def before_codegen(self, node: libcst.CSTNode) -> None:
        if id(node) in self.wanted:
            self._open.append(len(self.tokens))

    def after_codegen(self, node: libcst.CSTNode) -> None:
        if id(node) in self.wanted:
            first = self._open.pop()
            # The narrower place that the node recorded for itself wins.
            self.places.setdefault(id(node), (first, len(self.tokens)))

    def pop_trailing_newline(self) -> None:
        """Keep the newline: PositionProvider counts it as well, and the token numbers stay valid."""

    def record_syntactic_position(
        self, node: libcst.CSTNode, *, start_node: libcst.CSTNode | None = None, end_node: libcst.CSTNode | None = None
    ) -> Any:
        return self._record(node, start_node, end_node) if id(node) in self.wanted else _NOWHERE

    @contextmanager
    def _record(self, node: libcst.CSTNode, start_node: libcst.CSTNode | None, end_node: libcst.CSTNode | None) -> Iterator[None]:
        # A node may begin or end where one of its children does, so those become wanted before they are written.
        self.wanted.update(id(child) for child in (start_node, end_node) if child is not None)
        first = len(self.tokens)
        yield
        last = len(self.tokens)
        if start_node is not None:
            first = self.places[id(start_node)][0]
        if end_node is not None:
            last = self.places[id(end_node)][1]
        self.places[id(node)] = (first, last)
