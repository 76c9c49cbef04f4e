"""What is known of a loss when it is computed?

`criterion(model(x), y)` becomes one LossCall event for each consistent combination of what `model(x)` and `y` may be. Which loss
`criterion` is has been decided before: each of its alternatives is called by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Literal

import libcst as cst

from torchlint.contracts.schema import Call
from torchlint.events import Cases, LossCall
from torchlint.flow import memory
from torchlint.flow.attributes import is_module
from torchlint.flow.decisions import consistent, expected
from torchlint.flow.values import Asked, Condition, Const, Option, Tensor, Value, options_of
from torchlint.meaning import decided
from torchlint.model import Facts, Kind, Place, Step, Trace
from torchlint.wording import short

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

ROLES: tuple[Literal["input", "target"], ...] = ("input", "target")


def emit_loss(
    machine: Machine, call: Call, name: str, bound: dict[str, Value], open_: bool, node: cst.CSTNode, scope: Scope, made: Step | None
) -> Value:
    """Tell of a computed loss; its result is a tensor of which nothing is said."""
    settings = settings_of(call, bound, open_)
    call = decided(call, settings)
    given = {role: bound[parameter] for role in ROLES if (parameter := call.roles.get(role, role)) in bound}
    roles = [(role, alternatives(machine, value)) for role, value in given.items()]
    combinations = [
        combination
        for combination in product(*(options for _, options in roles))
        if all(consistent(one.conditions, two.conditions) for i, one in enumerate(combination) for two in combination[i + 1 :])
    ]
    cases = Cases(len(combinations) + (machine.unsure > 0))  # one more where the loss itself may be another
    for combination in combinations:
        arguments: dict[str, Facts] = {role: facts_of(option.value) for (role, _), option in zip(roles, combination, strict=True)}
        place, wrapper = _outside(machine, arguments.get("input"), machine.place(node, scope))
        certain = machine.unsure == 0 and all(option.certain for option in combination)
        conditions = (*machine.paths.conditions, *(condition for option in combination for condition in option.conditions))
        machine.thresholds.reach(arguments.get("input"), call.loss, Step(f"{short(name)} gets the same values", place), certain)
        machine.emit(
            LossCall(
                place=place,
                certain=certain,
                cases=cases,
                choice=_choice(conditions) if len(combinations) > 1 or machine.choosing else "",
                callee=f"`{wrapper}` ({short(name)} inside)" if wrapper else short(name),
                call=call,
                arguments=arguments,
                settings=settings,
                made=made,
                free=machine.choosing[0] if machine.choosing and not expected(conditions, machine.defaults) else None,
                inside=Step(f"handed on to {short(name)}", machine.place(node, scope)) if wrapper else None,
            )
        )
    return Tensor(Facts(), grad=True)


def _choice(conditions: Iterable[Condition]) -> str:
    """How a message names the alternative that is meant, by the last text that a setting was compared with: 'when "mlp" is chosen'."""
    texts = [
        key[2] for key, outcome in conditions if outcome and isinstance(key, tuple) and len(key) == 3 and key[0] == "==" and isinstance(key[2], str)
    ]
    return f'when "{texts[-1]}" is chosen' if texts and texts[-1].isprintable() else ""


def _outside(machine: Machine, given: Facts | None, place: Place) -> tuple[Place, str]:
    """The call of the project's own loss module through which the input came in, with the module's name: that is where a wrong value is given.
    For `criterion(out, y)` whose forward says `F.cross_entropy(out, y)` it is the former; otherwise the loss call itself, and no name."""
    if given is None or given.trace is None:
        return place, ""
    passed = {step.place for step in given.trace.steps()}
    found, name = place, ""
    for frame in reversed(machine.frames):
        if frame.place is None or frame.place not in passed:
            break
        if frame.forward and frame.owner is not None and is_module(frame.owner):
            found, name = frame.place, frame.owner.name
    return found, name


def alternatives(machine: Machine, value: Value) -> list[Option]:
    """What an argument may be on this path. Of one that tells nothing, it does not matter whether it surely arises."""
    allowed = [option for option in options_of(value) if machine.paths.allow(option.conditions)]
    muddled = machine.paths.muddled
    telling = [
        Option(option.value, option.conditions, option.certain and not muddled(option.conditions)) for option in allowed if not _blank(option.value)
    ]
    blank = [option for option in allowed if _blank(option.value)]
    if not telling:
        return [Option(blank[0].value)] if blank else []
    return telling + [Option(option.value, option.conditions) for option in blank]


def _blank(value: Value) -> bool:
    facts = facts_of(value)
    return facts.kind is Kind.UNKNOWN and facts.dtype is None


def settings_of(call: Call, bound: dict[str, Value], open_: bool = False) -> dict[str, object]:
    """The settings whose values are known, defaults filled in."""
    known: dict[str, object] = {}
    for parameter, default in call.defaults.items():
        given = bound.get(parameter)
        if given is None:
            if not open_:
                known[parameter] = None if default == "none" and parameter != "reduction" else default
        elif isinstance(given, Const):
            known[parameter] = given.value
    for case in call.cases:
        for parameter in case.when:
            value = bound.get(parameter)
            if isinstance(value, Const):
                known[parameter] = value.value
    return known


def facts_of(value: Value) -> Facts:
    if isinstance(value, Asked):
        return Facts(dtype="bool", dtype_trace=Trace(Step("a comparison makes bool", value.place)))
    return memory.current(value) if isinstance(value, Tensor) else Facts()
