"""In which steps of a training run is looked, and how does looking begin and end?

    sampler = Sampler(mode, every=50, warmup=20)
    sampler.start()      # the first 20 steps of the optimizer are looked at, then each 50th
    sampler.stop()

Between the steps that are looked at nothing of torchlint is on torch's mode stack, and a step costs one call of an optimizer hook. A mode
that the user has pushed over ours is never popped by us: torch pops whatever lies on top, so ours stays as it is until the user's is gone.

Compiled functions run eagerly in the steps that are looked at (torch.compiler.set_stance), so that the mode is never compiled into them: no
guard of theirs ever sees it, and nothing is recompiled.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

LONGEST = 100_000  # calls that are looked at without a step of an optimizer, before looking pauses


def _modes() -> list[TorchFunctionMode]:
    """The modes of this thread, the outermost first."""
    return _get_current_function_mode_stack()  # type: ignore[no-untyped-call,no-any-return]


class _Thread(threading.local):
    """The state of one thread. base: how many modes lay on the stack before ours."""

    def __init__(self) -> None:
        self.base = len(_modes())
        self.on = False
        self.steps = 0


class Sampler:
    """Puts a mode on the stack and takes it off again. at_end: called at the end of each step that was looked at."""

    def __init__(self, mode: TorchFunctionMode, every: int, warmup: int, at_end: Callable[[], None]) -> None:
        if every < 1 or warmup < 0:
            raise ValueError(f"every must be at least 1 and warmup at least 0, not {every} and {warmup}")
        self._mode = mode
        self._every = every
        self._warmup = warmup
        self._at_end = at_end
        self._thread = _Thread()
        self._handles: list[Any] = []
        self._stance: Any = None
        self.calls = 0
        self.eager_steps = 0
        self.looked_at = 0

    @property
    def steps(self) -> int:
        """How many steps of optimizers this thread has made."""
        return self._thread.steps

    def start(self) -> None:
        """Begin to look, in this thread."""
        self._thread = _Thread()
        self._handles = [register_optimizer_step_pre_hook(self._before), register_optimizer_step_post_hook(self._after)]
        self._enter()

    def stop(self) -> None:
        """Look no more."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._leave()

    def begin(self) -> None:
        """A call of interest is made: see to it that compiled functions run eagerly, once there can be any."""
        self.calls += 1
        if self._stance is None and "torch._dynamo" in sys.modules and hasattr(sys.modules["torch._dynamo"], "eval_frame"):
            self._stance = torch.compiler.set_stance("force_eager")
            self.eager_steps += 1

    @property
    def exhausted(self) -> bool:
        """Whether so much was looked at without a step that looking should pause: a program that does not train."""
        return self.calls > LONGEST and self._every > 1

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """An optimizer's own arithmetic says nothing; a closure, which computes the loss again, does."""
        if torch.compiler.is_compiling():
            return
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if closure is None:
            self._leave()

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if torch.compiler.is_compiling():
            return
        state = self._thread
        state.steps += 1
        self.calls = 0
        self._leave()
        if state.steps < self._warmup or state.steps % self._every == 0:
            self._enter()

    def _enter(self) -> None:
        state = self._thread
        if not state.on and len(_modes()) == state.base:
            self._mode.__enter__()  # type: ignore[no-untyped-call]
            state.on = True
            self.looked_at += 1

    def _leave(self) -> None:
        state = self._thread
        if self._stance is not None:
            self._stance.__exit__(None, None, None)
            self._stance = None
        modes = _modes() if state.on else []
        if len(modes) == state.base + 1 and modes[-1] is self._mode:
            self._mode.__exit__(None, None, None)  # type: ignore[no-untyped-call]
            state.on = False
            self._at_end()
