"""What does a chain of if / elif / else leave behind?

    if args.net == "vgg": net = VGG()
    elif args.net == "resnet": net = ResNet()      # a hundred arms are not rare: they are run side by side and put together once
    else: sys.exit()

Arm n is run under the condition that the tests before it failed. Where a test does something besides asking, the rest of the chain is one arm, as if
it stood in an `else` of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.conditions import test
from torchlint.flow.decisions import TEXTS
from torchlint.flow.machine import Status
from torchlint.flow.values import Condition
from torchlint.flow.walking import walk

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

Case = tuple[tuple[Condition, ...], Callable[[], Status]]
ASKING = frozenset({"lower", "upper", "strip", "isinstance", "len", "hasattr", "get", *TEXTS})
"""Calls that change nothing."""


def conditional(machine: Machine, node: Any, scope: Scope) -> Status:
    """if / elif / else"""
    decided = test(machine, node.test, scope)
    if decided.outcome is not None:
        other = node.orelse if decided.outcome else node.body
        if other is not None:
            machine.skipped[id(other)] = other
        return machine.run(node.body.body, scope) if decided.outcome else _rest(machine, node, scope)
    cases: list[Case] = [(decided.when_true, lambda: machine.run(node.body.body, scope))]
    mark = machine.paths.push(decided.when_false)
    failed = tuple(decided.when_false)
    try:
        last = _arms(machine, node, scope, failed, cases)
    finally:
        machine.paths.pop(mark)
    return machine.branch([*cases, last], scope.variables)


def _arms(machine: Machine, node: Any, scope: Scope, failed: tuple[Condition, ...], cases: list[Case]) -> Case:
    """Add the arms behind the first to `cases`; gives what is left for the end, under the conditions that all tests before it failed."""
    while isinstance(node.orelse, cst.If) and _only_asks(node.orelse.test):
        node = node.orelse
        decided = test(machine, node.test, scope)
        run = partial(machine.run, node.body.body, scope)
        if decided.outcome:
            return failed, run
        if decided.outcome is None:
            cases.append(((*failed, *decided.when_true), run))
            machine.paths.push(decided.when_false)
            failed = (*failed, *decided.when_false)
    return failed, lambda: _rest(machine, node, scope)


def _rest(machine: Machine, node: Any, scope: Scope) -> Status:
    return machine.run([node.orelse], scope) if node.orelse is not None else Status.NORMAL


def _only_asks(expression: cst.BaseExpression) -> bool:
    """Whether evaluating a test changes nothing."""
    for each in walk(expression):
        if isinstance(each, cst.NamedExpr):
            return False
        if isinstance(each, cst.Call):
            name = each.func.attr.value if isinstance(each.func, cst.Attribute) else each.func.value if isinstance(each.func, cst.Name) else ""
            if name not in ASKING:
                return False
    return True
