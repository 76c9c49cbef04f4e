"""Which cases of a `match` are run, and what do their patterns bind?

For example:

    case "sigmoid":          == "sigmoid"
    case "a" | "b":          in ("a", "b")
    case None:               is None
    case (first, second):    first and second are the entries of a tuple of two
    case {"probs": p}:       nothing is known of p

Cases that cannot apply are left out, one that surely applies is the last, and the rest are tried as branches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from torchlint.flow import operators
from torchlint.flow.assignment import assign
from torchlint.flow.conditions import test_value
from torchlint.flow.machine import Machine, Status
from torchlint.flow.scope import Scope
from torchlint.flow.values import Condition, Sequence, Unknown, Value
from torchlint.flow.walking import walk


def match_block(machine: Machine, node: Any, scope: Scope) -> Status:
    subject = machine.evaluate(node.subject, scope)
    cases: list[tuple[tuple[Condition, ...], Callable[[], Status]]] = []
    before: list[Condition] = []
    exhaustive = False
    for case in node.cases:
        outcome, conditions, denial = _matches(machine, subject, case, scope)
        if outcome is False:
            continue

        def run(case: Any = case) -> Status:
            _bind_pattern(machine, case.pattern, subject, scope)
            return machine.run(case.body.body, scope)

        cases.append(((*before, *conditions), run))
        before.extend(denial)
        if outcome is True:
            exhaustive = True
            break
    if not exhaustive:
        cases.append((tuple(before), lambda: Status.NORMAL))
    return cases[0][1]() if len(cases) == 1 else machine.branch(cases, scope.variables)


def _matches(machine: Machine, subject: Value, case: Any, scope: Scope) -> tuple[bool | None, tuple[Condition, ...], tuple[Condition, ...]]:
    pattern = case.pattern
    if type(pattern) is cst.MatchAs and pattern.pattern is None:
        return (True if case.guard is None else None), (), ()
    asked = _asked(machine, subject, pattern, scope)
    if asked is None:
        return None, (((object()), True),), ()
    decided = test_value(machine, asked)
    if case.guard is not None:
        return (False if decided.outcome is False else None), decided.when_true, ()  # not taken: the guard may be why
    return decided.outcome, decided.when_true, decided.when_false


def _asked(machine: Machine, subject: Value, pattern: Any, scope: Scope) -> Value | None:
    """What a pattern of constants asks, as the comparison it stands for: `"a"` is ==, `None` is `is`, `"a" | "b"` is `in`."""
    kind = type(pattern)
    if kind is cst.MatchOr:
        choices = [element.pattern for element in pattern.patterns]
        if not all(type(each) in (cst.MatchValue, cst.MatchSingleton) for each in choices):
            return None
        wanted: Value = Sequence([machine.evaluate(each.value, scope) for each in choices])
        return operators.compare(machine, cst.In(), subject, wanted, pattern, scope)
    if kind not in (cst.MatchValue, cst.MatchSingleton):
        return None
    sign = cst.Equal() if kind is cst.MatchValue else cst.Is()
    return operators.compare(machine, sign, subject, machine.evaluate(pattern.value, scope), pattern, scope)


def _bind_pattern(machine: Machine, pattern: Any, subject: Value, scope: Scope) -> None:
    """The names in a pattern: the subject itself where the whole is named, its entries where they stand in a row, else unknown."""
    if type(pattern) is cst.MatchAs and pattern.name is not None:
        assign(machine, pattern.name, subject, scope)
        pattern = pattern.pattern
    if type(pattern) in (cst.MatchList, cst.MatchTuple) and isinstance(subject, Sequence) and not subject.open:
        elements = pattern.patterns
        if len(elements) == len(subject.items) and not any(type(element) is cst.MatchStar for element in elements):
            for element, item in zip(elements, subject.items, strict=True):
                _bind_pattern(machine, element.value, item, scope)
            return
    for each in walk(pattern) if pattern is not None else ():
        if type(each) in (cst.MatchAs, cst.MatchStar, cst.MatchMapping):
            name = each.rest if type(each) is cst.MatchMapping else each.name
            if name is not None:
                assign(machine, name, Unknown(), scope)
