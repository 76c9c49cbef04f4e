"""What do `def` and `class` bring into being?

Decorators that keep the function (no_grad, staticmethod, wraps, most libraries' own) leave it as it is; a project's decorator is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.arguments import Arguments
from torchlint.flow.calls import call
from torchlint.flow.configs import CONFIG
from torchlint.flow.expressions import defaults_of
from torchlint.flow.machine import Status
from torchlint.flow.scope import Scope
from torchlint.flow.values import Api, ApiObject, Bound, Builtin, Class, Function, Instance, Partial, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine

ROLES = {"property": "property", "staticmethod": "static", "classmethod": "class"}
PROPERTIES = frozenset({"functools.cached_property", "abc.abstractproperty", "torch.jit.unused"})

DECORATOR_WORK = 80
"""A decorator that takes more than this is not one that changes what the function gives."""


def define_function(machine: Machine, node: Any, scope: Scope) -> Status:
    """def name(...): the function is bound, its body is not run."""
    name = node.name.value
    closure = scope.parent if scope.is_class and scope.parent is not None else scope
    function = Function(node, closure, name, defaults_of(machine, node.params, scope))
    value: Value = function
    for decorator in reversed(node.decorators):
        expression = decorator.decorator
        if type(expression) is cst.Attribute and expression.attr.value in ("setter", "deleter"):
            name = f"{name}.{expression.attr.value}"
            continue
        value = _decorated(machine, machine.evaluate(expression, scope), function, value, decorator, scope)
    machine.store.write(scope.variables, name, value)
    return Status.NORMAL


def _decorated(machine: Machine, decorator: Value, function: Function, value: Value, node: cst.CSTNode, scope: Scope) -> Value:
    if isinstance(decorator, Builtin) and decorator.name in ROLES:
        function.role = ROLES[decorator.name]
    elif isinstance(decorator, Api):
        if decorator.name in PROPERTIES:
            function.role = "property"
        contract = machine.table.call(decorator.name)
        function.no_grad = function.no_grad or (contract is not None and contract.effect == "no_grad")
    elif isinstance(decorator, ApiObject):
        parameters = function.node.params.params
        if CONFIG in decorator.attributes and parameters:
            function.defaults[parameters[0].name.value] = decorator.attributes[CONFIG]
        function.no_grad = function.no_grad or decorator.name == "torch.no_grad"
    elif isinstance(decorator, (Function, Bound, Partial, Instance)):
        wrapped = machine.attempt(DECORATOR_WORK, lambda: call(machine, decorator, Arguments([value]), node, scope))
        if isinstance(wrapped, (Function, Bound, Partial, Instance)):
            return wrapped
    return value


def define_class(machine: Machine, node: Any, scope: Scope) -> Status:
    """class Name(bases): its body is run, its functions become methods."""
    bases = [machine.evaluate(base.value, scope) for base in node.bases if not base.star]
    outer = scope.parent if scope.is_class and scope.parent is not None else scope
    cls = Class(node, outer, node.name.value, bases)
    body = Scope(scope, scope.module, scope.frame)
    body.is_class = True
    machine.run(node.body.body, body)
    cls.attributes = {key: value for key, value in body.variables.items() if isinstance(value, Value)}
    for value in cls.attributes.values():
        if isinstance(value, Function) and value.owner is None and type(value.node) is not cst.Lambda:
            value.owner = cls
    cls.fields = _fields(node, cls)
    cls.dataclass = any(_is_dataclass(machine, decorator.decorator, scope) for decorator in node.decorators)
    machine.store.write(scope.variables, node.name.value, _decorated_class(machine, cls, node, scope))
    return Status.NORMAL


def _decorated_class(machine: Machine, cls: Class, node: cst.ClassDef, scope: Scope) -> Value:
    """What a project's class decorators make of the class; one that gives nothing known keeps it."""
    value: Value = cls
    for decorator in reversed(node.decorators):
        function = machine.evaluate(decorator.decorator, scope)
        if isinstance(function, (Function, Bound, Partial)):
            made = machine.attempt(DECORATOR_WORK, lambda f=function, v=value: call(machine, f, Arguments([v]), node, scope))  # type: ignore[misc]
            value = made if isinstance(made, (Api, Class, Function, Partial)) else value
    return value


def _fields(node: cst.ClassDef, cls: Class) -> list[tuple[str, Value | None]]:
    """Annotated names of the body, in order, with their defaults."""
    fields: list[tuple[str, Value | None]] = []
    for line in node.body.body:
        if type(line) is cst.SimpleStatementLine:
            for small in line.body:
                if type(small) is cst.AnnAssign and type(small.target) is cst.Name:
                    fields.append((small.target.value, cls.attributes.get(small.target.value)))
    return fields


def _is_dataclass(machine: Machine, decorator: cst.BaseExpression, scope: Scope) -> bool:
    function = decorator.func if type(decorator) is cst.Call else decorator
    value = machine.evaluate(function, scope)
    return isinstance(value, Api) and value.name.rpartition(".")[2] == "dataclass"
