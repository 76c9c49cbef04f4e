"""How is one module watched, in whichever thread it is called?

    handle = watch(criterion)            # its forward is looked at, and nothing else
    loss = criterion(net(x), y)          # warns here: the autograd graph shows that the input is a softmax's output
    handle.remove()                      # or: with watch(criterion) as handle: ...

A TorchFunctionMode sees the calls of its own thread only, so hooks of the module push one for as long as its forward runs, in the thread that runs
it: that works in the threads of DataParallel as well. The module's state_dict stays as it is. Copies and pickles of it are not watched; reading
such a pickle needs torchlint. Scripting a watched module does not work (torch tries to compile its hooks): remove the handle first.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import nn

from torchlint.config import Settings
from torchlint.runtime.stack import lay, lift
from torchlint.runtime.stance import EAGER
from torchlint.runtime.watching import Action, checks


def watch(module: nn.Module, action: Action = "warn", every: int = 50, warmup: int = 20, *, settings: Settings | None = None) -> Watch:
    """Look at the calls of one module, a loss or a whole network: at its first `warmup` calls and at each `every`th after that.

    Compiled functions inside run eagerly in the calls that are looked at. Raises TypeError for what is not a module, ValueError for a scripted one,
    whose calls nobody can see.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"watch takes a torch.nn.Module, not {module!r}; for functions, use `with torchlint.runtime.checks():`")
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError("calls inside of a scripted module cannot be seen: watch the module that it was made of")
    return Watch(module, action, every, warmup, settings)


class Watch(checks):
    """What `watch` gives: `result()` tells what was found, `remove()` ends it. As a context manager it ends with the block."""

    def __init__(self, module: nn.Module, action: Action, every: int, warmup: int, settings: Settings | None) -> None:
        super().__init__(action, every, warmup, settings=settings)
        self._module = module
        self._every = every
        self._warmup = warmup
        self._calls = 0
        self._inside = 0
        self._thread = _Thread()
        self._handles = [
            module.register_forward_pre_hook(_Hook(self._enter), prepend=True),
            module.register_forward_hook(_Hook(self._leave), always_call=True),
        ]

    def __enter__(self) -> Watch:
        return self

    def remove(self) -> None:
        """Watch no more, and settle what had to wait. A thread that is inside of the module just now is not looked at from here on."""
        self.close()

    def close(self) -> None:
        """The same as `remove`."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._mode.idle = True
        self._thread.frames.clear()
        self._pop()
        super().close()

    def notes(self) -> list[str]:
        """What was not looked at, for the summary."""
        compiled = [f"{type(self._module).__name__}.compile() was called: its calls are not seen"] if self._module._compiled_call_impl else []
        return [*super().notes(), *compiled]

    def _begin(self) -> None:
        self._raise_late()

    def _enter(self) -> None:
        """The module is about to run in this thread."""
        frames = self._thread.frames
        call = _call(sys._getframe(2))
        if frames:
            self._recover(call)
        frames.append(call)
        if len(frames) == 1:
            number, self._calls = self._calls, self._calls + 1
            if number < self._warmup or number % self._every == 0:
                self._push()

    def _leave(self) -> None:
        """The module has run, or has raised. torch calls this also where a hook before ours has raised, and then there is nothing to leave."""
        frames = self._thread.frames
        if frames and frames[-1] is _call(sys._getframe(2)):
            frames.pop()
            if not frames:
                self._pop()

    def _recover(self, frame: FrameType | None) -> None:
        """Forget calls that have ended without a word: torch tells no hook of a KeyboardInterrupt."""
        running = set()
        while frame is not None:
            running.add(frame)
            frame = frame.f_back
        frames = self._thread.frames
        frames[:] = [each for each in frames if each in running]
        if not frames:
            self._pop()

    def _push(self) -> None:
        if not EAGER.begin():
            return
        self._thread.on = True
        with self._lock:
            self._inside += 1
        lay(self._mode)

    def _pop(self) -> None:
        if not self._thread.on:
            return
        self._thread.on = False
        lift(self._mode)
        EAGER.end()
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self.witness.ledger.clear()


class _Thread(threading.local):
    """The state of one thread. frames: torch's calls of the module that are running, the outermost first; on: whether our mode is on the stack."""

    def __init__(self) -> None:
        self.frames: list[FrameType] = []
        self.on = False


class _Hook:
    """A hook that neither changes what passes by nor travels with copies of the module."""

    __name__ = "torchlint_watch"

    def __init__(self, then: Any) -> None:
        self._then = then

    def __call__(self, *passing: Any) -> None:
        if not torch.compiler.is_compiling():
            self._then()

    @property
    def __globals__(self) -> dict[str, Any]:
        """What torch.jit.script asks of hooks, before it tries to compile them."""
        raise TypeError("a module that torchlint watches cannot be scripted: call remove() of its handle first")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_for_copies, ())


def _for_copies() -> Callable[..., None]:
    """What a copy of a watched module gets in place of the hook."""
    return _unwatched


def _unwatched(*passing: Any) -> None:
    """Does nothing."""


def _call(frame: FrameType) -> FrameType:
    """The frame of Module._call_impl, which calls hooks by itself or from a function inside."""
    back = frame.f_back
    return back if back is not None and frame.f_code.co_name != "_call_impl" and back.f_code.co_name == "_call_impl" else frame
