"""What do the modules of torch do: how are they built, filled, wrapped, hooked and called?

    net = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))    an ApiObject whose attribute "#items" holds the two modules
    net(x)                                                    x through each of them in turn
    nn.DataParallel(net)(x)                                   the wrapped module is called

A class of the project that derives from a torch module (`class Head(nn.Sequential)`) keeps the torch part in the same attributes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from torchlint.contracts.schema import Model, Module, Wrapper
from torchlint.events import ActivationCall, LossMade, ModuleMade, SequentialMade
from torchlint.flow import handovers, hooks
from torchlint.flow.apply import apply_call
from torchlint.flow.arguments import Arguments, bind, bind_settings
from torchlint.flow.attributes import ITEMS, library_bases
from torchlint.flow.containers import make_dict
from torchlint.flow.losses import settings_of
from torchlint.flow.merging import Missing
from torchlint.flow.places import NodePlace
from torchlint.flow.values import NONE, Api, ApiObject, Const, Function, Instance, Mapping, Sequence, Tensor, Unknown, Value
from torchlint.meaning import decided
from torchlint.model import Facts, Kind, Step, Trace
from torchlint.wording import KIND_WORDS, short

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

LIBRARY_PART = "#library"
"""The attribute of a project's object that holds what its library base class was given."""


