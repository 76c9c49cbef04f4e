"""How are calls into torch seen without replacing any function?

    with CallMode(witness, failed):
        loss = F.cross_entropy(net(x), y)     # every call with a contract goes by the witness; results are torch's own

A TorchFunctionMode sees calls however they were imported or bound, and breaks neither scripting nor tracing nor tensor subclasses. It sees
those of its own thread only. Where a program is being compiled, traced or exported it stands aside, and what it computes itself is hidden from
modes of the user.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from torchlint.model import Facts
from torchlint.runtime import distributions
from torchlint.runtime.functions import Handler, handlers
from torchlint.runtime.guard import Guard
from torchlint.runtime.stance import EAGER
from torchlint.runtime.witness import UNKNOWN, Witness

_in_dynamo = torch.compiler.is_dynamo_compiling
_compiling = torch.compiler.is_compiling
_tracing = torch._C._get_tracing_state
_PLAIN = (torch.Tensor,)  # functions that are written in Python tell of it, others do not


class CallMode(TorchFunctionMode):
    """Shows each call to a witness.

    failed  told of an error of ours, which never ends the user's program
    begin   called before each call of interest
    """

    def __init__(self, witness: Witness, failed: Callable[[Exception], None], begin: Callable[[], None]) -> None:
        super().__init__()
        self._witness = witness
        self._failed = failed
        self._begin = begin
        self._handlers = handlers(witness.table)
        self._constructions = frozenset(distributions.FIRST_CALLS)
        self.idle = False

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        __tracebackhide__ = True  # pytest leaves such frames out: an error of the user's is shown as without us
        if _in_dynamo() or self.idle:
            return func(*args, **(kwargs or {}))
        if EAGER.waiting:
            EAGER.notice()
        try:
            handler = self._handlers.get(func)
            construction = func in self._constructions
        except TypeError:  # a callable of the user's that cannot be hashed
            return func(*args, **(kwargs or {}))
        if not (handler or construction) or _compiling():
            return func(*args, **(kwargs or {}))
        if construction:
            self._look_at_construction(sys._getframe(1))
        if handler is None or _tracing() is not None:
            return func(*args, **(kwargs or {}))
        if (handler.passes and not self._witness.ledger.holds(args)) or (handler.only_writes and not self._witness.hooks.watching):
            return func(*args, **(kwargs or {}))
        self._begin()
        if handler.only_gives and (not types or types == _PLAIN) and self._witness.expects(handler, args):
            return self._note(handler, func, args, kwargs or {}, sys._getframe(1))
        return self._look(handler, func, args, kwargs or {}, sys._getframe(1))

    def _note(self, handler: Handler, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], frame: FrameType) -> Any:
        """The short way, for most calls of most networks: nothing is to be said of what they get, and nothing is computed."""
        __tracebackhide__ = True
        result = func(*args, **kwargs)
        try:
            self._witness.gave(handler, result, frame)
        except Exception as error:
            self._failed(error)
        return result

    def _look(self, handler: Handler, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], frame: FrameType) -> Any:
        __tracebackhide__ = True
        bound = handler.bind(args, kwargs)
        before: Facts = UNKNOWN
        with Guard(self._failed):
            if not handler.means_nothing:
                before = self._witness.subject(handler, bound)
            self._witness.before(handler, bound, before, frame)
        result = func(*args, **kwargs)
        if handler.means_nothing:
            return result
        with Guard(self._failed):
            self._witness.after(handler, bound, result, before, frame)
        return result

    def _look_at_construction(self, frame: FrameType) -> None:
        with Guard(self._failed):
            found = distributions.construction(self._witness.table, frame)
            if found is not None:
                self._witness.distribution(*found, frame)
