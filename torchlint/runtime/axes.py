"""Along which axis do the values of a live tensor belong together?

    Axes(table).of(x.softmax(0))                   # 0: the softmax normalised over it
    Axes(table).of(nn.Linear(16, 5)(x))            # the last one: a linear layer puts its features there
    Axes(table).of(x.softmax(0).transpose(0, 1))   # None: axes were moved since

The autograd graph tells, node by node, as contracts/graph.toml words it. A tensor without a graph tells nothing.
"""

from __future__ import annotations

from typing import Any

import torch

from torchlint.contracts.table import Table

DEEPEST = 8
_UNSIGNED = 1 << 64  # nodes keep a negative axis as an unsigned number
_FLAT = 2  # axes of what a product of matrices gives, before it gets its shape back


class Axes:
    """Walks backward from a tensor to what gave it its axis."""

    def __init__(self, table: Table) -> None:
        self._axes = table.axes()

    def of(self, tensor: torch.Tensor) -> int | None:
        """The axis, counted from 0; None where it is not known."""
        return self._of_node(tensor.grad_fn, tuple(tensor.shape), DEEPEST)

    def _of_node(self, node: Any, shape: tuple[int, ...], depth: int) -> int | None:
        told = self._axes.get(node.name()) if node is not None and depth and shape else None
        if told is None:
            return None
        if told == "same":
            return self._of_node(_before(node), shape, depth - 1)
        if told == "last":
            return self._behind_view(node, shape, depth)
        return (_signed(getattr(node, told)) if isinstance(told, str) else told) % len(shape)

    def _behind_view(self, node: Any, shape: tuple[int, ...], depth: int) -> int | None:
        """Where the last axis was the one before, and has kept its size, it still is. One of one element may also be another, squeezed."""
        sizes = getattr(node, "_saved_self_sym_sizes", None)
        old = tuple(sizes) if sizes is not None else (0,) * (_FLAT - 1) + shape[-1:]
        axis = self._of_node(_before(node), old, depth - 1)
        kept = axis == len(old) - 1 and old[-1] == shape[-1] and (old[-1] != 1 or len(shape) >= len(old))
        return len(shape) - 1 if kept else None


def _before(node: Any) -> Any:
    return node.next_functions[0][0] if node.next_functions else None


def _signed(axis: int) -> int:
    return axis - _UNSIGNED if axis >= _UNSIGNED // 2 else axis
