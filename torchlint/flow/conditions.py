"""What does a condition ask, and what holds on either side of it?

    if args.soft and not args.raw: ...     true: args.soft is, and args.raw is not; false: only that not both
    test(machine, node, scope)             Test(None, when_true=((args.soft, True), (args.raw, False), ...), when_false=...)

A test keeps what it asks, so that branches which ask the same can be matched later.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.decisions import consistent
from torchlint.flow.values import (
    Alternatives,
    ApiObject,
    Bound,
    Builtin,
    Class,
    Condition,
    Const,
    Function,
    Instance,
    Mapping,
    ModuleValue,
    Partial,
    Sequence,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

LONGEST_KEY = 250


@dataclass(slots=True)
class Test:
    """The outcome of a test, None when unknown, and what holds on either side of it."""

    outcome: bool | None
    when_true: tuple[Condition, ...] = ()
    when_false: tuple[Condition, ...] = ()


def test(machine: Machine, node: Any, scope: Scope) -> Test:
    """Evaluate the condition of an if, while or conditional expression."""
    if type(node) is cst.UnaryOperation and type(node.operator) is cst.Not:
        inner = test(machine, node.expression, scope)
        return Test(None if inner.outcome is None else not inner.outcome, inner.when_false, inner.when_true)
    if type(node) is cst.BooleanOperation:
        return _both(machine, node, scope)
    return test_value(machine, asked_of(machine, node, scope))


def _both(machine: Machine, node: cst.BooleanOperation, scope: Scope) -> Test:
    """`a and b`: true means both; false tells only that not both. `a or b` is the mirror image."""
    conjunction = type(node.operator) is cst.And
    left = test(machine, node.left, scope)
    if left.outcome is not None and left.outcome is not conjunction:
        return left
    assumed = machine.paths.push((left.when_true if conjunction else left.when_false) if left.outcome is None else ())
    right = test(machine, node.right, scope)
    machine.paths.pop(assumed)
    if left.outcome is not None:
        return right
    if right.outcome is not None:
        return right if right.outcome is not conjunction else left
    key = compound("and" if conjunction else "or", _parts(left.when_true), _parts(right.when_true))
    if conjunction:
        return Test(None, (*left.when_true, *right.when_true, (key, True)), ((key, False),))
    return Test(None, ((key, True),), (*left.when_false, *right.when_false, (key, False)))


def _parts(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Without what was put together of the others, as `a and b` in `a and b and c`."""
    return tuple(each for each in conditions if not (each[1] and isinstance(each[0], tuple) and each[0][:1] == ("and",)))


def compound(name: str, left: Hashable, right: Hashable) -> Hashable:
    """What two tests ask together. Where it is long, as in a loop whose rounds hang on one another, it is not known again: comparing such keys
    takes a time that doubles with each round."""
    return (name, left, right) if _is_short((left, right)) else object()


def _is_short(key: Hashable) -> bool:
    waiting, count = [key], 0
    while waiting and count <= LONGEST_KEY:
        each = waiting.pop()
        count += 1
        if isinstance(each, tuple):
            waiting.extend(each)
    return count <= LONGEST_KEY


def test_value(machine: Machine, value: Value) -> Test:
    """What a value says as a condition."""
    truth = truth_of(value)
    if truth is not None:
        return Test(truth)
    if isinstance(value, Alternatives):
        return _test_alternatives(machine, value)
    key: Hashable = value.symbol if isinstance(value, Unknown) else object()
    if isinstance(key, tuple) and key and key[0] == "not":
        inner = key[1]
        decided = machine.paths.decide(inner)
        return Test(None if decided is None else not decided, ((inner, False),), ((inner, True),))
    return Test(machine.paths.decide(key), ((key, True),), ((key, False),))


def _test_alternatives(machine: Machine, value: Alternatives) -> Test:
    """A flag that was set on one of two branches holds what that branch's condition said."""
    options = [(option, truth_of(option.value)) for option in value.options if machine.paths.allow(option.conditions)]
    truths = {truth for _, truth in options}
    if len(truths) == 1 and None not in truths:
        return Test(truths.pop())
    when_true: tuple[Condition, ...] = ()
    when_false: tuple[Condition, ...] = ()
    yes = [option for option, truth in options if truth is True]
    no = [option for option, truth in options if truth is False]
    if len(yes) + len(no) == len(options):
        if len(yes) == 1:
            when_true += yes[0].conditions
            when_false += _otherwise(yes[0].conditions)
        if len(no) == 1:
            when_false += no[0].conditions
            when_true += _otherwise(no[0].conditions)
    if consistent(when_true, when_false):  # what is known does not tell the two sides apart
        key = object()
        when_true, when_false = ((key, True), *when_true), ((key, False), *when_false)
    return Test(None, when_true, when_false)


def _otherwise(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """What holds where an alternative is not there, if that can be said: one decision went the other way."""
    return ((conditions[0][0], not conditions[0][1]),) if len(conditions) == 1 else ()


def truth_of(value: Value) -> bool | None:
    """bool(value), where it is known."""
    if isinstance(value, Const):
        return bool(value.value)
    if isinstance(value, Sequence):
        return True if value.items else (None if value.open else False)
    if isinstance(value, Mapping):
        return True if value.entries else (None if value.open else False)
    if isinstance(value, (Instance, ApiObject, Function, Class, Bound, Partial, ModuleValue, Builtin)):
        return True
    return None


def asked_of(machine: Machine, node: Any, scope: Scope) -> Value:
    """Evaluate what only a yes or no is wanted of, which needs no backward."""
    machine.no_grad += 1
    try:
        return machine.evaluate(node, scope)
    finally:
        machine.no_grad -= 1


def as_value(result: Test) -> Value:
    if result.outcome is not None:
        return Const(result.outcome)
    if len(result.when_true) == 1:
        key, outcome = result.when_true[0]
        return Unknown(key if outcome else ("not", key))
    return Unknown()
