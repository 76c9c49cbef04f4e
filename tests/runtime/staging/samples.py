"""Which tiny random data do fixture projects read?

pairs(8, image(1, 28, 28), label(10))       # a list of eight (image, label), as a Dataset gives them
batch(8, image(1, 28, 28), label(10))       # the same as two tensors
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import torch

Draw = Callable[[], Any]


def image(*shape: int) -> Draw:
    """Numbers between 0 and 1."""
    return lambda: torch.rand(shape)


def normal(*shape: int) -> Draw:
    """Numbers of a normal distribution."""
    return lambda: torch.randn(shape)


def label(classes: int, *shape: int) -> Draw:
    """Whole numbers below `classes`."""
    return lambda: torch.randint(classes, shape)


def number(classes: int) -> Draw:
    """A whole number below `classes`, as Python's int."""
    return lambda: int(torch.randint(classes, ()))


def flags(*shape: int) -> Draw:
    """0.0 and 1.0."""
    return lambda: torch.randint(2, shape).float()


def pairs(count: int, *parts: Draw) -> list[tuple[Any, ...]]:
    """That many tuples."""
    return [tuple(part() for part in parts) for _ in range(count)]


def rows(count: int, **parts: Draw) -> list[dict[str, Any]]:
    """That many dictionaries."""
    return [{name: part() for name, part in parts.items()} for _ in range(count)]


def batch(count: int, *parts: Draw) -> tuple[torch.Tensor, ...]:
    """One tensor of each part, the samples along its first axis."""
    return tuple(torch.stack([torch.as_tensor(part()) for _ in range(count)]) for part in parts)


def table(count: int, **parts: Draw) -> dict[str, Any]:
    """A dictionary of such tensors."""
    return {name: torch.stack([torch.as_tensor(part()) for _ in range(count)]) for name, part in parts.items()}


def pickled(value: Any) -> bytes:
    """As pickle writes it."""
    return pickle.dumps(value)
