"""How is it made sure that a check neither ends the user's program nor is seen by it?

with Guard(run.failed):
    ...                      # computes out of sight; an error here is told of once, and the program goes on
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_Quiet = torch._C.DisableTorchFunction
_dispatch_modes = torch._C._len_torch_dispatch_stack


class Wanted(Exception):
    """What a check is meant to raise in the user's program; anything else is an error of ours."""


class Guard:
    """Nobody else sees what is computed inside, and errors of ours end here."""

    __slots__ = ("_dispatch", "_failed", "_quiet")

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed

    def __enter__(self) -> None:
        self._quiet = _Quiet()
        self._quiet.__enter__()
        self._dispatch = torch._C._DisableTorchDispatch() if _dispatch_modes() else None  # in force for as long as the object lives

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> bool:
        self._dispatch = None
        self._quiet.__exit__(None, None, None)
        if not isinstance(error, Exception) or isinstance(error, Wanted):
            return False
        self._failed(error)
        return True


def unguarded(error: Exception) -> None:
    """Where nobody was named to tell of errors: they are raised."""
    raise error
