"""What does calling a function of the project give?

Its body is evaluated with the arguments at hand, so that a kind goes in and out of functions as it does in the program. A call that
was evaluated before with the same values, and changed nothing, is not evaluated again.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import libcst as cst

from torchlint.flow.arguments import Arguments
from torchlint.flow.decisions import join
from torchlint.flow.machine import MOST_FRAMES
from torchlint.flow.scope import Frame, Scope
from torchlint.flow.values import NONE, Const, Function, Mapping, Sequence, Stream, Unknown, Value
from torchlint.model import Place

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine

FORWARD = "forward"


def call_function(machine: Machine, function: Function, arguments: Arguments, receiver: Value | None = None, place: Place | None = None) -> Value:
    """Evaluate the body. receiver: the object whose method it is, already among the arguments; place: where it is called."""
    machine.reached[id(function.node)] = None
    if len(machine.frames) >= MOST_FRAMES or machine.running(function) >= 2:
        return Unknown()
    key = _memo_key(machine, function, arguments)
    if key is not None and key in machine.memo:
        epoch, result = machine.memo[key]
        if epoch == machine.store.epoch:
            return result
    scope = Scope(function.scope, function.scope.module, None)
    forward = function.name == FORWARD and function.owner is not None
    frame = Frame(function, receiver, len(machine.paths.conditions), forward, place)
    frame.variables = scope.variables
    scope.frame = frame
    _bind_parameters(machine, function, arguments, scope)
    epoch = machine.store.epoch
    machine.frames.append(frame)
    machine.no_grad += function.no_grad
    try:
        result = _body(machine, function, scope, frame)
    finally:
        machine.frames.pop()
        machine.no_grad -= function.no_grad
        machine.paths.pop(frame.assumed)
    if key is not None and machine.store.epoch == epoch:
        machine.memo[key] = (epoch, result)
    return result


def _body(machine: Machine, function: Function, scope: Scope, frame: Frame) -> Value:
    node = function.node
    if isinstance(node, cst.Lambda):
        return machine.evaluate(node.body, scope)
    machine.run(node.body.body, scope)
    if frame.yields:
        return Stream(join(frame.yields))
    return join(frame.results) if frame.results else NONE


def _memo_key(machine: Machine, function: Function, arguments: Arguments) -> Hashable:
    """What the result depends on, when that is cheap to say: the very values that go in."""
    if arguments.rest is not None or machine.paths.conditions:
        return None
    parts: list[Hashable] = [id(function), arguments.open, machine.no_grad > 0]
    for value in arguments.positional:
        parts.append(_identity(value))
    for name, value in sorted(arguments.keywords.items()):
        parts.append((name, _identity(value)))
    return tuple(parts)


def _identity(value: Value) -> Hashable:
    if isinstance(value, Const):
        return ("const", type(value.value), value.value)
    return ("is", value)  # holds the value alive, so that its identity stays its own


def _bind_parameters(machine: Machine, function: Function, arguments: Arguments, scope: Scope) -> None:
    parameters = function.node.params
    names = [each.name.value for each in (*parameters.posonly_params, *parameters.params)]
    keyword_only = [each.name.value for each in parameters.kwonly_params]
    variables = scope.variables
    positional = list(arguments.positional)
    for name, value in zip(names, positional, strict=False):
        variables[name] = value
    extra = {name: value for name, value in arguments.keywords.items() if name not in names and name not in keyword_only}
    for name, value in arguments.keywords.items():
        if name not in extra:
            variables[name] = value
    for name in (*names, *keyword_only):
        if name not in variables:
            variables[name] = _absent(function, name, arguments)
    star = parameters.star_arg
    if type(star) is cst.Param:
        variables[star.name.value] = Sequence(positional[len(names) :], open_=arguments.open)
    if parameters.star_kwarg is not None:
        variables[parameters.star_kwarg.name.value] = Mapping(dict(extra), open_=arguments.open)


def _absent(function: Function, name: str, arguments: Arguments) -> Value:
    if arguments.rest is not None:
        return arguments.rest
    default = function.defaults.get(name)
    if default is None or (arguments.open and isinstance(default, Const)):
        return Unknown()
    return default
