"""Where does an assignment put a value?

For example:

    x = v; a, (b, *c) = v; self.head = v; outputs["exist"] = v; probs[mask] = 0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow import hooks, memory
from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import ITEMS, class_attribute, library_bases
from torchlint.flow.containers import set_items
from torchlint.flow.decisions import join
from torchlint.flow.functions import call_function
from torchlint.flow.iteration import element_of
from torchlint.flow.subscripts import bounds_of, evaluate_index
from torchlint.flow.values import (
    Alternatives,
    ApiObject,
    Attributes,
    Class,
    Const,
    Function,
    Instance,
    Mapping,
    ModuleValue,
    Option,
    Sequence,
    Tensor,
    Unknown,
    Value,
    plain_tensor,
)
from torchlint.model import Kind

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

MOST_UNPACKED = 64


def assign(machine: Machine, target: Any, value: Value, scope: Scope) -> None:
    """target = value"""
    kind = type(target)
    if kind is cst.Name:
        home = scope.home(target.value)
        if home is scope:
            machine.store.write_local(home.variables, target.value, value)
        else:
            hooks.stored(machine, value, target, scope, f"variable `{target.value}`")
            machine.store.write(home.variables, target.value, value)
    elif kind is cst.Attribute:
        owner = machine.evaluate(target.value, scope)
        machine.lift(owner, lambda each: _set_attribute(machine, each, target.attr.value, value, target, scope))
    elif kind is cst.Subscript:
        _set_item(machine, target, value, scope)
    elif kind in (cst.Tuple, cst.List):
        _unpack(machine, target.elements, value, scope)
    elif kind is cst.StarredElement:
        assign(machine, target.value, value, scope)


def _set_attribute(machine: Machine, owner: Value, name: str, value: Value, node: cst.CSTNode, scope: Scope) -> Value:
    hooks.stored(machine, value, node, scope, f"attribute `{name}`")
    if isinstance(owner, (Instance, ApiObject)):
        setter = class_attribute(owner.cls, f"{name}.setter") if isinstance(owner, Instance) else None
        if isinstance(setter, Function):
            return call_function(machine, setter, Arguments([owner, value]), owner)
        set_child(machine, owner, name, value)
    elif isinstance(owner, Class):
        machine.store.write(owner.attributes, name, value)
    elif isinstance(owner, Tensor) and name == "data":
        memory.touched(machine, owner, node, scope)
    elif isinstance(owner, ModuleValue):
        machine.store.write(owner.scope.variables, name, value)
    return owner


def _set_item(machine: Machine, target: cst.Subscript, value: Value, scope: Scope) -> None:
    index = evaluate_index(machine, target.slice, scope)
    if type(target.value) is cst.Attribute and target.value.attr.value == "_modules" and isinstance(index, Const):
        owner = machine.evaluate(target.value.value, scope)
        if not (isinstance(owner, Instance) and "_modules" in owner.attributes):  # a dict of its own that is called so
            machine.lift(owner, lambda each: set_child(machine, each, str(index.value), value))
            return
    owner = machine.evaluate(target.value, scope)
    machine.lift(owner, lambda each: _put(machine, each, index, value, target, scope))


def _put(machine: Machine, owner: Value, index: Value, value: Value, target: cst.Subscript, scope: Scope) -> Value:
    if isinstance(owner, Mapping):
        hooks.stored(machine, value, target, scope, "dict that the layer's output is put into")
        if isinstance(index, Const):
            machine.store.write(owner.entries, index.value, value)
        elif not isinstance(owner, Attributes):
            for key, old in list(owner.entries.items()):
                machine.store.write(owner.entries, key, join([Option(old, (), False), Option(value, (), False)]))
            rest = owner.rest
            machine.store.write(owner.state, "rest", value if rest is None else join([Option(rest, (), False), Option(value, (), False)]))
            machine.store.write(owner.state, "open", True)
    elif isinstance(owner, Sequence):
        _put_in_list(machine, owner, index, value)
    elif isinstance(owner, Tensor):
        _overwritten(machine, owner, value, target, scope)
    elif isinstance(owner, (ApiObject, Instance)):
        _put_in_object(machine, owner, index, value)
    return owner


def _put_in_list(machine: Machine, owner: Sequence, index: Value, value: Value) -> None:
    items = list(owner.items)
    if isinstance(index, Const) and isinstance(index.value, int) and -len(items) <= index.value < len(items):
        items[index.value] = value
        machine.store.write(owner.state, "items", tuple(items))
    elif (bounds := bounds_of(index)) is not None and isinstance(value, Sequence) and not value.open and bounds.step is None:
        items[bounds] = value.items
        set_items(machine, owner, tuple(items))
    elif bounds is not None:
        machine.store.write(owner.state, "items", tuple(Unknown() for _ in items))
        machine.store.write(owner.state, "open", True)
    else:
        machine.store.write(owner.state, "items", tuple(_perhaps(item, value) for item in items) or (value,))
        machine.store.write(owner.state, "open", True)


def _perhaps(old: Value, new: Value) -> Value:
    """What an entry is that may have been set. None only holds its place, as in [None] * n."""
    placeholder = isinstance(old, Const) and old.value is None
    return new if placeholder else join([Option(old, (), False), Option(new, (), False)])


def _put_in_object(machine: Machine, owner: ApiObject | Instance, index: Value, value: Value) -> None:
    items = owner.attributes.get(ITEMS)
    if isinstance(items, Mapping) and isinstance(index, Const):
        machine.store.write(items.entries, index.value, value)
    elif isinstance(items, Sequence):
        _put_in_list(machine, items, index, value)
    elif isinstance(owner, ApiObject) and owner.module is None:
        machine.store.write(owner.attributes, ITEMS, Sequence([value], True, True))  # a part of a ready-made network


def set_child(machine: Machine, owner: Value, name: str, value: Value) -> Value:
    """Set an attribute. In a container a module becomes a child: names that are numbers are positions, other new names come last."""
    if not isinstance(owner, (Instance, ApiObject)):
        return owner
    if isinstance(owner, Instance) and class_attribute(owner.cls, "__setattr__") is not None:
        value = Unknown()  # the program sets its attributes in its own way
    old = owner.attributes.get(name)
    machine.store.write(owner.attributes, name, value)
    items = owner.attributes.get(ITEMS)
    if isinstance(items, Sequence) and name.isdigit():
        _put_in_list(machine, items, Const(int(name)), value)
    elif isinstance(items, Sequence) and old is not None and any(item is old for item in items.items):
        set_items(machine, items, tuple(value if item is old else item for item in items.items))
    elif isinstance(items, Sequence) and _is_module(value):
        set_items(machine, items, (*items.items, value))
    elif isinstance(items, Mapping) and (name in items.entries or _is_module(value)):
        machine.store.write(items.entries, name, value)
    return owner


def _is_module(value: Value) -> bool:
    """A layer or network, which torch registers as a child of the module it is set on."""
    if isinstance(value, ApiObject):
        return value.module is not None or value.model is not None
    return isinstance(value, Instance) and any(base.name.startswith("torch.nn.") for base in library_bases(value.cls))


def _overwritten(machine: Machine, tensor: Tensor, value: Value, target: cst.Subscript, scope: Scope) -> None:
    """`x[mask] = 0` changes what the numbers of x mean: the variable holds an unknown tensor from here on, or what fills an empty one."""
    memory.touched(machine, tensor, target, scope)
    if type(target.value) in (cst.Name, cst.Attribute):
        written = machine.paths.narrow(value) if type(value) is Alternatives else value
        assign(machine, target.value, machine.project_value(written, lambda each: _changed(machine, tensor, each, target, scope)), scope)


def _changed(machine: Machine, tensor: Tensor, value: Value, target: cst.Subscript, scope: Scope) -> Tensor:
    """The tensor after a value was written into a part of it."""
    changed = _filled(machine, tensor, value, target, scope) or plain_tensor(dtype=tensor.facts.dtype)
    changed.facts.dtype, changed.facts.dtype_trace = tensor.facts.dtype, tensor.facts.dtype_trace
    changed.storage, changed.version, changed.grad = tensor.storage, memory.version_of(memory.storage_of(tensor)), tensor.grad
    return changed


def _filled(machine: Machine, tensor: Tensor, value: Value, target: cst.Subscript, scope: Scope) -> Tensor | None:
    """outputs[t] = step: zeros that are filled part by part mean what the parts mean."""
    facts = value.facts if isinstance(value, Tensor) else None
    if facts is None or facts.kind is Kind.UNKNOWN:
        return None
    maker = machine.table.call(tensor.facts.source)
    if facts.kind is not tensor.facts.kind and (maker is None or not maker.blank):
        return None
    filled = machine.on_the_way(Tensor(facts, grad=tensor.grad), "written into a part of it", machine.place(target, scope))
    return filled if isinstance(filled, Tensor) else None


def _unpack(machine: Machine, targets: Any, value: Value, scope: Scope) -> None:
    """a, b = value"""
    parts = unpacked(machine, value, targets)
    for target, part in zip(targets, parts, strict=True):
        assign(machine, target if type(target) is cst.StarredElement else target.value, part, scope)


def unpacked(machine: Machine, value: Value, targets: Any) -> list[Value]:
    """One value for each target."""
    count = len(targets)
    star = next((position for position, target in enumerate(targets) if type(target) is cst.StarredElement), None)
    if type(value) is Alternatives:
        rows = [(unpacked(machine, option.value, targets), option) for option in value.options]
        return [join(Option(row[index], option.conditions, option.certain) for row, option in rows) for index in range(count)]
    if isinstance(value, Sequence):
        items = value.items
        if star is not None and len(items) >= count - 1:
            after = count - star - 1
            middle = Sequence(items[star : len(items) - after], True, value.open)
            return [*items[:star], middle, *items[len(items) - after :]]
        if star is None and (len(items) == count or (value.open and len(items) > 0)):
            return [items[index] if index < len(items) else Unknown() for index in range(count)]
        return [Unknown() for _ in range(count)]
    if isinstance(value, Tensor):
        return [element_of(machine, value) for _ in range(count)]
    if isinstance(value, Unknown):
        return [Unknown(("[]", value.symbol, ("const", index))) for index in range(count)]
    if isinstance(value, Mapping) and len(value.entries) == count:
        return [Const(key) for key in value.entries]
    return [element_of(machine, value) for _ in range(count)] if isinstance(value, Instance) else [Unknown() for _ in range(count)]
