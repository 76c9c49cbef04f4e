"""What do the methods of lists and dicts do?

For example:

    layers = []; layers.append(nn.Linear(8, 3)); layers.extend([nn.Softmax(1)]); nn.Sequential(*layers)
    outputs = {}; outputs.update(probs=p); outputs.get("probs")

Containers of modules share these: `ModuleDict.items()` asks the dict inside.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import libcst as cst

from torchlint.flow import hooks
from torchlint.flow.arguments import Arguments
from torchlint.flow.iteration import MOST_UNROLLED, as_sequence, element_of
from torchlint.flow.subscripts import of_mapping
from torchlint.flow.values import MOST_ITEMS, NONE, Attributes, Const, Mapping, Sequence, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

Handler = Callable[["Machine", Value | None, Arguments, cst.CSTNode, "Scope"], Value]


# --- lists and tuples ------------------------------------------------------------------------------------------------------


def set_items(machine: Machine, target: Sequence, items: tuple[Value, ...]) -> None:
    """Change a list; one that has grown too long keeps its beginning."""
    machine.store.write(target.state, "items", items[:MOST_ITEMS])
    if len(items) > MOST_ITEMS:
        machine.store.write(target.state, "open", True)


def _append(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    if isinstance(receiver, Sequence) and first is not None:
        hooks.stored(machine, first, node, scope, "list that the layer's output is appended to")
        if len(receiver.items) < MOST_UNROLLED:
            set_items(machine, receiver, (*receiver.items, first))
    return NONE


def _extend(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    if isinstance(receiver, Sequence) and arguments.positional:
        extend(machine, receiver, arguments.positional[0])
    return NONE


def extend(machine: Machine, receiver: Sequence, more: Value) -> None:
    """list += more"""
    known = as_sequence(machine, more)
    if known is not None:
        set_items(machine, receiver, receiver.items + known.items)
        if known.open:
            machine.store.write(receiver.state, "open", True)
    else:
        set_items(machine, receiver, (*receiver.items, element_of(machine, more)))
        machine.store.write(receiver.state, "open", True)


def _insert(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    index, item = arguments.first(), arguments.get(1, "object")
    if isinstance(receiver, Sequence) and isinstance(index, Const) and isinstance(index.value, int) and item is not None:
        listed = list(receiver.items)
        listed.insert(index.value, item)
        set_items(machine, receiver, tuple(listed))
    return NONE


def _pop(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    if not isinstance(receiver, Sequence) or not receiver.items:
        return Unknown()
    index = arguments.first()
    position = index.value if isinstance(index, Const) and isinstance(index.value, int) else -1 if index is None else None
    if position is None or not -len(receiver.items) <= position < len(receiver.items):
        return Unknown()
    listed = list(receiver.items)
    item = listed.pop(position)
    set_items(machine, receiver, tuple(listed))
    return item


def _clear(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    if isinstance(receiver, Sequence):
        set_items(machine, receiver, ())
    return NONE


def _reverse(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    if isinstance(receiver, Sequence):
        set_items(machine, receiver, tuple(reversed(receiver.items)))
    return NONE


def _shuffle(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """Entries are reordered or taken out: it is no longer known which stands where."""
    if isinstance(receiver, Sequence):
        forget_items(machine, receiver)
    return NONE


def forget_items(machine: Machine, target: Sequence) -> None:
    """Nothing is known of a list any more."""
    set_items(machine, target, tuple(Unknown() for _ in target.items))
    machine.store.write(target.state, "open", True)


def forget_entries(machine: Machine, target: Mapping) -> None:
    """Nothing is known of a dict's values any more."""
    for key in list(target.entries):
        machine.store.write(target.entries, key, Unknown())
    if target.rest is not None:
        machine.store.write(target.state, "rest", Unknown())
    machine.store.write(target.state, "open", True)


