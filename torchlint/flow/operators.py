"""What do operators do to kinds and constants?

For example:

    logits / 2.0, logits + bias_logits    logits          1 - probabilities, p * q      unknown: arithmetic ends a kind
    labels == 3                           a bool tensor   args.loss == "bce"           an unknown that remembers what it asked
    2 * 3, "a" + "b", [m] * 2             constants and lists are computed
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint import meaning
from torchlint.flow import memory
from torchlint.flow.decisions import alike, joined
from torchlint.flow.thresholds import tell_of_comparison
from torchlint.flow.values import (
    FALSE,
    TRUE,
    Alternatives,
    Api,
    ApiObject,
    Asked,
    Builtin,
    Class,
    Const,
    Function,
    Instance,
    Mapping,
    Sequence,
    Stream,
    Tensor,
    Unknown,
    Value,
    constant,
)
from torchlint.model import Facts, Kind, Step, Trace

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

ARITHMETIC: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "Add": ("+", operator.add), "Subtract": ("-", operator.sub), "Multiply": ("*", operator.mul), "Divide": ("/", operator.truediv),
    "FloorDivide": ("//", operator.floordiv), "Modulo": ("%", operator.mod), "Power": ("**", operator.pow), "MatrixMultiply": ("@", operator.matmul),
    "BitAnd": ("&", operator.and_), "BitOr": ("|", operator.or_), "BitXor": ("^", operator.xor),
    "LeftShift": ("<<", operator.lshift), "RightShift": (">>", operator.rshift),
}  # fmt: skip
SIGNS: dict[str, Callable[[Any], Any]] = {"Minus": operator.neg, "Plus": operator.pos, "BitInvert": operator.invert}
THRESHOLDS: dict[type, str] = {cst.GreaterThan: ">", cst.GreaterThanEqual: ">=", cst.LessThan: "<", cst.LessThanEqual: "<="}
INTEGERS = frozenset({"int64", "int32", "int16", "int8", "uint8"})
MOST_ITEMS = 64


def binary(machine: Machine, name: str, left: Value, right: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """left <operator> right"""
    if type(left) is Alternatives or type(right) is Alternatives:
        if type(left) is Alternatives:
            return machine.lift(left, lambda each: binary(machine, name, each, right, node, scope))
        return machine.lift(right, lambda each: binary(machine, name, left, each, node, scope))
    if isinstance(left, Const) and isinstance(right, Const):
        return _fold(name, left.value, right.value)
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        symbol = ARITHMETIC[name][0] if name in ARITHMETIC else name
        for each in (left, right):
            if isinstance(each, Tensor):
                memory.read(machine, each, symbol, node, scope)
        result = _arithmetic(name, left, right)
        if name == "MatrixMultiply":
            result.facts = product(machine, left, right, "torch.matmul", node, scope)
        return result
    if isinstance(left, Sequence):
        return _lists(name, left, right)
    if name == "Divide" and type(left) is Unknown and isinstance(right, Const):
        return Unknown(("below", left.symbol, right.value))  # a path of which the end is known
    if name == "Add" and isinstance(left, Const) and isinstance(left.value, str) and type(right) is Unknown:
        return Unknown(("joined", left.value, right.symbol, ""))  # a text of which the beginning is known
    pieces = joined(left.symbol) if name == "Add" and type(left) is Unknown else None
    if pieces is not None and isinstance(right, Const) and isinstance(right.value, str):
        return Unknown(("joined", pieces[0], pieces[1], pieces[2] + right.value))
    if isinstance(left, ApiObject) and isinstance(right, ApiObject) and name == "Add":
        return _modules(left, right)
    return Unknown()


def _fold(name: str, left: Any, right: Any) -> Value:
    if (
        name not in ARITHMETIC
        or name in ("Power", "LeftShift")
        or not isinstance(left, (int, float, str))
        or not isinstance(right, (int, float, str, type(None)))
    ):
        return Unknown()
    if name == "Multiply" and (isinstance(left, str) or isinstance(right, str)):
        return Unknown()
    try:
        return constant(ARITHMETIC[name][1](left, right))
    except (TypeError, ValueError, ArithmeticError):
        return Unknown()


def _lists(name: str, left: Sequence, right: Value) -> Value:
    if name == "Add" and isinstance(right, Sequence):
        return Sequence(left.items + right.items, left.mutable, left.open or right.open)
    if name == "Add":
        return Sequence((*left.items, right.element if isinstance(right, Stream) else Unknown()), left.mutable, True)
    if name == "Multiply":
        count = right.value if isinstance(right, Const) and isinstance(right.value, int) else None
        if count is not None and 0 <= count * len(left.items) <= MOST_ITEMS:
            return Sequence(left.items * count, left.mutable, left.open)
        return Sequence(left.items, left.mutable, True)
    return Unknown()


def _modules(left: ApiObject, right: ApiObject) -> Value:
    """Sequential + Sequential: a new one with the modules of both."""
    first, second = left.attributes.get("#items"), right.attributes.get("#items")
    if not isinstance(first, Sequence) or not isinstance(second, Sequence):
        return Unknown()
    both = ApiObject(left.name, left.module, {}, left.made)
    both.attributes["#items"] = Sequence(first.items + second.items, True, first.open or second.open)
    return both


def product(machine: Machine, left: Value, right: Value, name: str, node: cst.CSTNode, scope: Scope) -> Facts:
    """What a matrix product means."""
    return meaning.product_facts(_operand(left), _operand(right), name, machine.place(node, scope))


def _arithmetic(name: str, left: Value, right: Value) -> Tensor:
    grad = any(isinstance(each, Tensor) and each.grad for each in (left, right))
    return Tensor(arithmetic_facts(name, left, right), grad=grad)


def arithmetic_facts(name: str, left: Value, right: Value) -> Facts:
    """What a result means, and its dtype."""
    tensors = [each for each in (left, right) if isinstance(each, Tensor)]
    others = [each for each in (left, right) if not isinstance(each, Tensor)]
    facts = meaning.arithmetic_facts(ARITHMETIC[name][0], _operand(left), _operand(right)) if name in ARITHMETIC else Facts()
    _arithmetic_dtype(name, facts, tensors, others)
    return facts


def _operand(value: Value) -> Facts | meaning.Operand:
    if isinstance(value, Const):
        return meaning.number(value.value)
    if _is_weight(value):
        return meaning.NUMBER
    return value.facts if isinstance(value, Tensor) else meaning.ANYTHING


def _is_weight(value: Value) -> bool:
    """A learnable parameter: any real number."""
    return isinstance(value, Tensor) and value.facts.kind is Kind.UNKNOWN and value.facts.source == "torch.nn.Parameter"


def _arithmetic_dtype(name: str, facts: Facts, tensors: list[Tensor], others: list[Value]) -> None:
    """int64 stays int64 with Python integers; a float or a division makes it floating."""
    if name == "Divide" or any(not isinstance(each, Const) or isinstance(each.value, float) for each in others):
        return
    dtypes = {each.facts.dtype for each in tensors}
    if len(dtypes) == 1:
        dtype = dtypes.pop()
        if dtype == "bool" and others:
            dtype = "int64"
        if dtype in INTEGERS or dtype == "bool":
            facts.dtype, facts.dtype_trace = dtype, tensors[0].facts.dtype_trace


def unary(machine: Machine, name: str, value: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """-x, +x, ~x"""
    if type(value) is Alternatives:
        return machine.project_value(value, lambda each: unary(machine, name, each, node, scope))
    if isinstance(value, Const) and isinstance(value.value, (int, float)):
        try:
            return Const(SIGNS[name](value.value))
        except (TypeError, KeyError):
            return Unknown()
    if isinstance(value, Tensor):
        memory.read(machine, value, "-", node, scope)
        facts = value.facts
        kept = facts.kind if facts.kind is Kind.LOGITS or name == "Plus" else Kind.UNKNOWN
        if name == "BitInvert":
            return Tensor(Facts(Kind.UNKNOWN, facts.dtype, dtype_trace=facts.dtype_trace))
        return Tensor(
            Facts(kept, facts.dtype, facts.source, False, facts.trace if kept is not Kind.UNKNOWN else None, facts.dtype_trace), grad=value.grad
        )
    return Unknown()


def compare(machine: Machine, sign: cst.BaseCompOp, left: Value, right: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """left <sign> right: a constant, a bool tensor, or an unknown whose symbol says what was asked."""
    symbol = THRESHOLDS.get(type(sign))
    if symbol is not None:
        tell_of_comparison(machine, symbol, left, right, node, scope)
    return _each_compared(machine, sign, left, right, node, scope)


def _each_compared(machine: Machine, sign: cst.BaseCompOp, left: Value, right: Value, node: cst.CSTNode, scope: Scope) -> Value:
    if type(left) is Alternatives:
        return machine.project_value(left, lambda each: _each_compared(machine, sign, each, right, node, scope))
    if type(right) is Alternatives:
        return machine.project_value(right, lambda each: _each_compared(machine, sign, left, each, node, scope))
    result = _compared(machine, sign, left, right, node, scope)
    return Asked(result.symbol, machine.place(node, scope)) if isinstance(result, Unknown) and scope.module.source is not None else result


def _compared(machine: Machine, sign: cst.BaseCompOp, left: Value, right: Value, node: cst.CSTNode, scope: Scope) -> Value:
    if type(sign) in (cst.Is, cst.IsNot):
        return _negated(_identity(left, right), type(sign) is cst.IsNot)
    if type(sign) in (cst.In, cst.NotIn):
        return _negated(_membership(left, right), type(sign) is cst.NotIn)
    if type(sign) in (cst.Equal, cst.NotEqual) and not isinstance(left, Tensor) and not isinstance(right, Tensor):
        return _negated(_equality(machine, left, right), type(sign) is cst.NotEqual)
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        for each in (left, right):
            if isinstance(each, Tensor):
                memory.read(machine, each, "a comparison", node, scope)
        step = Step("a comparison makes bool", machine.place(node, scope))
        return Tensor(Facts(Kind.UNKNOWN, "bool", dtype_trace=Trace(step)))
    if isinstance(left, Const) and isinstance(right, Const):
        return _order(sign, left.value, right.value)
    if isinstance(left, Unknown) and isinstance(right, Const):
        return Unknown((type(sign).__name__, left.symbol, right.value))
    return Unknown()


def _order(sign: cst.BaseCompOp, left: Any, right: Any) -> Value:
    signs: dict[type, Callable[[Any, Any], Any]] = {
        cst.LessThan: operator.lt, cst.GreaterThan: operator.gt, cst.LessThanEqual: operator.le, cst.GreaterThanEqual: operator.ge
    }  # fmt: skip
    try:
        return Const(bool(signs[type(sign)](left, right)))
    except (TypeError, KeyError):
        return Unknown()


def _negated(value: Value, negate: bool) -> Value:
    if not negate:
        return value
    if isinstance(value, Const):
        return FALSE if value.value else TRUE
    if isinstance(value, Unknown):
        return Unknown(("not", value.symbol))
    return value


def _identity(left: Value, right: Value) -> Value:
    """`is`, which in practice asks for None, True or False."""
    if isinstance(left, Api) and isinstance(right, Api):
        return Const(left.name == right.name)
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(left.value is right.value)
    constant, other = (left, right) if isinstance(left, Const) else (right, left)
    if not isinstance(constant, Const):
        return Const(True) if left is right and not isinstance(left, Unknown) else Unknown()
    if isinstance(other, Unknown):
        return Unknown(("==", other.symbol, constant.value))
    return FALSE


def _equality(machine: Machine, left: Value, right: Value) -> Value:
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(left.value == right.value)
    constant, other = (left, right) if isinstance(left, Const) else (right, left)
    if isinstance(constant, Const):
        if isinstance(other, Unknown):
            key = ("==", other.symbol, constant.value)
            decided = machine.paths.decide(key)
            return Unknown(key) if decided is None else Const(decided)
        if isinstance(other, (Instance, ApiObject, Class, Function, Api, Builtin, Mapping, Sequence)):
            return FALSE
    if isinstance(left, Api) and isinstance(right, Api):
        return Const(left.name == right.name)
    if isinstance(left, Class) and isinstance(right, Class):
        return Const(left is right)
    return Const(True) if alike(left, right) and not isinstance(left, Unknown) else Unknown()


def _membership(left: Value, right: Value) -> Value:
    """`x in (a, b)`, `key in mapping`"""
    if isinstance(right, Mapping) and isinstance(left, Const):
        return TRUE if left.value in right.entries else (Unknown() if right.open else FALSE)
    if isinstance(right, Const) and isinstance(right.value, str) and isinstance(left, Const) and isinstance(left.value, str):
        return Const(left.value in right.value)
    if isinstance(right, Sequence):
        constants = [item.value for item in right.items if isinstance(item, Const)]
        if isinstance(left, Const):
            if left.value in constants:
                return TRUE
            return FALSE if len(constants) == len(right.items) and not right.open else Unknown()
        if isinstance(left, Unknown) and len(constants) == len(right.items):
            return Unknown(("in", left.symbol, frozenset(constants)))
    if isinstance(left, Const) and isinstance(right, Unknown):
        return Unknown(("contains", right.symbol, left.value))
    return Unknown()
