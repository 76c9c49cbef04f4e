"""Which contract does a function of torch have, and which argument is which parameter?

    handlers(table)[torch.nn.functional.softmax]      # Handler("torch.nn.functional.softmax", <contract>)
    handler.bind((x, 1), {})                          # {"input": x, "dim": 1}

The names of the contracts are looked up once in the installed torch. Functions without a contract that could matter have no handler, and cost one
look-up in a dict.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch

from torchlint.contracts.schema import Call
from torchlint.contracts.table import Table

SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "true_divide": "/", "matmul": "@", "subtract": "-", "multiply": "*", "divide": "/"}
COMPARISONS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_REVERSED = {"__rsub__": ("-", True), "__rdiv__": ("/", True), "__rtruediv__": ("/", True)}
_GETTERS = ("T", "mT", "H", "mH", "data", "real")
_SIGNS = {"neg": True, "__neg__": True, "positive": False}


class Handler:
    """What is to be done for calls of one function.

    name      its qualified name; call: its contract
    symbol    the operator that it stands for, "" for none; turned: whether its operands come in reverse order
    parameters  positional parameters in order
    passes    whether it only hands on what is known of its first argument, so that nothing is to be done where nothing is known
    only_writes  whether there is nothing to it but that it writes in place
    only_gives  whether its result means the same whatever raw scores it gets, so that nothing is to be done before it
    activates  whether it may be told as an activation
    means_nothing  whether nothing is known of its result, nor written by it, so that nothing is to be done after it: a loss
    passes_on  the parameter whose facts the result inherits
    """

    __slots__ = ("activates", "call", "means_nothing", "name", "only_gives", "only_writes", "parameters", "passes", "passes_on", "symbol", "turned")

    def __init__(self, name: str, call: Call, symbol: str = "", turned: bool = False) -> None:
        self.name = name
        self.call = call
        self.symbol = symbol
        self.turned = turned
        end = call.params.index("*") if "*" in call.params else len(call.params)
        self.parameters = call.params[:end]
        more = call.loss or call.takes or call.needs or call.threshold is not None or call.returns or call.mixes or call.fills
        events = more or call.converts
        self.only_writes = not (events or call.gives or call.blank or symbol)
        self.passes = symbol not in ("", "@") or (call.gives == "same" and not events)  # a product with a weight means something by itself
        self.only_gives = bool(call.gives) and call.gives not in ("same", "self") and not (more or call.blank or call.over or symbol)
        self.activates = bool(call.needs or call.converts or call.over)
        self.means_nothing = not (call.gives or call.blank or symbol or call.converts or call.mixes or call.returns or call.fills or _may_write(call))
        self.passes_on = call.passes_on

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
        """Arguments by parameter."""
        bound = dict(zip(self.parameters, args, strict=False))
        if kwargs:
            bound.update(kwargs)
        return bound

    def writes(self, bound: Mapping[str, Any]) -> bool:
        """Whether a call writes its argument in place."""
        call = self.call
        return call.storage == "inplace" or (call.inplace is not None and bool(bound.get(call.inplace, call.defaults.get(call.inplace))))


def _may_write(call: Call) -> bool:
    return call.storage == "inplace" or call.inplace is not None


def handlers(table: Table) -> dict[Any, Handler]:
    """The handler of each function object for which there is something to do."""
    found: dict[Any, Handler] = {}
    for name, call in table.calls():
        if not name.startswith("torch.") or not matters(call):
            continue
        function = _resolve(name)
        if function is not None:
            found.setdefault(function, Handler(name, call, _symbol(name)))
    for name, symbol, turned in _operators():
        function = _resolve(f"torch.Tensor.{name}")
        if function is not None:
            found[function] = Handler(f"torch.Tensor.{name}", Call(name=f"torch.Tensor.{name}", params=("input", "other")), symbol, turned)
    return found


def matters(call: Call) -> bool:
    """Whether a call changes what is known of a tensor, or is worth an event."""
    return bool(
        call.loss is not None
        or call.takes
        or call.gives not in (None, "self")
        or call.converts
        or call.needs
        or call.threshold is not None
        or call.mixes is not None
        or call.returns
        or call.blank
        or call.fills
        or call.storage == "inplace"
    )


def _operators() -> list[tuple[str, str, bool]]:
    forward = [(name, symbol, False) for name, symbol in SYMBOLS.items()]
    return forward + [(name, symbol, turned) for name, (symbol, turned) in _REVERSED.items()]


def _symbol(name: str) -> str:
    owner, _, last = name.rpartition(".")
    return SYMBOLS.get(last, "") if owner in ("torch", "torch.Tensor") else ""


def _resolve(name: str) -> Callable[..., Any] | None:
    """The object of that name as a TorchFunctionMode gets it; None where the installed torch has none, or it is a class."""
    try:
        found = operator.attrgetter(name.removeprefix("torch."))(torch)
        if isinstance(found, type):
            return None
        if not callable(found):
            found = found.__get__  # a property of tensors: the mode gets its getter
        hash(found)
    except (AttributeError, TypeError):
        return None
    return found  # type: ignore[no-any-return]
