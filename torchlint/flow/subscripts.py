"""What is `value[index]`?

For example:

    outputs[1]          the second entry of a tuple, or a tensor of the same kind as `outputs`
    nets["teacher"]     the entry of a dict or ModuleDict
    model.fc[:-1]       a Sequential without its last module
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow import memory
from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import class_attribute
from torchlint.flow.choices import choose, of_module
from torchlint.flow.decisions import MOST_OPTIONS, join
from torchlint.flow.functions import call_function
from torchlint.flow.iteration import element_of
from torchlint.flow.merging import Missing
from torchlint.flow.values import (
    NONE,
    OBJECTS,
    Alternatives,
    Api,
    ApiObject,
    Const,
    Function,
    Instance,
    Mapping,
    ModuleValue,
    Option,
    Sequence,
    Stream,
    Tensor,
    Unknown,
    Value,
    options_of,
)

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

SLICE = ("lower", "upper", "step")


def evaluate_index(machine: Machine, elements: Any, scope: Scope) -> Value:
    """The value between the brackets: an index, a slice of constants (as a Sequence with fields), or several of them."""
    parts: list[Value] = []
    for element in elements:
        part = element.slice
        if type(part) is cst.Index:
            parts.append(machine.evaluate(part.value, scope))
        else:
            bounds = [NONE if bound is None else machine.evaluate(bound, scope) for bound in (part.lower, part.upper, part.step)]
            parts.append(Sequence(bounds, fields=SLICE))
    return parts[0] if len(parts) == 1 else Sequence(parts)


def subscript(machine: Machine, owner: Value, index: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """owner[index]"""
    if isinstance(owner, Tensor):
        return part_of_tensor(owner, index)
    if isinstance(owner, Sequence):
        return _of_sequence(owner, index)
    if type(index) is Alternatives and isinstance(owner, (Mapping, ModuleValue)):
        return machine.project_value(index, lambda each: subscript(machine, owner, each, node, scope))
    if isinstance(owner, Mapping):
        return of_mapping(owner, index)
    if isinstance(owner, (ApiObject, Instance)):
        return _of_object(machine, owner, index)
    if isinstance(owner, Unknown):
        bounds = bounds_of(index)
        if bounds is not None and bounds.step != 0:
            return Unknown(("slice", owner.symbol, (bounds.start, bounds.stop, bounds.step)))
        key = _key(index)
        return Unknown(("[]", owner.symbol, key)) if key is not None else Unknown()
    if isinstance(owner, Stream):
        return owner.element
    if isinstance(owner, ModuleValue):
        return _of_names(machine, owner, index)
    if isinstance(owner, (Api, Function)):
        if isinstance(owner, Api) and owner.name.rpartition(".")[2][:1].islower():
            key = _key(index)
            return Unknown(("[]", owner.name, key)) if key is not None else Unknown()  # sys.argv[1], os.environ["NET"]
        return owner  # a generic alias: List[int], nn.Module[...]
    if isinstance(owner, Const) and isinstance(owner.value, (str, tuple)) and isinstance(index, Const) and isinstance(index.value, int):
        return Const(owner.value[index.value]) if -len(owner.value) <= index.value < len(owner.value) else Unknown()
    if isinstance(owner, Const) and isinstance(owner.value, str) and (part := bounds_of(index)) is not None and part.step != 0:
        return Const(owner.value[part])
    return Unknown()


def part_of_tensor(tensor: Tensor, index: Value) -> Tensor:
    """Some elements of a tensor mean what the whole means. Plain indices share its memory, masks copy."""
    facts = tensor.facts
    part = type(facts)(facts.kind, facts.dtype, facts.source, facts.exact, facts.trace, facts.dtype_trace)
    copied = isinstance(index, (Tensor, Unknown))
    result = Tensor(
        part, None if copied else memory.storage_of(tensor), tensor.version, tensor.grad, memory.staleness(tensor) if copied else tensor.stale
    )
    result.part = True
    return result


def bounds_of(index: Value) -> slice | None:
    """A slice of constants."""
    if isinstance(index, Sequence) and index.fields == SLICE:
        values = [item.value if isinstance(item, Const) else ... for item in index.items]
        if all(value is None or isinstance(value, int) for value in values):
            return slice(*values)
    return None


def _of_sequence(owner: Sequence, index: Value) -> Value:
    items = owner.items
    if isinstance(index, Const) and isinstance(index.value, int):
        position = index.value
        if owner.open and position >= len(items):
            return items[-1] if items else Unknown()
        if any(map(_may_be_missing, items[: position + 1] if position >= 0 else items[position:])):
            return join([Option(item, (), False) for item in items]) if len(items) <= MOST_OPTIONS else Unknown()  # others may have moved up
        return items[position] if -len(items) <= position < len(items) else Unknown()
    bounds = bounds_of(index)
    if bounds is not None:
        try:
            return Sequence(items[bounds], owner.mutable, owner.open)
        except ValueError:
            return Unknown()
    if isinstance(index, Sequence) and index.fields == SLICE:
        return Sequence(items, owner.mutable, True)
    return _any_of(items, owner.open)


def _may_be_missing(item: Value) -> bool:
    return isinstance(item, Missing) or (isinstance(item, Alternatives) and any(isinstance(option.value, Missing) for option in item.options))


def _any_of(items: tuple[Value, ...], open_: bool) -> Value:
    """An entry, it is not known which: a choice that the program makes. Copies of one object, as of a network in a list of clients, are no choice."""
    if items and all(item is items[0] for item in items) and all(isinstance(option.value, OBJECTS) for option in options_of(items[0])):
        return items[0]
    if not items or open_ or len(items) > MOST_OPTIONS:
        return Unknown()
    choice = object()
    return join([Option(item, (((choice, index), True),)) for index, item in enumerate(items)])


def of_mapping(owner: Mapping, index: Value) -> Value:
    """owner[index]; a name that is not known chooses among the entries."""
    if isinstance(index, Const):
        found = owner.entries.get(index.value)
        return found if found is not None else owner.rest or Unknown(("[]", owner, index.value))
    if isinstance(index, Unknown):
        rest = owner.rest or (Unknown() if owner.open else None)
        return choose(owner.entries, index.symbol, rest)
    return owner.rest if owner.rest is not None and not owner.entries else Unknown()


def _of_names(machine: Machine, owner: ModuleValue, index: Value) -> Value:
    """globals()[name], models.__dict__[name]"""
    if isinstance(index, Const) and isinstance(index.value, str):
        return machine.project.member(machine, owner.scope, index.value)
    return choose(of_module(machine, owner.scope), index.symbol) if isinstance(index, Unknown) else Unknown()


def _of_object(machine: Machine, owner: ApiObject | Instance, index: Value) -> Value:
    if isinstance(owner, Instance):
        item = class_attribute(owner.cls, "__getitem__")
        if isinstance(item, Function):
            return call_function(machine, item, Arguments([owner, index]), owner)
    if isinstance(owner, ApiObject) and owner.module is None and isinstance(index, Const) and isinstance(index.value, str):
        found = owner.attributes.get(index.value)  # an object whose attributes are entries too
        if found is not None:
            return found  # type: ignore[no-any-return]
    items = owner.attributes.get("#items")
    if isinstance(items, Mapping):
        return of_mapping(items, index)
    if isinstance(items, Sequence):
        part = _of_sequence(items, index)
        if isinstance(part, Sequence) and isinstance(owner, ApiObject) and (bounds_of(index) is not None or part.open):
            sliced = ApiObject(owner.name, owner.module, {}, owner.made)
            sliced.attributes["#items"] = part
            return sliced
        return part
    if isinstance(owner, Instance):
        return element_of(machine, owner)
    return Unknown()


def _key(index: Value) -> Hashable:
    if isinstance(index, Const):
        return ("const", index.value)
    if isinstance(index, Unknown):
        return ("symbol", index.symbol)
    return None