def _replaced(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """namedtuple._replace"""
    if not isinstance(receiver, Sequence):
        return Unknown()
    items = [arguments.keywords.get(name, item) for name, item in zip(receiver.fields, receiver.items, strict=False)]
    return Sequence(items, fields=receiver.fields)


def _copied(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    return Sequence(receiver.items, True, receiver.open) if isinstance(receiver, Sequence) else Unknown()


SEQUENCE_METHODS: dict[str, Handler] = {
    "append": _append, "extend": _extend, "insert": _insert, "pop": _pop, "clear": _clear, "_replace": _replaced, "reverse": _reverse,
    "sort": _shuffle, "remove": _shuffle,
    "copy": _copied,
}  # fmt: skip


# --- dicts -----------------------------------------------------------------------------------------------------------------


def make_dict(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Mapping:
    """dict(...), and what update() is given"""
    entries: dict[Hashable, Value] = {}
    open_ = arguments.open
    first = arguments.first()
    rest: Value | None = None
    if isinstance(first, Mapping):
        entries.update(first.entries)
        open_, rest = open_ or first.open, first.rest
    elif isinstance(first, Sequence):
        for pair in first.items:
            if isinstance(pair, Sequence) and len(pair.items) == 2 and isinstance(pair.items[0], Const):
                entries[pair.items[0].value] = pair.items[1]
            else:
                open_ = True
                rest = pair.items[1] if isinstance(pair, Sequence) and len(pair.items) == 2 else rest
    elif first is not None:
        open_ = True
    entries.update(arguments.keywords)
    return Mapping(entries, open_, rest)


def _get(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    key = arguments.first()
    if not isinstance(receiver, Mapping):
        return Unknown()
    if isinstance(key, Const):
        found = receiver.entries.get(key.value)
        if found is not None:
            return found  # type: ignore[no-any-return]
        if not receiver.open:
            return arguments.get(1, "default") or NONE
    return of_mapping(receiver, key) if key is not None else Unknown()


def _values(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    if not isinstance(receiver, Mapping):
        return Unknown()
    rest = [receiver.rest] if receiver.rest is not None else []
    return Sequence([*receiver.entries.values(), *rest], open_=receiver.open)


def _keys(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    return Sequence([Const(key) for key in receiver.entries], open_=receiver.open) if isinstance(receiver, Mapping) else Unknown()


def _items_of(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    if not isinstance(receiver, Mapping):
        return Unknown()
    rest = [Sequence([Unknown(), receiver.rest])] if receiver.rest is not None else []
    return Sequence([*(Sequence([Const(key), value]) for key, value in receiver.entries.items()), *rest], open_=receiver.open)


def _update(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    if isinstance(receiver, Mapping):
        added = make_dict(machine, None, arguments, node, scope)
        for key, value in added.entries.items():
            machine.store.write(receiver.entries, key, value)
        if added.open and not isinstance(receiver, Attributes):  # of settings that may be there, too, the defaults are a good guess
            forget_entries(machine, receiver)
            if added.rest is not None:
                machine.store.write(receiver.state, "rest", added.rest)
    return NONE


def _setdefault(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    key, default = arguments.first(), arguments.get(1, "default") or NONE
    if isinstance(receiver, Mapping) and isinstance(key, Const):
        if key.value not in receiver.entries:
            machine.store.write(receiver.entries, key.value, default)
        return receiver.entries[key.value]  # type: ignore[no-any-return]
    return Unknown()


def _pop_key(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    found = _get(machine, receiver, arguments, node, scope)
    key = arguments.first()
    if isinstance(receiver, Mapping) and isinstance(key, Const):
        machine.store.delete(receiver.entries, key.value)
    return found


def _copied_dict(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    return Mapping(dict(receiver.entries), receiver.open, receiver.rest) if isinstance(receiver, Mapping) else Unknown()


MAPPING_METHODS: dict[str, Handler] = {
    "get": _get, "values": _values, "keys": _keys, "items": _items_of, "update": _update, "setdefault": _setdefault, "pop": _pop_key,
    "copy": _copied_dict,
}  # fmt: skip
