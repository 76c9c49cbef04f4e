"""What does calling a value give?

For example:

    nn.Softmax(1)      Api with a module contract     -> an ApiObject
    F.softmax(x, 1)    Api with a call contract       -> apply_call
    model(x)           Instance of a project's class  -> its __call__ or forward
    soft(x)            ApiObject                      -> its forward's contract
    train(model)       Function                       -> its body
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from torchlint.flow import builtins, classes, handovers, networks, standard
from torchlint.flow.apply import apply_call
from torchlint.flow.arguments import Arguments, bind_settings
from torchlint.flow.attributes import bind_method, class_attribute, get_attribute, is_module
from torchlint.flow.decisions import TEXTS
from torchlint.flow.effects import EFFECTS
from torchlint.flow.functions import call_function
from torchlint.flow.merging import Missing
from torchlint.flow.signatures import fitting
from torchlint.flow.values import (
    Alternatives,
    Api,
    ApiObject,
    Bound,
    Builtin,
    Class,
    Const,
    Function,
    Instance,
    Mapping,
    Partial,
    Settings,
    Super,
    Tensor,
    Unknown,
    Value,
    options_of,
)
from torchlint.model import Step
from torchlint.wording import short

if TYPE_CHECKING:
    from torchlint.contracts.schema import Call
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope


SAME_TEXT = frozenset({"lower", "upper", "strip"})
"""Methods that give the same text for the same unknown text."""
TELLING = (Tensor, Alternatives, Instance, ApiObject, Class, Function, Bound, Partial)
"""Arguments that may make a difference in any function."""


def call(machine: Machine, callee: Value, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """The result of calling a value."""
    if type(callee) is Alternatives:
        callee = fitting(callee, arguments)
    if type(callee) is Alternatives:
        return machine.lift_choice(callee, lambda each: call(machine, each, arguments, node, scope), machine.place(node, scope))
    if isinstance(callee, Function):
        return call_project(machine, callee, arguments, None, node, scope)
    if isinstance(callee, Bound):
        return _call_bound(machine, callee, arguments, node, scope)
    if isinstance(callee, Instance):
        return call_instance(machine, callee, arguments, node, scope)
    if isinstance(callee, ApiObject):
        return networks.call_object(machine, callee, arguments, node, scope)
    if isinstance(callee, Api):
        return call_api(machine, callee.name, arguments, node, scope)
    if isinstance(callee, Class):
        return classes.construct(machine, callee, arguments, node, scope)
    if isinstance(callee, Builtin):
        return builtins.call_builtin(machine, callee, arguments, node, scope)
    if isinstance(callee, Partial):
        given = Arguments(
            [*callee.arguments, *arguments.positional], {**callee.keywords, **arguments.keywords}, arguments.open, arguments.rest, arguments.nodes
        )
        return call(machine, callee.function, given, node, scope)
    if isinstance(callee, Missing):
        return arguments.first() or Unknown()
    return Unknown()


def call_method(machine: Machine, receiver: Value, name: str, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """receiver.name(arguments), without building a bound method first where that is not needed."""
    if isinstance(receiver, (Tensor, Unknown)):
        contract = machine.table.tensor_method(name)
        if contract is not None:
            return apply_call(machine, contract, f"torch.Tensor.{name}", arguments.with_first(receiver), node, scope)
        if isinstance(receiver, Unknown):
            if name in SAME_TEXT and not arguments.positional and not arguments.keywords:
                return Unknown(("text", receiver.symbol, name))
            asked = arguments.first()
            if name in TEXTS and isinstance(asked, Const) and isinstance(asked.value, (str, tuple)) and len(arguments.positional) == 1:
                return Unknown((name, receiver.symbol, asked.value))
            if type(receiver) is Settings and name in receiver.attributes:
                return call(machine, receiver.attributes[name], arguments, node, scope)
            method = machine.table.call(f"torch.nn.Module.{name}")
            if method is not None and method.gives == "self":
                return receiver
        elif name == "size" or name == "dim":
            return Unknown((".", receiver, name))
        return Unknown()
    if isinstance(receiver, Missing):
        return Unknown()
    return call(machine, get_attribute(machine, receiver, name), arguments, node, scope)


def _holds_layers(receiver: Value | None) -> bool:
    """Whether an object is a network, or holds one or a loss, as trainers do that are given both."""
    if not isinstance(receiver, Instance):
        return False
    if is_module(receiver.cls):
        return True
    held = [option.value for each in receiver.attributes.values() if isinstance(each, Value) for option in options_of(each)]
    return any((isinstance(each, Instance) and is_module(each.cls)) or (isinstance(each, ApiObject) and each.module is not None) for each in held)


def call_project(machine: Machine, function: Function, arguments: Arguments, receiver: Value | None, node: cst.CSTNode, scope: Scope) -> Value:
    """Call a function of the project; a contract of that very name (a user's own, or torch linted itself) goes before its body."""
    contract = machine.table.call(f"{function.scope.module.name}.{function.title}")
    if contract is not None:
        return run_contract(machine, contract, contract.names[0], arguments, node, scope)
    if (
        machine.hot is not None
        and machine.hot.is_dead_weight(function.node)
        and not any(isinstance(each, TELLING) for each in arguments.values() if each is not receiver)
        and not _holds_layers(receiver)
    ):
        machine.reached[id(function.node)] = None
        return Unknown()
    return call_function(machine, function, _noted(machine, function, arguments, node, scope), receiver, machine.place(node, scope))


def _noted(machine: Machine, function: Function, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Arguments:
    """Arguments whose traces tell that they were handed to the function."""
    if not any(isinstance(value, (Tensor, Alternatives)) for value in arguments.values()):
        return arguments
    message = f"passed to `{function.title}`"
    place = machine.place(node, scope)

    def noted(value: Value) -> Value:
        return machine.on_the_way(value, message, place) if isinstance(value, (Tensor, Alternatives)) else value

    positional = [noted(value) for value in arguments.positional]
    return Arguments(positional, {key: noted(value) for key, value in arguments.keywords.items()}, arguments.open, arguments.rest, arguments.nodes)


def _call_bound(machine: Machine, bound: Bound, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    function = bound.function
    if isinstance(function, Function):
        return call_project(machine, function, arguments.with_first(bound.receiver), bound.receiver, node, scope)
    if isinstance(function, Api):
        return call_library_method(machine, function.name, bound.receiver, arguments, node, scope)
    return call(machine, function, arguments.with_first(bound.receiver), node, scope)


def call_library_method(machine: Machine, name: str, receiver: Value, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """A method that a library's class defines, on an object of that class or of a project's class derived from it."""
    owner, _, method = name.rpartition(".")
    if method == "__init__" and isinstance(receiver, Instance):
        networks.init_library_part(machine, receiver, owner, arguments, node, scope)
        return Unknown()
    handover = machine.table.handover(name)
    if handover is not None:
        handovers.run_method(machine, handover, arguments, node, scope)
        return Unknown()
    if method in ("forward", "__call__"):
        if isinstance(receiver, Instance):
            if method == "__call__":
                return call_instance(machine, receiver, arguments, node, scope, skip_call=True)
            return networks.call_library_part(machine, receiver, arguments, node, scope)
        return call(machine, receiver, arguments, node, scope)
    contract = machine.table.call(name) or machine.table.call(f"torch.nn.Module.{method}")
    if contract is not None:
        return run_contract(machine, contract, name, arguments.with_first(receiver), node, scope)
    wrapper = machine.table.wrapper(name)
    if wrapper is not None:
        return networks.pass_through(wrapper, arguments)
    return Unknown()


def call_instance(machine: Machine, instance: Instance, arguments: Arguments, node: cst.CSTNode, scope: Scope, skip_call: bool = False) -> Value:
    """instance(...): its own __call__, else the forward of a module, with hooks."""
    machine.called[id(instance)] = instance
    own = None if skip_call else class_attribute(instance.cls, "__call__")
    if own is not None:
        return call(machine, bind_method(machine, own, instance), arguments, node, scope)
    arguments = networks.before(machine, instance, arguments, node, scope)
    forward = instance.attributes.get("forward") or class_attribute(instance.cls, "forward")
    if forward is not None:
        method = forward if "forward" in instance.attributes else bind_method(machine, forward, instance)
        result = call(machine, method, arguments, node, scope)
    else:
        result = networks.call_library_part(machine, instance, arguments, node, scope)
    return networks.after(machine, instance, arguments, result, node, scope)


def call_api(machine: Machine, name: str, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """A library's function or class by its qualified name."""
    table = machine.table
    contract = table.call(name)
    if contract is not None:
        return run_contract(machine, contract, name, arguments, node, scope)
    module = table.module(name)
    if module is not None:
        return networks.construct_module(machine, name, module, arguments, node, scope)
    model = table.model(name)
    if model is not None:
        made = Step(f"`{short(name)}` is built", machine.place(node, scope))
        built = ApiObject(name, None, bind_settings(model.params, arguments), made, model)
        machine.pending.append(built)
        return built
    wrapper = table.wrapper(name)
    if wrapper is not None:
        return networks.pass_through(wrapper, arguments)
    handover = table.handover(name)
    if handover is not None:
        handovers.run(machine, handover, arguments, node, scope)
        return Unknown()
    return standard.call_library(machine, name, arguments, node, scope)


def run_contract(machine: Machine, contract: Call, name: str, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """Carry out a contract: an effect on the program, the object itself, or facts of tensors."""
    if contract.effect is not None:
        return EFFECTS[contract.effect](machine, arguments, node, scope)
    if contract.gives == "self":
        return arguments.first() or Unknown()
    receiver = arguments.first()
    if isinstance(receiver, (Instance, Mapping, Function, Super)) and name.startswith("torch.Tensor."):
        return Unknown()
    return apply_call(machine, contract, name, arguments, node, scope)
