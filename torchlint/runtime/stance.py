"""How do compiled functions stay as they are while calls are looked at?

    EAGER.begin()        # from here on compiled functions run eagerly, in all threads
    EAGER.end()          # and from here on as the user wants it

A mode on torch's stack would be compiled into a function, whose guards would then ask for it: one more compilation when it comes and one when it
goes. Run eagerly (torch.compiler.set_stance), compiled functions see nothing of it. The stance is touched only in programs that compile: exporting by
torch._dynamo does not work under it.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import torch

_DYNAMO = "torch._dynamo.eval_frame"
_NONE: dict[int, Any] = {}


class Eager:
    """The stance, as long as anyone looks.

    waiting  somebody looks, and nothing has been compiled so far; held: compiled functions run eagerly by our doing
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._ours: Any = None
        self._left: Any = None
        self._known = 0
        self.compiles = False
        self.waiting = False

    @property
    def held(self) -> bool:
        """Whether compiled functions run eagerly by our doing."""
        return self._ours is not None

    @property
    def settled(self) -> bool:
        """Whether no stance of ours is left to be put back."""
        return self._left is None

    def begin(self) -> bool:
        """One more looks. False where that is not possible, because compiled code is running."""
        with self._lock:
            self._settle()
            self._depth += 1
            if self._notice():
                return True
            self._depth -= 1
            return False

    def notice(self) -> None:
        """Something may have been compiled since. Asked before every call into torch, so the answer must mostly come at once."""
        count = len(_backends())
        if count != self._known:
            self._known = count
            with self._lock:
                self._notice()

    def end(self) -> None:
        """One fewer looks."""
        with self._lock:
            self._depth -= 1
            if self._depth:
                return
            self.waiting = False
            if self._ours is not None:
                self._left, self._ours = self._ours, None
                self._settle()

    def _notice(self) -> bool:
        self.compiles = self.compiles or _compiles()
        self.waiting = not self.compiles
        if self.compiles and self._ours is None and self._depth and hasattr(torch.compiler, "set_stance"):
            try:
                self._ours = torch.compiler.set_stance("force_eager")
            except RuntimeError:  # in the middle of a compiled function that is running
                return False
        return True

    def _settle(self) -> None:
        """Put back the stance that was there before ours, unless the user has changed it since and will put back ours."""
        left = self._left
        if left is not None and sys.modules[_DYNAMO]._stance is left.stance:
            left.__exit__(None, None, None)
            self._left = None

    def settle(self) -> None:
        """A stance of the user's may have ended that was opened over ours."""
        if self._left is not None:
            with self._lock:
                if not self._depth:
                    self._settle()


def _compiles() -> bool:
    """Whether the program has made a compiled callable: torch keeps the compilers that they were made with, to reset them."""
    made = _backends()
    return bool(made) and any(callable(each) for each in list(made.values()))


def _backends() -> dict[int, Any]:
    return getattr(sys.modules.get(_DYNAMO), "cached_backends", _NONE)


EAGER = Eager()
