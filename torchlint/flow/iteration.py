"""What does iterating over a value give?

For example:

    for layer in self.layers          the modules of a ModuleList, one by one
    for x, y in loader                unknowns
    for row in probabilities          a tensor of the same kind each time
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import class_attribute
from torchlint.flow.functions import call_function
from torchlint.flow.values import ApiObject, Const, Function, Instance, Mapping, Sequence, Stream, Tensor, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine

MOST_UNROLLED = 64


def as_sequence(machine: Machine, value: Value) -> Sequence | None:
    """The entries, where they are known one by one."""
    if isinstance(value, Sequence):
        return value
    if isinstance(value, Mapping):
        return Sequence([*(Const(key) for key in value.entries), *([Unknown()] if value.rest is not None else [])], open_=value.open)
    if isinstance(value, (ApiObject, Instance)):
        items = value.attributes.get("#items")
        if isinstance(items, Sequence):
            return items
        if isinstance(items, Mapping):
            return Sequence([Const(key) for key in items.entries], open_=items.open)
    if isinstance(value, Const) and isinstance(value.value, str) and len(value.value) <= MOST_UNROLLED:
        return Sequence([Const(letter) for letter in value.value])
    return None


def _next_of(machine: Machine, iterator: Instance) -> Value:
    following = class_attribute(iterator.cls, "__next__")
    return call_function(machine, following, Arguments([iterator]), iterator) if isinstance(following, Function) else Unknown()


def element_of(machine: Machine, value: Value) -> Value:
    """One entry, standing for all."""
    if isinstance(value, Stream):
        return value.element
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Instance):
        iterate = class_attribute(value.cls, "__iter__")
        if isinstance(iterate, Function):
            iterator = call_function(machine, iterate, Arguments([value]), value)
            return _next_of(machine, iterator) if isinstance(iterator, Instance) else element_of(machine, iterator)
        item = class_attribute(value.cls, "__getitem__")
        if isinstance(item, Function):
            return call_function(machine, item, Arguments([value, Unknown()]), value)
    known = as_sequence(machine, value)
    if known is not None and known.items:
        return known.items[0]
    return Unknown()
