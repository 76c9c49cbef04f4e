"""What is known of each live tensor?

    ledger.note(probs, Facts(kind=probabilities, ...))
    ledger.of(probs)          # these facts, as long as nothing has written into the tensor
    probs.mul_(2)
    ledger.of(probs)          # None

Tensors are held weakly and by identity: nothing lives longer for being known, and no attribute is set on a user's tensor, which pickles and
copies would carry along.
"""

from __future__ import annotations

import weakref

import torch

from torchlint.model import Facts

_NEVER = -1  # inference tensors have no version counter
_CROWDED = 4096


class Ledger:
    """Facts by tensor."""

    __slots__ = ("_crowded", "_known")

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], int, Facts]] = {}
        self._crowded = _CROWDED

    def note(self, tensor: torch.Tensor, facts: Facts) -> None:
        """Remember facts of a tensor as it is now."""
        self._known[id(tensor)] = (weakref.ref(tensor), version_of(tensor), facts)
        if len(self._known) > self._crowded:
            self._sweep()

    def of(self, tensor: torch.Tensor) -> Facts | None:
        """What is known of a tensor; None for one that is unknown or has been written since."""
        entry = self._known.get(id(tensor))
        if entry is None or entry[0]() is not tensor or entry[1] != version_of(tensor):
            return None
        return entry[2]

    def holds(self, arguments: tuple[object, ...]) -> bool:
        """Whether anything may be known of one of the first two arguments; a quick look, for calls that only hand on what is known."""
        known = self._known
        return any(id(each) in known or type(each) in (list, tuple) for each in arguments[:2])

    def clear(self) -> None:
        """Forget all: what happens from here on, until calls are watched again, is not seen."""
        self._known.clear()

    def _sweep(self) -> None:
        self._known = {key: entry for key, entry in list(self._known.items()) if entry[0]() is not None}
        self._crowded = max(_CROWDED, 2 * len(self._known))


def version_of(tensor: torch.Tensor) -> int:
    """How often a tensor's memory has been written in place."""
    return _NEVER if tensor.is_inference() else tensor._version
