"""Does a network train or evaluate?

    net.eval()               # self.training is False in net and in all modules inside, as far as their classes ask for it
    criterion(net(x), y)     # gets what `return x if self.training else x.softmax(1)` gives then

A module trains until it is told otherwise, and again in each function that nobody calls: there it is not known what came before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import libcst as cst

from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import children_of
from torchlint.flow.values import FALSE, NONE, TRUE, Class, Const, Instance, Unknown, Value, options_of
from torchlint.flow.walking import walk

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

TRAINING = "training"
MOST_MODULES = 200
_ASKING: dict[int, tuple[cst.CSTNode, bool]] = {}


def begin(instance: Instance) -> None:
    """A new object trains, if anything in its class asks."""
    if any(isinstance(each, Class) and _asks(each.node) for each in instance.cls.mro):
        instance.attributes.setdefault(TRAINING, TRUE)


def _asks(node: cst.CSTNode) -> bool:
    known = _ASKING.get(id(node))
    if known is None:
        known = _ASKING[id(node)] = (node, any(type(each) is cst.Attribute and each.attr.value == TRAINING for each in walk(node)))
    return known[1]


def evaluate(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """module.eval()"""
    return _set(machine, arguments.first(), FALSE)


def train(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """module.train(mode=True)"""
    mode = arguments.get(1, "mode")
    if mode is None and not arguments.open:
        mode = TRUE
    return _set(machine, arguments.first(), mode if isinstance(mode, Const) else Unknown())


def _set(machine: Machine, owner: Value | None, mode: Value) -> Value:
    for each in _inside(owner, set()) if owner is not None else ():
        if each.attributes.get(TRAINING, mode) is not mode:
            machine.store.write(each.attributes, TRAINING, mode)
            machine.evaluated[id(each)] = each
    return owner or NONE


def _inside(module: Value, seen: set[int]) -> Iterator[Instance]:
    """The objects of the project in a module and itself, whichever of several it may be."""
    for option in options_of(module):
        if id(option.value) not in seen and len(seen) < MOST_MODULES:
            seen.add(id(option.value))
            if isinstance(option.value, Instance):
                yield option.value
            for _, child in children_of(option.value):
                yield from _inside(child, seen)


def all_train(machine: Machine) -> None:
    """What is looked at from here on has nothing to do with what came before."""
    for each in machine.evaluated.values():
        if each.attributes.get(TRAINING) is not TRUE:
            machine.store.write(each.attributes, TRAINING, TRUE)
