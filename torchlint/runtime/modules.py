"""Where was a module of torch built, and what is it called?

    criterion = nn.KLDivLoss()        # births.of(criterion) points here, and a LossMade event is told
    hidden = nn.ReLU(x)               # and a ModuleMade: a tensor is no setting
    head = nn.LogSoftmax()            # and an ActivationCall that lacks its `dim`, whether or not it is ever applied
    births.name_of(type(criterion), "torch.nn.functional.kl_div", <its contract>)      # "torch.nn.KLDivLoss"

`install` puts one thin wrapper around `nn.Module.__init__`, and only `torchlint run` and `enable` do that: no function of torch is replaced, and the
wrapper does nothing in code that is being compiled. Without it, places of construction are unknown and losses are judged where they are called.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import torch
from torch import nn

from torchlint.contracts.schema import Call, Module
from torchlint.contracts.table import Table
from torchlint.events import ActivationCall, Event, LossMade, ModuleMade
from torchlint.meaning import decided
from torchlint.model import Facts, Place
from torchlint.runtime.guard import Guard
from torchlint.runtime.places import caller
from torchlint.wording import short

Emit = Callable[[Event], None]


class Births:
    """Remembers where modules were built. emit: told what is to be judged of their construction; failed: of errors of ours."""

    def __init__(self, table: Table, emit: Emit, failed: Callable[[Exception], None]) -> None:
        self._table = table
        self._emit = emit
        self._failed = failed
        self._places: weakref.WeakKeyDictionary[nn.Module, Place] = weakref.WeakKeyDictionary()
        self._known: dict[type, tuple[str, Module] | None] = {}
        self._names: dict[tuple[type, str], str] = {}
        self._original: Callable[..., None] | None = None

    def of(self, module: Any) -> Place | None:
        """Where a module was built; None where nobody looked."""
        return self._places.get(module) if self._places and isinstance(module, nn.Module) else None

    def name_of(self, cls: type, name: str, call: Call) -> str:
        """The qualified name of the class of torch whose forward is this call, of that name; empty where the class does more than that."""
        key = (cls, name)
        known = self._names.get(key)
        if known is None:
            found = self.contract(cls)
            forward = self._table.forward(found[1]) if found is not None else None
            known = self._names[key] = found[0] if found is not None and (forward is None or _same(forward, call)) else ""
        return known

    def install(self) -> None:
        """From now on, remember where modules are built."""
        if self._original is not None:
            return
        original = self._original = nn.Module.__init__

        @functools.wraps(original)
        def __init__(module: nn.Module, *args: Any, **kwargs: Any) -> None:
            original(module, *args, **kwargs)
            if not torch.compiler.is_compiling():
                with Guard(self._failed):
                    self._note(module, sys._getframe(1))

        nn.Module.__init__ = __init__  # type: ignore[assignment,method-assign]

    def uninstall(self) -> None:
        """Put the constructor back."""
        if self._original is not None:
            nn.Module.__init__ = self._original  # type: ignore[method-assign]
            self._original = None

    def _note(self, module: nn.Module, frame: FrameType) -> None:
        found = self.contract(type(module))
        if found is None:
            return
        name, contract = found
        here = caller(frame)
        if here is None:
            return
        self._places[module] = here.place
        given = _given(frame, module)
        forward = self._table.forward(contract)
        is_loss = forward is not None and forward.loss is not None
        tensors = _tensors(contract, given) if contract.container is None and not contract.wraps else ()
        if tensors:
            self._emit(ModuleMade(place=here.place, callee=short(name), tensors=tensors, is_loss=is_loss))
        if forward is None:
            return
        if is_loss:
            settings = {key: given.get(key, default) for key, default in forward.defaults.items()}
            self._emit(LossMade(place=here.place, callee=short(name), call=decided(forward, settings), settings=settings))
        missing = tuple(each for each in forward.needs if each in contract.params and each in given and given[each] is None)
        if missing:
            self._emit(ActivationCall(place=here.place, callee=short(name), call=forward, input=Facts(), missing=missing, built=True))

    def contract(self, cls: type) -> tuple[str, Module] | None:
        """The class of torch that a module is of, with its contract."""
        if cls not in self._known:
            self._known[cls] = self._look_up(cls)
        return self._known[cls]

    def _look_up(self, cls: type) -> tuple[str, Module] | None:
        for base in cls.__mro__:
            name = self._table.canonical(f"{base.__module__}.{base.__qualname__}")
            contract = self._table.module(name)
            if contract is not None:
                return name, contract
        return None


def _same(forward: Call, call: Call) -> bool:
    """Whether a module's forward is this function (a module whose forward is told inline counts for any)."""
    return forward is call or forward.loss == call.loss or forward.gives == call.gives


def _given(frame: FrameType | None, module: nn.Module) -> Mapping[str, Any]:
    """What the constructor was given: its arguments still stand in its frame, the outermost `__init__` of the object."""
    given: Mapping[str, Any] = {}
    while frame is not None and frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is module:
        given = frame.f_locals
        frame = frame.f_back
    return given


def _tensors(contract: Module, given: Mapping[str, Any]) -> tuple[str, ...]:
    """The parameters that got a tensor and take none; one that may be a tensor (a weight) counts where an output stands beside others."""
    found = [each for each in contract.params if isinstance(given.get(each), torch.Tensor)]
    wrong = [each for each in found if each not in contract.tensors]
    return tuple(each for each in found if each in wrong or (wrong and given[each].requires_grad))
