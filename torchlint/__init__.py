"""torchlint follows what the numbers in PyTorch tensors mean, and reports where a value reaches a place that means something else.

    $ torchlint train.py
    train.py:12:8: error[TL101] softmax-before-cross-entropy
    ...

The command is the interface: see `torchlint --help`. In code, only `reveal_kind` is meant to be used.
"""

from __future__ import annotations

from typing import TypeVar

Tensor = TypeVar("Tensor")

__version__ = "0.1.0"


def reveal_kind(tensor: Tensor) -> Tensor:
    """Ask torchlint what it knows of a tensor; at run time this hands the tensor back and does nothing else."""
    return tensor
