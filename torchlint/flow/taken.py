"""What do the parameters get of which a contract says what they take?

    [call.takes]
    probs = { kinds = ["probabilities", "unit_interval"] }

`Categorical(model(x))` becomes one ArgumentGiven event for each alternative of `model(x)` whose meaning is known. Losses have events of
their own, since their arguments have to be judged together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from torchlint.contracts.schema import Call
from torchlint.events import ArgumentGiven, Cases
from torchlint.flow.losses import alternatives, facts_of
from torchlint.flow.values import Value
from torchlint.model import Kind
from torchlint.wording import short

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope


def tell_of_arguments(machine: Machine, call: Call, name: str, bound: dict[str, Value], node: cst.CSTNode, scope: Scope) -> None:
    """One event for each parameter that takes something, and each alternative of what it gets."""
    for parameter, takes in call.takes.items():
        value = bound.get(parameter)
        if value is None or (takes.unless is not None and takes.unless in bound):
            continue
        options = alternatives(machine, value)
        cases = Cases(len(options) + (machine.unsure > 0))
        for option in options:
            given = facts_of(option.value)
            if given.kind is not Kind.UNKNOWN:
                certain = machine.unsure == 0 and option.certain
                machine.emit(
                    ArgumentGiven(
                        place=machine.place(node, scope),
                        certain=certain,
                        cases=cases,
                        callee=short(name),
                        call=call,
                        parameter=parameter,
                        given=given,
                    )
                )
