"""Where did a value come into being, and where was its meaning lost?

For those who work on torchlint: a machine that remembers, for each value, the expression that first gave it. With

    h = attention @ values      # arithmetic: the kind is gone
    out = h.view(-1, 10)        # hands it on
    criterion(out, y)           # origin of `out`: the expression `attention @ values`

`Origins.lost` names the expression, its place and the reason, as far as it can be told. A normal run has none of this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import libcst as cst

from torchlint.contracts.table import Table
from torchlint.events import Event
from torchlint.flow.machine import Machine
from torchlint.flow.places import NodePlace
from torchlint.flow.scope import Scope
from torchlint.flow.values import Alternatives, Api, ApiObject, Bound, Builtin, Instance, Tensor, Unknown, Value
from torchlint.flow.wording import title
from torchlint.model import Kind

LONGEST_CODE = 60
NOWHERE = "not evaluated"


@dataclass(frozen=True, slots=True)
class Loss:
    """Where a meaning was lost: `reason` says what happened there, place is None where no expression is to blame."""

    reason: str
    code: str
    place: NodePlace | None


class TracingMachine(Machine):
    """A machine that remembers which expression first gave each value, and what each expression gave last."""

    def __init__(self, table: Table, emit: Callable[[Event], None]) -> None:
        super().__init__(table, emit)
        self._born: dict[int, tuple[Value, cst.CSTNode, Scope]] = {}  # holds the values alive, so that their ids stay theirs
        self._last: dict[int, Value] = {}

    def evaluate(self, node: cst.CSTNode, scope: Scope) -> Value:
        value = super().evaluate(node, scope)
        self._born.setdefault(id(value), (value, node, scope))
        self._last[id(node)] = value
        return value

    def value_of(self, node: cst.CSTNode) -> Value | None:
        """What an expression gave when it was evaluated last."""
        return self._last.get(id(node))

    def lost(self, value: Value | None) -> list[Loss]:
        """For each alternative whose kind is unknown: where it arose."""
        if value is None:
            return [Loss(NOWHERE, "", None)]
        if isinstance(value, Alternatives):
            return list(dict.fromkeys(loss for option in value.options for loss in self.lost(option.value)))
        if isinstance(value, Tensor) and value.facts.kind is not Kind.UNKNOWN:
            return []
        born = self._born.get(id(value))
        if born is None or born[0] is not value:
            return [Loss(_symbol(value), "", None)]
        _, node, scope = born
        place = NodePlace(scope.module.source, node) if scope.module.source is not None else None
        return [Loss(self._reason(value, node), _code(node, scope), place)]

    def _reason(self, value: Value, node: Any) -> str:
        kind = type(node)
        if kind is cst.Call:
            return self._of_call(node)
        if kind is cst.Name:
            return _symbol(value)
        if kind is cst.Attribute:
            owner = self.value_of(node.value)
            return f"attribute of {_described(owner)}"
        if kind is cst.Subscript:
            return f"item of {_described(self.value_of(node.value))}"
        if kind is cst.BinaryOperation:
            return f"arithmetic: {type(node.operator).__name__}"
        return kind.__name__

    def _of_call(self, node: cst.Call) -> str:
        function = node.func
        callee = self.value_of(function)
        if callee is None and type(function) is cst.Attribute:
            return f"call of .{function.attr.value} on {_described(self.value_of(function.value))}"
        return f"call of {_described(callee)}"


def _described(value: Value | None) -> str:
    if isinstance(value, (Api, Builtin)):
        return value.name
    if isinstance(value, ApiObject):
        return f"a {value.name}"
    if isinstance(value, Bound):
        return _described(value.function)
    if isinstance(value, Instance):
        return f"an object of {value.cls.name}"
    if isinstance(value, Tensor):
        return "a tensor"
    if isinstance(value, Unknown) or value is None:
        return _symbol(value)
    return f"{type(value).__name__} {title(value)}".strip()


def _symbol(value: Value | None) -> str:
    symbol = value.symbol if isinstance(value, Unknown) else None
    if isinstance(symbol, tuple) and symbol and symbol[0] == "name":
        return "an unbound name"
    if isinstance(symbol, tuple) and len(symbol) == 2 and isinstance(symbol[0], int):
        return "a parameter that no call gives"
    if isinstance(value, Tensor):
        return f"a tensor ({value.facts.source})" if value.facts.source else "a tensor"
    return "something unknown"


def _code(node: cst.CSTNode, scope: Scope) -> str:
    text = " ".join(scope.module.source.tree.code_for_node(node).split()) if scope.module.source is not None else ""
    return text if len(text) <= LONGEST_CODE else text[: LONGEST_CODE - 3] + "..."
