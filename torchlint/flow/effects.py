"""What do calls do that act on the program rather than on a tensor?

One handler for each word of contracts.schema.Effect: registering a hook, adding a child module, listing the modules inside.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import libcst as cst

from torchlint.flow import configs, data_files, hooks, modes, settings
from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import ITEMS, children_of
from torchlint.flow.values import NONE, OBJECTS, ApiObject, Const, Instance, Sequence, Stream, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

Handler = Callable[["Machine", Arguments, cst.CSTNode, "Scope"], Value]
MOST_DESCENDANTS = 200


def _add_child(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    owner, name, child = arguments.first(), arguments.get(1, "name"), arguments.get(2, "module")
    if not isinstance(owner, (Instance, ApiObject)) or child is None:
        return NONE
    if isinstance(name, Const) and isinstance(name.value, str):
        machine.store.write(owner.attributes, name.value, child)
    items = owner.attributes.get(ITEMS)
    if isinstance(items, Sequence):
        machine.store.write(items.state, "items", (*items.items, child))
    return NONE


def _items(owner: Value | None) -> Sequence | None:
    items = owner.attributes.get(ITEMS) if isinstance(owner, (Instance, ApiObject)) else None
    return items if isinstance(items, Sequence) else None


def _append(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    items, child = _items(arguments.first()), arguments.get(1, "module")
    if items is not None and child is not None:
        machine.store.write(items.state, "items", (*items.items, child))
    return arguments.first() or NONE


def _extend(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    items, more = _items(arguments.first()), arguments.get(1, "modules")
    if items is not None:
        if isinstance(more, Sequence):
            machine.store.write(items.state, "items", items.items + more.items)
        else:
            machine.store.write(items.state, "items", (*items.items, Unknown()))
            machine.store.write(items.state, "open", True)
    return arguments.first() or NONE


def _insert(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    items, index, child = _items(arguments.first()), arguments.get(1, "index"), arguments.get(2, "module")
    if items is not None and child is not None and isinstance(index, Const) and isinstance(index.value, int):
        listed = list(items.items)
        listed.insert(index.value, child)
        machine.store.write(items.state, "items", tuple(listed))
    return arguments.first() or NONE


def _children(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    return Sequence([child for _, child in _known_children(arguments.first())] or [], open_=not _known_children(arguments.first()))


def _named_children(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    children = _known_children(arguments.first())
    return Sequence([Sequence([Const(name), child]) for name, child in children], open_=not children)


def _known_children(owner: Value | None) -> list[tuple[str, Value]]:
    return children_of(owner) if owner is not None else []


def descendants(owner: Value) -> list[tuple[str, Value]]:
    """The module itself and all inside it, each once, with dotted names, in the order of torch's named_modules."""
    found: list[tuple[str, Value]] = []
    seen: set[int] = set()

    def visit(name: str, each: Value) -> None:
        if id(each) in seen or len(found) >= MOST_DESCENDANTS:
            return
        seen.add(id(each))
        found.append((name, each))
        for child_name, child in _known_children(each):
            visit(f"{name}.{child_name}" if name else child_name, child)

    visit("", owner)
    return found


def _modules(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    owner = arguments.first()
    known = descendants(owner) if isinstance(owner, (Instance, ApiObject)) else []
    return Sequence([child for _, child in known]) if known else Stream(Unknown())


def _named_modules(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    owner = arguments.first()
    known = descendants(owner) if isinstance(owner, (Instance, ApiObject)) else []
    return Sequence([Sequence([Const(name), child]) for name, child in known]) if known else Stream(Unknown())


def _hook(kind: str) -> Handler:
    def handler(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
        target, function = arguments.first(), arguments.get(1, "hook")
        if target is not None and function is not None:
            return hooks.register(machine, target, kind, function, node, scope)
        return Unknown()

    return handler


def _call_first(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    function = arguments.first() or arguments.keywords.get("function")
    if function is None:
        return Unknown()
    return call(machine, function, Arguments(arguments.positional[1:], {}, arguments.open, arguments.rest, []), node, scope)


def _call_with(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    return _apply(machine, arguments.get(0, "module"), arguments.get(1, "inputs"), node, scope)


def _functional_call(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """torch.func.functional_call(module, weights, args): what a module gives means the same with any weights."""
    return _apply(machine, arguments.get(0, "module"), arguments.get(2, "args"), node, scope)


def _apply(machine: Machine, function: Value | None, inputs: Value | None, node: cst.CSTNode, scope: Scope) -> Value:
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    if function is None or inputs is None:
        return Unknown()
    given = list(inputs.items) if isinstance(inputs, Sequence) else [inputs]
    return call(machine, function, Arguments(given), node, scope)


def _no_grad(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    return first if first is not None else ApiObject("torch.no_grad", None, {})


def _save(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    given, name = arguments.first(), _name_of(arguments.get(1, "f"))
    if name is not None:
        machine.store.write(machine.kept, name, given if isinstance(given, OBJECTS) else None)
    return NONE


def _load(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    kept: Value | None = machine.kept.get(_name_of(arguments.first()))
    return kept if kept is not None else Unknown()


def _name_of(path: Value | None) -> Hashable:
    """What a file is called: its path, or the unknown that says it."""
    return path.value if isinstance(path, Const) else path.symbol if isinstance(path, Unknown) else None


EFFECTS: dict[str, Handler] = {
    "add_child": _add_child,
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "children": _children,
    "named_children": _named_children,
    "modules": _modules,
    "named_modules": _named_modules,
    "forward_hook": _hook("forward_hook"),
    "forward_pre_hook": _hook("forward_pre_hook"),
    "backward_hook": _hook("backward_hook"),
    "full_backward_hook": _hook("full_backward_hook"),
    "call_first": _call_first,
    "call_with": _call_with,
    "functional_call": _functional_call,
    "no_grad": _no_grad,
    "evaluate": modes.evaluate,
    "train": modes.train,
    "save": _save,
    "load": _load,
    "namespace": settings.namespace,
    "hydra_main": configs.hydra_main,
    "instantiate": configs.instantiate,
    "load_yaml": configs.load_yaml,
    "read_data": data_files.read_data,
    "parser": settings.parser,
    "add_option": settings.add_option,
    "set_options": settings.set_options,
    "commands": settings.commands,
    "add_command": settings.add_command,
    "parsed": settings.parsed,
    "parsed_known": settings.parsed_known,
    "same_parser": settings.same_parser,
}
