"""What is `value.name`?

Attributes of instances (set anywhere in the class), methods along the order of classes, members of project modules, names of libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlint.flow.arguments import Arguments
from torchlint.flow.functions import call_function
from torchlint.flow.values import (
    TRUE,
    Alternatives,
    Api,
    ApiObject,
    Attributes,
    Bound,
    Builtin,
    Class,
    Const,
    Function,
    Instance,
    Mapping,
    ModuleValue,
    Partial,
    Sequence,
    Settings,
    Stream,
    Super,
    Tensor,
    Unknown,
    Value,
    options_of,
)

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine

CONTENTS = frozenset({"items", "values", "keys", "pop", "update", "get"})
"""Methods that containers of modules share with lists and dicts."""
ITEMS = "#items"
"""The attribute that holds the modules inside a container."""
VIEWS_OF_TENSOR = frozenset({"T", "mT", "H", "mH", "data"})
"""Attributes of a tensor that are the tensor itself, seen otherwise. The data of a variable shares its memory."""


def get_attribute(machine: Machine, value: Value, name: str) -> Value:
    """The value of an attribute; unknown where it cannot be told."""
    if type(value) is Alternatives:
        return machine.lift(value, lambda each: get_attribute(machine, each, name))
    if isinstance(value, Instance):
        return instance_attribute(machine, value, name)
    if isinstance(value, Unknown):
        known = value.attributes.get(name) if type(value) is Settings else None
        return known if known is not None else Unknown((".", value.symbol, name))
    if isinstance(value, Tensor):
        return tensor_attribute(value, name)
    if isinstance(value, Api):
        return library_name(machine, machine.table.member(f"{value.name}.{name}"))
    if isinstance(value, ModuleValue):
        if name == "__dict__":
            return value  # read like a dict in flow.subscripts
        return machine.project.member(machine, value.scope, name)
    if isinstance(value, ApiObject):
        return object_attribute(machine, value, name)
    if isinstance(value, (Class, Function)) and name in ("__name__", "__qualname__"):
        return Const(value.name)
    if isinstance(value, Class):
        found = class_attribute(value, name)
        if isinstance(found, Function) and found.role == "class":
            return Bound(found, value)
        return found if found is not None else Unknown((".", value, name))
    if isinstance(value, Super):
        return _super_attribute(machine, value, name)
    if isinstance(value, Sequence) and name in value.fields:
        return value.items[value.fields.index(name)] if value.fields.index(name) < len(value.items) else Unknown()
    if isinstance(value, (Sequence, Mapping, Stream, Const)):
        return Builtin(name, value)
    if isinstance(value, Function) and name == "__wrapped__":
        return value
    if isinstance(value, Partial) and name == "func":
        return value.function
    return Unknown()


def library_name(machine: Machine, name: str) -> Value:
    """What a name of a library stands for: a constant whose value is known, or just the name."""
    value = machine.table.constant(name)
    return Const(value) if value is not None else Api(name)


def class_attribute(cls: Class, name: str, after: Class | None = None) -> Value | None:
    """A name in the class or its bases, in their order. after: only in those that follow this one. Api: reached a library's class."""
    skipping = after is not None
    for each in cls.mro:
        if skipping:
            skipping = each is not after
            continue
        if isinstance(each, Class):
            found = each.attributes.get(name)
            if found is not None:
                return found
    return None


def library_bases(cls: Class) -> list[Api]:
    """The library classes among the bases, nearest first."""
    return [each for each in cls.mro if isinstance(each, Api)]


def is_module(cls: Class) -> bool:
    """Whether the class has a forward of its own or of a base: a network or a loss."""
    return class_attribute(cls, "forward") is not None or any(base.name.startswith("torch.nn.") for base in library_bases(cls))


def instance_attribute(machine: Machine, instance: Instance, name: str) -> Value:
    """An attribute or bound method of an object of the project."""
    if class_attribute(instance.cls, "__getattribute__") is not None:
        return Unknown((".", instance, name))  # the program reads its attributes in its own way
    own = instance.attributes.get(name)
    if own is not None:
        return machine.paths.narrow(own) if type(own) is Alternatives else own
    found = class_attribute(instance.cls, name)
    if found is not None:
        return bind_method(machine, found, instance)
    if name in CONTENTS and ITEMS in instance.attributes:
        return Builtin(name, instance.attributes[ITEMS])
    if name == "module":
        return instance  # what DataParallel wraps: wrapping leaves no trace in the flow
    if name == "training":
        return TRUE  # losses are computed while training
    if name == "__class__":
        return instance.cls
    if name == "_modules":
        return Mapping(dict(children_of(instance)))
    if name == "__dict__":
        return Attributes(instance.attributes)
    getter = class_attribute(instance.cls, "__getattr__")
    if isinstance(getter, Function):
        return call_function(machine, getter, Arguments([instance, Const(name)]), instance)
    for base in library_bases(instance.cls):
        if machine.table.call(f"{base.name}.{name}") or machine.table.call(f"torch.nn.Module.{name}"):
            return Bound(Api(f"{base.name}.{name}"), instance)
    return Unknown((".", instance, name))