def construct_module(machine: Machine, name: str, module: Module, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """nn.Softmax(dim=1) and the like; tells the rules what was built."""
    made = Step(f"`{short(name)}` is built", machine.place(node, scope))
    bound = bind_settings(module.params, arguments)
    if module.wraps and module.container is None:
        wrapped = bound.get(module.wraps)
        return wrapped if wrapped is not None and not isinstance(wrapped, Unknown) else Unknown()
    built = ApiObject(name, module, bound, made)
    _tell_of_construction(machine, name, module, bound, arguments, node, scope)
    if module.container is not None:
        fill_container(machine, built, module, arguments, node, scope)
    return built


def _tell_of_construction(
    machine: Machine, name: str, module: Module, bound: dict[str, Value], arguments: Arguments, node: cst.CSTNode, scope: Scope
) -> None:
    forward = machine.table.forward(module)
    place = machine.place(node, scope)
    if module.container is None:
        several = len(arguments.positional) > 1  # a network's output as `weight` is no slip only when it stands alone
        tensors = tuple(
            key
            for key, value in bound.items()
            if isinstance(value, Tensor) and value.sure and (key not in module.tensors or (value.grad and several))
        )
        if tensors:
            machine.emit(ModuleMade(place=place, callee=short(name), tensors=tensors, is_loss=forward is not None and forward.loss is not None))
    if forward is None or arguments.open:
        return
    if forward.loss is not None:
        settings = settings_of(forward, bound)
        machine.emit(LossMade(place=place, callee=short(name), call=decided(forward, settings), settings=settings))
    missing = tuple(each for each in forward.needs if each in module.params and (each not in bound or _is_none(bound[each])))
    if missing:
        machine.emit(ActivationCall(place=place, callee=short(name), call=forward, input=Facts(), missing=missing, built=True))


def _is_none(value: Value) -> bool:
    return isinstance(value, Const) and value.value is None


def fill_container(machine: Machine, owner: ApiObject | Instance, module: Module, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> None:
    """Put the constructor's arguments into a Sequential, ModuleList or ModuleDict."""
    first = arguments.first()
    if module.container == "dict":
        entries = make_dict(machine, None, Arguments([first] if first is not None else []), node, scope)
        machine.store.write(owner.attributes, ITEMS, entries)
        return
    if module.container == "list":
        items = first if first is not None else Sequence()
        copied = Sequence(items.items, True, items.open) if isinstance(items, Sequence) else items
        machine.store.write(owner.attributes, ITEMS, copied)
        return
    if isinstance(first, Mapping) and len(arguments.positional) == 1:  # an OrderedDict of names
        for name, item in first.entries.items():
            if isinstance(name, str):
                machine.store.write(owner.attributes, name, item)
        machine.store.write(owner.attributes, ITEMS, Sequence(first.entries.values(), True, first.open))
        return
    for argument_node, item in zip(arguments.nodes, arguments.positional, strict=False):
        _check_element(machine, item, argument_node if len(arguments.nodes) == len(arguments.positional) else node, scope)
    unknown_length = [] if not arguments.hole else [arguments.rest or Unknown()]
    machine.store.write(owner.attributes, ITEMS, Sequence([*arguments.positional, *unknown_length, *arguments.behind], True, arguments.open))


def _check_element(machine: Machine, item: Value, node: cst.CSTNode, scope: Scope) -> None:
    """A plain function is no module: nn.Sequential refuses it."""
    if isinstance(item, Api):
        contract = machine.table.call(item.name)
        if contract is not None and contract.effect is None:
            machine.emit(SequentialMade(place=machine.place(node, scope), element=short(item.name), module=contract.module or ""))
    elif isinstance(item, Function) and type(item.node) is cst.Lambda:
        machine.emit(SequentialMade(place=machine.place(node, scope), element="a lambda", module=""))


def init_library_part(machine: Machine, instance: Instance, base: str, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> None:
    """super().__init__(...) of a class that derives from a torch module, or from a library's trainer."""
    handovers.note(machine, instance, base, arguments)
    module = machine.table.module(base)
    if module is None:
        return
    machine.store.write(instance.attributes, LIBRARY_PART, ApiObject(base, module, bind_settings(module.params, arguments), instance.made))
    if module.container is not None:
        fill_container(machine, instance, module, arguments, node, scope)


def call_library_part(machine: Machine, instance: Instance, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """The forward that an object of the project inherits from its torch base class."""
    items = instance.attributes.get(ITEMS)
    if items is not None:
        return run_items(machine, items, arguments, node, scope)
    part = instance.attributes.get(LIBRARY_PART)
    if isinstance(part, ApiObject):
        return call_object(machine, part, arguments, node, scope)
    for base in library_bases(instance.cls):
        module = machine.table.module(base.name)
        if module is not None:
            return call_object(machine, ApiObject(base.name, module, {}, instance.made), arguments, node, scope)
    return Unknown()


def call_object(machine: Machine, target: ApiObject, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """target(...) for a module or network of a library, with its hooks."""
    arguments = before(machine, target, arguments, node, scope)
    result = _made_by(target, _forward(machine, target, arguments, node, scope), node)
    return after(machine, target, arguments, result, node, scope)


def _made_by(target: ApiObject, result: Value, node: cst.CSTNode) -> Value:
    """A kind that arose in this very call remembers which module gave it, wherever that is called."""
    if not isinstance(result, Tensor) or result.facts.trace is None or target.made is None:
        return result
    trace = result.facts.trace
    if trace.before is None and trace.step.maker is None and getattr(trace.step.place, "node", None) is node:
        result.facts.trace = Trace(replace(trace.step, maker=target.made.place))
    return result


def _forward(machine: Machine, target: ApiObject, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    items = target.attributes.get(ITEMS)
    if target.model is None and target.made is not None:
        machine.taken_apart.add(id(target.made))
    if items is not None:
        return run_items(machine, items, arguments, node, scope)
    if target.model is not None:
        return _run_model(machine, target, target.model, node, scope)
    if target.module is None:
        return Tensor(Facts(), grad=True) if target.name.startswith("torch") else Unknown()
    forward = machine.table.forward(target.module)
    if forward is None:
        return Unknown()
    extra = {key: value for key, value in target.arguments.items() if key in forward.params or key in forward.defaults}
    for key, default in target.module.defaults.items():
        if key not in extra and key in forward.params and isinstance(default, (bool, int, float)):
            extra[key] = Const(default)
    return apply_call(
        machine, forward, target.name, arguments, node, scope, target.made if forward.loss else None, extra | _given_dims(forward.needs)
    )


def _given_dims(needs: tuple[str, ...]) -> dict[str, Value]:
    """A missing dim was told of when the module was built; its call does not tell again."""
    return {} if not needs else {each: Const(0) for each in needs}


def run_items(machine: Machine, items: Value, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """x through each module of a Sequential in turn."""
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    if not isinstance(items, Sequence):
        return Unknown()
    current = arguments.first() or Unknown()
    for item in items.items:
        machine.spend()
        if isinstance(item, (Unknown, Missing)):
            current = current if isinstance(item, Missing) else Unknown()
            continue
        current = call(machine, item, Arguments([current]), node, scope)
        origin = _where_built(machine, item)
        if origin is not None:
            current = _told_from(current, origin, node)
    return current if not items.open or items.items else Unknown()


def _where_built(machine: Machine, item: Value) -> Step | None:
    return item.made if isinstance(item, ApiObject) and item.module is not None and item.module.container is None else None


def _told_from(value: Value, made: Step, node: cst.CSTNode) -> Value:
    """A kind that a module of a Sequential gave is told from where that module stands, not from the call of the whole."""
    if not isinstance(value, Tensor) or value.facts.trace is None:
        return value
    step = value.facts.trace.step
    place = step.place
    if getattr(place, "node", None) is not node or (value.facts.trace.before is not None and len(value.facts.trace) > 2):
        return value
    value.facts.trace = Trace(replace(step, place=made.place, maker=None), value.facts.trace.before)
    return value


def _run_model(machine: Machine, target: ApiObject, model: Model, node: cst.CSTNode, scope: Scope) -> Value:
    """The output of a ready-made network: that of the head put in its place, else what the contract says."""
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    for name in dict.fromkeys((*model.layers, *model.then)):
        part = target.attributes.get(name)
        if isinstance(part, ApiObject) and name not in model.heads:
            _run_part(machine, part, model.then.get(name), node, scope)
    for head in model.heads:
        replaced = target.attributes.get(head)
        if replaced is None:
            continue
        if isinstance(replaced, ApiObject) and replaced.module is None and replaced.model is None:
            replaced = _last_inside(replaced)
            if replaced is None:
                continue
        return _in_place_of(model, target, call(machine, replaced, Arguments([Tensor(Facts(), grad=True)]), node, scope))
    place = machine.place(node, scope)
    if model.fields:
        return _object(target, {name: _output(target, kind, place) for name, kind in model.fields.items()})
    if model.keys:
        return Mapping({key: _output(target, kind, place) for key, kind in model.keys.items()}, open_=True)
    kind = _kind_of(model, target)
    return _output(target, kind, place) if kind is not None else Unknown()


def _last_inside(part: ApiObject) -> Value | None:
    """What the program has put into a part of a ready-made network: the last of its modules decides what it gives."""
    items = part.attributes.get(ITEMS)
    if isinstance(items, Sequence):
        return items.items[-1] if items.items else None
    return next((value for name, value in reversed(part.attributes.items()) if not name.startswith("#") and isinstance(value, Value)), None)


def _in_place_of(model: Model, target: ApiObject, result: Value) -> Value:
    """The network's output where its head was replaced: in the form that it has otherwise."""
    if model.fields:
        return _object(target, {next(iter(model.fields)): result})
    return Mapping({next(iter(model.keys)): result}, open_=True) if model.keys else result


def _object(target: ApiObject, fields: dict[str, Value]) -> ApiObject:
    output = ApiObject(f"{target.name} output", None, {}, target.made)
    output.attributes.update(fields)
    return output


def _output(target: ApiObject, kind: Kind, place: NodePlace) -> Tensor:
    maker = target.made.place if target.made is not None else None
    step = Step(f"`{short(target.name)}` gives {KIND_WORDS[kind]}", place, maker)
    return Tensor(Facts(kind, None, target.name, True, Trace(step)), grad=True)


def _kind_of(model: Model, target: ApiObject) -> Kind | None:
    """What the network gives, as its constructor was asked to build it: the first argument that decides names the kind, the others must agree."""
    kinds: list[Kind] = []
    for parameter, by_value in model.gives_by.items():
        given = target.arguments.get(parameter, NONE)
        kind = by_value.get("none" if given.value is None else str(given.value)) if isinstance(given, Const) else None
        if kind is None:
            return None
        kinds.append(kind)
    return kinds[0] if kinds else model.gives


def _run_part(machine: Machine, part: ApiObject, follower: str | None, node: cst.CSTNode, scope: Scope) -> None:
    """A part of a ready-made network that the program has touched, and what is applied to its output: its hooks may see something."""
    apart = id(part.made) in machine.taken_apart
    output = call_object(machine, part, Arguments([Tensor(Facts(), grad=True)]), node, scope)
    if not apart:
        machine.taken_apart.discard(id(part.made))
    contract = machine.table.call(follower) if follower is not None else None
    if contract is not None and follower is not None and isinstance(output, Tensor):
        apply_call(machine, contract, follower, Arguments([output]), node, scope)


def pass_through(wrapper: Wrapper, arguments: Arguments) -> Value:
    """What a wrapping function hands back: one argument, or several or all of them as a tuple."""
    if isinstance(wrapper.passes, tuple):
        bound = bind(wrapper.params, arguments)
        return Sequence([bound.get(name) or Unknown() for name in wrapper.passes])
    if wrapper.passes != "all":
        found = bind(wrapper.params, arguments).get(wrapper.passes)
        return found if found is not None else Unknown()
    values = list(arguments.positional)
    if len(values) == 1:
        return values[0]
    return Sequence(values, open_=arguments.open) if values else Unknown()


before = hooks.before
after = hooks.after
