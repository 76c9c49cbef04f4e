"""Where was a module of torch built, and what is it called?

    criterion = nn.KLDivLoss()        # births.of(criterion) points here, and a LossMade event is told
    births.name_of(type(criterion), <contract of kl_div>)      # "torch.nn.KLDivLoss"

`install` puts one thin wrapper around `nn.Module.__init__`, and only `torchlint run` and `enable` do that: no function of torch is replaced, and the
wrapper does nothing in code that is being compiled. Without it, places of construction are unknown and losses are judged where they are called.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import nn

from torchlint.contracts.schema import Call, Module
from torchlint.contracts.table import Table
from torchlint.meaning import decided
from torchlint.model import Place
from torchlint.runtime.places import caller

Told = Callable[[str, Call, dict[str, object], Place], None]


class Births:
    """Remembers where modules were built. tell_of_loss: called for each loss module, with its settings."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._places: weakref.WeakKeyDictionary[nn.Module, Place] = weakref.WeakKeyDictionary()
        self._known: dict[type, tuple[str, Module] | None] = {}
        self._names: dict[tuple[type, str], str] = {}
        self._original: Callable[..., None] | None = None
        self.tell_of_loss: Told | None = None

    def of(self, module: Any) -> Place | None:
        """Where a module was built; None where nobody looked."""
        return self._places.get(module) if isinstance(module, nn.Module) else None

    def name_of(self, cls: type, call: Call) -> str:
        """The qualified name of the class of torch whose forward is this call; empty where the class does more than that."""
        key = (cls, call.names[0])
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
                self._note(module, sys._getframe(1))

        nn.Module.__init__ = __init__  # type: ignore[assignment,method-assign]

    def uninstall(self) -> None:
        """Put the constructor back."""
        if self._original is not None:
            nn.Module.__init__ = self._original  # type: ignore[method-assign]
            self._original = None

    def _note(self, module: nn.Module, frame: FrameType | None) -> None:
        found = self.contract(type(module))
        if found is None:
            return
        name, contract = found
        here = caller(frame)
        if here is None:
            return
        self._places[module] = here.place
        forward = self._table.forward(contract)
        if forward is not None and forward.loss is not None and self.tell_of_loss is not None:
            settings = _settings(frame, module, forward)
            self.tell_of_loss(name, decided(forward, settings), settings, here.place)

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


def _settings(frame: FrameType | None, module: nn.Module, forward: Call) -> dict[str, object]:
    """What the constructor was given: its arguments still stand in its frame, the outermost `__init__` of the object."""
    given: dict[str, Any] = {}
    while frame is not None and frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is module:
        given = frame.f_locals
        frame = frame.f_back
    return {name: given.get(name, default) for name, default in forward.defaults.items()}
