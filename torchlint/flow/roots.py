"""What can a program begin with? The main blocks, functions and methods that stand in a module.

if __name__ == "__main__": ...                        a main block
class Net(Base): def forward(self, x): self.head(x)   forward, and the methods of Base that use what Net gives
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst

from torchlint.flow.functions import FORWARD
from torchlint.flow.scope import ModuleScope
from torchlint.flow.values import Class, Function
from torchlint.flow.walking import walk


def main_blocks(module: ModuleScope) -> Iterator[cst.If]:
    """`if __name__ == "__main__":` at the top of a module."""
    if module.source is None:
        return
    for statement in module.source.tree.body:
        if type(statement) is cst.If and type(statement.test) is cst.Comparison:
            left = statement.test.left
            if type(left) is cst.Name and left.value == "__name__":
                yield statement


def definitions(module: ModuleScope) -> Iterator[tuple[Class | None, list[Function]]]:
    """The functions of a module, and each class with its methods and those it inherits that use what the class gives."""
    for value in list(module.variables.values()):
        if isinstance(value, Function) and value.scope.module is module:
            yield None, [value]
        elif isinstance(value, Class) and value.scope.module is module:
            yield value, list(methods(value))


def methods(cls: Class) -> Iterator[Function]:
    """A class's own methods; then inherited ones in which `self.x` means something this class gives."""
    yield from (value for value in cls.attributes.values() if isinstance(value, Function))
    given = set(cls.attributes) | _assigned(cls)
    seen = set(cls.attributes)
    for base in cls.mro[1:]:
        if not isinstance(base, Class):
            continue
        for name, value in base.attributes.items():
            if isinstance(value, Function) and name not in seen and name not in ("__init__", "__new__"):
                seen.add(name)
                if used_attributes(value) & given:
                    yield value


def _assigned(cls: Class) -> set[str]:
    names: set[str] = set()
    for value in cls.attributes.values():
        if isinstance(value, Function):
            names |= assigned_attributes(value)
    return names


_USED: dict[int, tuple[cst.CSTNode, frozenset[str], frozenset[str]]] = {}


def _attributes(function: Function) -> tuple[frozenset[str], frozenset[str]]:
    """Attributes of the first parameter that the body reads, and those it assigns."""
    node = function.node
    known = _USED.get(id(node))
    if known is None:
        parameters = node.params.params
        receiver = parameters[0].name.value if parameters else ""
        used: set[str] = set()
        assigned: set[str] = set()
        _collect(node.body, receiver, used, assigned)
        known = _USED[id(node)] = (node, frozenset(used), frozenset(assigned))
    return known[1], known[2]


def _collect(node: Any, receiver: str, used: set[str], assigned: set[str]) -> None:
    for each in walk(node):
        kind = type(each)
        if kind is cst.Attribute and type(each.value) is cst.Name and each.value.value == receiver:
            used.add(each.attr.value)
        elif kind is cst.Call and type(each.func) is cst.Name and each.func.value == receiver:
            used.update((FORWARD, "__call__"))
        elif kind is cst.AssignTarget and type(each.target) is cst.Attribute:
            target = each.target
            if type(target.value) is cst.Name and target.value.value == receiver:
                assigned.add(target.attr.value)


def used_attributes(function: Function) -> frozenset[str]:
    """Names x of which the function says self.x."""
    return _attributes(function)[0]


def assigned_attributes(function: Function) -> frozenset[str]:
    """Names x to which the function assigns self.x."""
    return _attributes(function)[1]
