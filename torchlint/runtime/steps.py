"""In which steps of a training run is looked, and how does looking begin and end?

    sampler = Sampler(mode, every=50, warmup=20, at_end=..., failed=...)
    sampler.start()      # the first 20 steps are looked at, then each 50th
    sampler.stop()

Between the steps that are looked at nothing of torchlint is on torch's mode stack, and a step costs one call of an optimizer hook (where one
optimizer makes all steps; else two). Where several
optimizers take turns (a GAN), a step is a round of all of them: it ends when the one that began it comes again.

Only threads that called `start` are looked at. Their optimizers' own arithmetic is not: it says nothing of what tensors mean.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import get_ident
from typing import Any

import torch
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from torchlint.runtime import fused
from torchlint.runtime.mode import CallMode
from torchlint.runtime.stack import lay, lift
from torchlint.runtime.stance import EAGER

_compiling = torch.compiler.is_dynamo_compiling


class _Thread(threading.local):
    """The state of one thread.

    depth    how many times looking was begun and not ended; on: whether our mode is on the stack; looking: whether this step is looked at
    lead     the optimizer that ends a step; since: the others that have been active in it
    """

    def __init__(self) -> None:
        self.depth = 0
        self.on = False
        self.looking = False
        self.lead = 0
        self.since: set[int] = set()


class Sampler:
    """Puts a mode on the stack and takes it off again.

    at_end     called where looking is interrupted, with whether it goes on later in the same step or the next
    steps, looked_at, eager_steps  how many steps there were, how many of them were looked at, and in how many of these compiled functions ran eagerly
    elsewhere  steps of optimizers in threads that are not looked at

    _alone, _alone_in  the optimizer and the thread, by their numbers, that make all steps; 0 where there are several, or this step is looked at
    _quiet     how many of its steps, from here on, need nothing but to be counted
    _before_all  the hook before the steps of all optimizers, where that is needed; _own: that which only the one optimizer has, while it is looked at
    """

    def __init__(self, mode: CallMode, every: int, warmup: int, at_end: Callable[[bool], None]) -> None:
        if every < 1 or warmup < 0:
            raise ValueError(f"every must be at least 1 and warmup at least 0, not {every} and {warmup}")
        self._mode = mode
        self._every = every
        self._warmup = warmup
        self._at_end = at_end
        self._thread = _Thread()
        self._threads = 0
        self._laid = 0  # in how many threads the mode lies on the stack
        self._wrapped = False
        self._handles: list[Any] = []
        self._before_all: Any = None
        self._own: Any = None
        self.calls = 0
        self.reset()

    def reset(self) -> None:
        """Count anew, as in a process that was forked."""
        self._lock = threading.Lock()
        self._alone = self._alone_in = self._quiet = 0
        self.steps = self.looked_at = self.eager_steps = self.elsewhere = 0

    def start(self) -> None:
        """Begin to look, in this thread. May be called again while it is looked at."""
        state = self._thread
        state.depth += 1
        if state.depth > 1:
            return
        with self._lock:
            self._threads += 1
            self._alone = 0
            if not self._handles:
                self._handles = [register_optimizer_step_post_hook(self._after)]
                if not self._wrapped:
                    self._wrapped = True
                    fused.install()
            self._watch_all()
        state.looking = self._due()
        if state.looking:
            self._open()

    def stop(self) -> bool:
        """Look no more; whether that was the last of nested starts. From a thread that is not looked at, everything is stopped."""
        state = self._thread
        if state.depth > 1:
            state.depth -= 1
            return False
        with self._lock:
            self._threads = self._threads - 1 if state.depth else 0
            handles = self._handles if not self._threads else []
            if handles:
                self._handles = []
        for handle in handles:
            handle.remove()
        if handles:
            self._watch_none()
        if state.depth:
            state.depth = 0
            self._close()
        elif not self._threads:
            self._mode.idle = True  # it cannot be taken off the stack of another thread, where encoders still have to go around it
        self._unwrap()
        return True

    def pause(self) -> None:
        """Look no more at a program that does not train; its next step begins anew."""
        if self._every > 1:
            self._mode.idle = True

    def _due(self) -> bool:
        return self.steps < self._warmup or self.steps % self._every == 0

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """An optimizer's own arithmetic says nothing; a closure, which computes the loss again, does."""
        if _compiling() or id(optimizer) == self._alone or not self._thread.on:
            return
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if closure is None:
            self._close()
            self._at_end(True)

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if _compiling():
            return
        if id(optimizer) == self._alone and self._quiet and get_ident() == self._alone_in:
            self.steps += 1
            self._quiet -= 1
            return
        state = self._thread
        if not state.depth:
            self.elsewhere += 1
            return
        self.calls = 0
        if self._round_ends(id(optimizer)):
            self.steps += 1
            looked, state.looking = state.looking, self._due()
            if looked:
                self.looked_at += 1
                self.eager_steps += EAGER.compiles
                self._at_end(state.looking)
        EAGER.settle()
        if state.looking:
            if id(optimizer) == self._alone:
                self._own = self._own or optimizer.register_step_pre_hook(self._before)
            else:
                self._watch_all()
            self._open()
        elif state.on:
            self._close()
        self._foresee(optimizer)

    def _watch_all(self) -> None:
        """Have a hook before the steps of all optimizers."""
        if self._before_all is None:
            self._before_all = register_optimizer_step_pre_hook(self._before)

    def _watch_none(self) -> None:
        """Have no hook before any step: while nothing is looked at, there is nothing to be done before one."""
        for handle in (self._before_all, self._own):
            if handle is not None:
                handle.remove()
        self._before_all = self._own = None

    def _foresee(self, optimizer: Optimizer) -> None:
        """How many steps nothing will have to be done after, where one optimizer in one thread is all there is: most steps of most programs."""
        state = self._thread
        if state.looking or state.since or self._threads > 1 or not EAGER.settled:
            self._alone = 0
            if not state.looking:
                self._watch_all()
        else:
            self._alone, self._alone_in = id(optimizer), get_ident()
            self._quiet = self._every - self.steps % self._every - 1
            self._watch_none()

    def _round_ends(self, optimizer: int) -> bool:
        state = self._thread
        if state.lead and optimizer != state.lead and optimizer not in state.since:
            state.since.add(optimizer)
            return False
        state.lead = optimizer
        state.since.clear()
        return True

    def _open(self) -> None:
        state = self._thread
        if not state.on and EAGER.begin():
            state.on = True
            self._mode.idle = False
            self._laid += 1
            lay(self._mode)

    def _close(self) -> None:
        state = self._thread
        if state.on:
            state.on = False
            lift(self._mode)
            self._laid -= 1
            EAGER.end()
            self._unwrap()

    def _unwrap(self) -> None:
        """Encoders are as they were once nobody looks any more and the mode lies on no stack."""
        if self._wrapped and not self._laid and not self._handles:
            self._wrapped = False
            fused.uninstall()
