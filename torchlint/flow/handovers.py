"""What does a library do with the network and the loss that it is given?

    create_supervised_trainer(model, optimizer, nn.NLLLoss())     loss(model(x), y), where nobody sees it
    NeuralNetClassifier(Net, criterion=nn.CrossEntropyLoss)       both are built first
    trainer.fit(module)                                           module.training_step(batch, 0)
    class Mine(Trainer): def compute_loss(self, model, inputs)    called with the model that Mine(model=...) got
    Thread(target=train, args=(net, loader))                      train(net, loader)

Contracts say which parameter is which. The calls are made on the spot, so that what the program knows of both is known there too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import libcst as cst
from msgspec.structs import replace

from torchlint.contracts.schema import Handover
from torchlint.flow.arguments import Arguments, bind, spread, spread_dict
from torchlint.flow.attributes import bind_method, class_attribute, library_bases
from torchlint.flow.iteration import element_of
from torchlint.flow.samples import forward_argument, unknown_arguments
from torchlint.flow.values import Api, ApiObject, Class, Function, Instance, Sequence, Tensor, Unknown, Value
from torchlint.model import Facts, Kind

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

HANDED = "#handed"
"""The attribute of an object of a project's class that holds the network which its library base class was given."""


def run(machine: Machine, contract: Handover, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> None:
    """What a function or class of a library runs: a function, or a loss with a network."""
    if contract.runs is not None:
        _run_function(machine, contract, arguments, node, scope)
    elif contract.loss is not None:
        _run_loss(machine, contract, arguments, node, scope)


def _run_function(machine: Machine, contract: Handover, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> None:
    """function(*args, **kwargs), in a thread or process of its own."""
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    bound = bind(contract.params, arguments)
    function = bound.get(contract.runs or "")
    if function is None or isinstance(function, Unknown):
        return
    if contract.args == "*":
        given = Arguments(arguments.positional[1:], {key: each for key, each in arguments.keywords.items() if key != contract.runs}, arguments.open)
    else:
        given = Arguments()
        if contract.each is not None:
            given.positional.append(element_of(machine, bound.get(contract.each, Unknown())))
        if contract.args in bound:
            spread(machine, given, bound[contract.args])
        if contract.kwargs in bound:
            spread_dict(given, bound[contract.kwargs])
    given.positional[:0] = [Unknown() for _ in range(contract.own)]
    call(machine, function, given, node, scope)


def _run_loss(machine: Machine, contract: Handover, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> None:
    """loss(model(input), target), as the library computes it."""
    bound = bind(contract.params, arguments)
    network = _built(machine, bound.get(contract.model or ""), node, scope)
    if network is None:
        return
    default = Api(contract.default) if contract.default is not None and not arguments.open else None
    loss = _built(machine, bound.get(contract.loss or "", default), node, scope)
    if loss is not None:
        machine.lift_choice(loss, lambda each: _compute(machine, contract, network, each, node, scope), machine.place(node, scope))


def _compute(machine: Machine, contract: Handover, network: Value, loss: Value, node: cst.CSTNode, scope: Scope) -> Value:
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    output = call(machine, network, Arguments([forward_argument()]), node, scope)
    applied = contract.applies.get(loss.name) if isinstance(loss, ApiObject) else None
    if applied is not None:
        output = machine.project_value(output, lambda each: _applied(machine, applied, each))
    return call(machine, loss, Arguments([output, Unknown()]), node, scope)


def _applied(machine: Machine, name: str, value: Value) -> Value:
    """What the library makes of an output. It guards against log(0) itself, so no rule is asked."""
    function = machine.table.call(name)
    if function is None or not isinstance(value, Tensor):
        return Unknown()
    facts = value.facts
    kind = function.converts.get(facts.kind, Kind.UNKNOWN)
    return Tensor(Facts(kind, None, facts.source, False, facts.trace) if kind is not Kind.UNKNOWN else Facts(), grad=value.grad)


def _built(machine: Machine, value: Value | None, node: cst.CSTNode, scope: Scope) -> Value | None:
    """A network or loss; a class is built as the library would, of whose arguments nothing is known."""
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    if isinstance(value, Class):
        init = class_attribute(value, "__init__")
        given = unknown_arguments(init, 1) if isinstance(init, Function) else Arguments()
        return call(machine, value, given, node, scope)
    if isinstance(value, Api) and machine.table.module(value.name) is not None:
        return call(machine, value, Arguments(), node, scope)
    return None if isinstance(value, Unknown) else value


def run_method(machine: Machine, contract: Handover, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> None:
    """trainer.fit(module): its steps, with batches of the library's. pool.submit(function, ...): that function."""
    if contract.runs is not None:
        _run_function(machine, contract, arguments, node, scope)
        return
    network = bind(contract.params, arguments).get(contract.model or "")
    if network is not None:
        machine.lift(network, lambda each: _run_methods(machine, contract, each, None, node, scope))


def note(machine: Machine, instance: Instance, base: str, arguments: Arguments) -> None:
    """super().__init__(model=...) of a class that derives from a library's trainer: it keeps the network."""
    contract = machine.table.handover(base)
    if contract is None or not contract.methods or contract.model is None:
        return
    network = bind(contract.params, arguments).get(contract.model)
    if network is not None:
        machine.store.write(instance.attributes, HANDED, network)
        machine.store.write(instance.attributes, contract.model, network)


def run_own_methods(machine: Machine, instance: Instance, node: cst.CSTNode, scope: Scope) -> None:
    """Once such an object is built: the methods that the library will call with the network."""
    network = instance.attributes.get(HANDED)
    contract = next((found for base in library_bases(instance.cls) if (found := machine.table.handover(base.name)) is not None), None)
    if network is not None and contract is not None:
        _run_methods(machine, contract, instance, network, node, scope)


def run_steps(machine: Machine, instance: Instance) -> None:
    """The methods of a network that a library will call, where no call of them has been seen."""
    for base in library_bases(instance.cls):
        contract = machine.table.handover(base.name)
        if contract is not None and contract.model is None:
            left = tuple(name for name in contract.methods if _uncalled(machine, class_attribute(instance.cls, name)))
            _run_methods(machine, replace(contract, methods=left), instance, None, instance.cls.node, instance.cls.scope)


def _uncalled(machine: Machine, method: Value | None) -> bool:
    return isinstance(method, Function) and id(method.node) not in machine.reached


def _run_methods(machine: Machine, contract: Handover, owner: Value, network: Value | None, node: cst.CSTNode, scope: Scope) -> Value:
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    if not isinstance(owner, Instance):
        return owner
    for name in contract.methods:
        method = class_attribute(owner.cls, name)
        if isinstance(method, Function):
            first = [network] if network is not None else []
            given = unknown_arguments(method, 1 + len(first))
            result = call(machine, bind_method(machine, method, owner), Arguments([*first, *given.positional]), node, scope)
            _run_ends(machine, contract.ends.get(name, ()), owner, result, node, scope)
    return owner


def _run_ends(machine: Machine, names: Iterable[str], owner: Instance, result: Value, node: cst.CSTNode, scope: Scope) -> None:
    """The end of an epoch: of what its steps gave, and of what they have kept in the object."""
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    for name in names:
        method = class_attribute(owner.cls, name)
        if isinstance(method, Function):
            asked = any(parameter.default is None for parameter in method.node.params.params[1:])
            outputs: list[Value] = [Sequence([result], True, True)] if asked else []
            call(machine, bind_method(machine, method, owner), Arguments(outputs), node, scope)