def bind_method(machine: Machine, found: Value, receiver: Value) -> Value:
    """What reading a class attribute through an object gives."""
    if isinstance(found, Function):
        if found.role == "static":
            return found
        if found.role == "property":
            return call_function(machine, found, Arguments([receiver]), receiver)
        if found.role == "class":
            return Bound(found, receiver.cls if isinstance(receiver, Instance) else receiver)
        return Bound(found, receiver)
    return found


def tensor_attribute(tensor: Tensor, name: str) -> Value:
    """An attribute of a tensor: the tensor seen otherwise, or something that is no tensor of interest."""
    if name in VIEWS_OF_TENSOR:
        return tensor
    if name == "dtype":
        return Tensor(tensor.facts)  # stands for its dtype where a cast is asked for
    return Unknown((".", tensor, name))


def object_attribute(machine: Machine, value: ApiObject, name: str) -> Value:
    """An attribute of a library's object: what was set on it, a part of a known network, or a method."""
    own = value.attributes.get(name)
    if own is not None:
        return own  # type: ignore[no-any-return]
    if name == "remove" and "#target" in value.attributes:
        return Builtin(name, value)
    if name in ("forward", "__call__"):
        return Bound(Api(f"{value.name}.{name}"), value)
    if name in CONTENTS and ITEMS in value.attributes:
        return Builtin(name, value.attributes[ITEMS])
    if name == "_modules":
        return _named_modules(machine, value)
    if value.model is not None and (name in value.model.layers or name in value.model.heads or name in value.model.then):
        part = ApiObject(f"{value.name}.{name}", None, {}, value.made)
        machine.project.fill_part(machine, value, name, part)
        value.attributes[name] = part  # not a change of the program: the part was there all along
        return part
    if name == "training":
        return TRUE
    if value.module is None and value.model is None and value.attributes and name in CONTENTS:
        return Builtin(name, Mapping({key: each for key, each in value.attributes.items() if not key.startswith("#")}, open_=True))
    if any(find(f"{value.name}.{name}") for find in (machine.table.call, machine.table.wrapper, machine.table.handover)):
        return Bound(Api(f"{value.name}.{name}"), value)
    wrapped = value.arguments.get(value.module.wraps) if value.module is not None and value.module.wraps else None
    if wrapped is not None and name == "module":
        return wrapped
    if machine.table.call(f"torch.nn.Module.{name}"):
        return Bound(Api(f"torch.nn.Module.{name}"), value)
    if name == "module" and (value.module is not None or value.model is not None):
        return value
    argument = value.arguments.get(name)
    if argument is not None:
        return argument
    return Unknown((".", value, name))


def _named_modules(machine: Machine, value: ApiObject) -> Mapping:
    """The modules inside of a library's object by number and by name, with the parts of a ready-made network that nobody has asked for yet."""
    for part in (*value.model.layers, *value.model.heads, *value.model.then) if value.model is not None else ():
        object_attribute(machine, value, part)
    named = {name: each for name, each in value.attributes.items() if not name.startswith("#") and _is_module_value(each)}
    return Mapping({**dict(children_of(value)), **named})


def children_of(value: Value) -> list[tuple[str, Value]]:
    """The modules directly inside, with their names."""
    if not isinstance(value, (Instance, ApiObject)):
        return []
    items = value.attributes.get(ITEMS)
    if isinstance(items, Sequence):
        return [(str(index), item) for index, item in enumerate(items.items)]
    if isinstance(items, Mapping):
        return [(str(key), item) for key, item in items.entries.items()]
    return [(name, child) for name, child in value.attributes.items() if not name.startswith("#") and _is_module_value(child)]


def _is_module_value(value: object) -> bool:
    return isinstance(value, Value) and any(isinstance(option.value, (Instance, ApiObject)) for option in options_of(value))


def _super_attribute(machine: Machine, value: Super, name: str) -> Value:
    instance = value.instance
    cls = instance.cls if isinstance(instance, Instance) else instance if isinstance(instance, Class) else None
    if cls is None:
        return Unknown()
    found = class_attribute(cls, name, after=value.cls)
    if found is not None:
        return bind_method(machine, found, instance)
    reached = False
    for each in cls.mro:
        reached = reached or each is value.cls
        if reached and isinstance(each, Api):
            return Bound(Api(f"{each.name}.{name}"), instance)
    return Bound(Api(f"object.{name}"), instance)
