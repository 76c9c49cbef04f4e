"""What does a comprehension build?

For example:

    nn.ModuleList([Block(i) for i in range(3)])       three blocks when the range is known, one standing for all when it is not
    {name: crit(out[name], y[name]) for name in ...}  a dict; the calls inside are seen
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.assignment import assign
from torchlint.flow.conditions import test
from torchlint.flow.decisions import join
from torchlint.flow.iteration import MOST_UNROLLED, as_sequence, element_of
from torchlint.flow.scope import Scope
from torchlint.flow.values import Const, Mapping, Option, Sequence, Stream, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine

MOST_ENTRIES = 12
"""How many entries are built one by one; of a longer comprehension the first few stand for all."""


def evaluate_comprehension(machine: Machine, node: Any, scope: Scope) -> Value:
    """[elt for ...], {elt for ...}, (elt for ...)"""
    inside = Scope(scope, scope.module, scope.frame)
    inside.is_comprehension = True
    items: list[Value] = []
    complete = _loop(machine, node.for_in, inside, lambda: items.append(machine.evaluate(node.elt, inside)))
    if type(node) is cst.GeneratorExp and not complete:
        return Stream(items[0] if items else Unknown())
    return Sequence(items, type(node) is cst.ListComp, not complete)


def evaluate_dict_comprehension(machine: Machine, node: Any, scope: Scope) -> Value:
    """{key: value for ...}"""
    inside = Scope(scope, scope.module, scope.frame)
    inside.is_comprehension = True
    entries: dict[Hashable, Value] = {}
    unknown_keys: list[Value] = []

    def entry() -> None:
        key, value = machine.evaluate(node.key, inside), machine.evaluate(node.value, inside)
        if isinstance(key, Const):
            entries[key.value] = value
        else:
            unknown_keys.append(value)

    complete = _loop(machine, node.for_in, inside, entry)
    rest = join(Option(value, (), not entries) for value in unknown_keys) if unknown_keys else None
    return Mapping(entries, not complete or bool(unknown_keys), rest)


def _loop(machine: Machine, clause: cst.CompFor, scope: Scope, body: Callable[[], None]) -> bool:
    """Run the body for each entry of the innermost loop; whether the entries were all known."""
    iterable = machine.evaluate(clause.iter, scope)
    known = as_sequence(machine, iterable)
    complete = known is not None and not known.open and len(known.items) <= MOST_UNROLLED
    if known is not None and known.items:
        items = known.items if len(known.items) <= MOST_ENTRIES else (*known.items[:2], known.items[-1])
        complete = complete and len(items) == len(known.items)
    elif known is not None and not known.open:
        return True
    else:
        items = (element_of(machine, iterable),)
        complete = False
    for item in items:
        assign(machine, clause.target, item, scope)
        outcomes = [test(machine, condition.test, scope).outcome for condition in clause.ifs]
        if False in outcomes:
            continue
        complete = complete and None not in outcomes
        if clause.inner_for_in is not None:
            complete = _loop(machine, clause.inner_for_in, scope, body) and complete
        else:
            body()
    return complete
