"""What is built by calling a class of the project?

For example:

    net = Net(10, act="softmax")   ->  an Instance whose attributes are what Net.__init__ leaves behind
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from torchlint.flow import handovers, modes, networks
from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import class_attribute, is_module, library_bases
from torchlint.flow.values import ApiObject, Class, Function, Instance, Sequence, Tensor, Unknown, Value
from torchlint.model import Step

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

TUPLES = frozenset({"typing.NamedTuple", "collections.namedtuple"})
ENUMS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag"})


def construct(machine: Machine, cls: Class, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """cls(...)"""
    from torchlint.flow import calls  # calls.call builds classes: the two call each other

    machine.reached[id(cls.node)] = None
    names = {base.name for base in library_bases(cls)}
    if names & TUPLES:
        return _named_tuple(cls, arguments)
    if names & ENUMS:
        return Unknown((".", cls, "member"))
    new = class_attribute(cls, "__new__")
    if new is not None:
        made = calls.call_project(machine, new, arguments.with_first(cls), cls, node, scope) if isinstance(new, Function) else None
        return made if isinstance(made, (ApiObject, Tensor)) else Unknown()  # what it gives, where that is plainly no object of the class
    instance = Instance(cls, Step(f"`{cls.name}` is built", machine.place(node, scope)))
    modes.begin(instance)
    init = class_attribute(cls, "__init__")
    if isinstance(init, Function):
        calls.call_project(machine, init, arguments.with_first(instance), instance, node, scope)
    elif cls.dataclass or (cls.fields and not names):
        _set_fields(machine, instance, arguments)
    else:
        for base in library_bases(cls):
            networks.init_library_part(machine, instance, base.name, arguments, node, scope)
            break
    handovers.run_own_methods(machine, instance, node, scope)
    if is_module(cls):
        machine.pending.append(instance)
    else:
        machine.objects[id(cls.node)] = instance
    return instance


def all_fields(cls: Class) -> list[tuple[str, Value | None]]:
    """The annotated fields of a dataclass, those of its bases first."""
    fields: dict[str, Value | None] = {}
    for each in reversed(cls.mro):
        if isinstance(each, Class):
            fields.update(each.fields)
    return list(fields.items())


def _set_fields(machine: Machine, instance: Instance, arguments: Arguments) -> None:
    fields = all_fields(instance.cls)
    for index, (name, default) in enumerate(fields):
        given = arguments.get(index, name)
        value = given if given is not None else (default if default is not None and not arguments.open else Unknown())
        machine.store.write(instance.attributes, name, value)


def _named_tuple(cls: Class, arguments: Arguments) -> Value:
    fields = all_fields(cls)
    items = [
        given if (given := arguments.get(index, name)) is not None else (default if default is not None else Unknown())
        for index, (name, default) in enumerate(fields)
    ]
    return Sequence(items, fields=tuple(name for name, _ in fields))
