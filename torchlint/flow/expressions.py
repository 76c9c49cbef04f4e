"""What is the value of an expression?

One evaluator for each LibCST node type, entered into machine.EVALUATORS. Calls go to flow.calls, attributes to flow.attributes;
tests that decide a branch go to flow.conditions.
"""

from __future__ import annotations

import builtins as python
from collections.abc import Hashable
from typing import Any

import libcst as cst

from torchlint.flow import operators
from torchlint.flow.arguments import Arguments, each_way, evaluate_arguments
from torchlint.flow.attributes import get_attribute
from torchlint.flow.builtins import NAMES
from torchlint.flow.calls import call, call_method
from torchlint.flow.comprehensions import evaluate_comprehension, evaluate_dict_comprehension
from torchlint.flow.conditions import as_value, asked_of, compound, test, truth_of
from torchlint.flow.decisions import join, joined
from torchlint.flow.iteration import element_of
from torchlint.flow.machine import EVALUATORS, Machine, Status
from torchlint.flow.merging import chosen_object
from torchlint.flow.scope import Scope
from torchlint.flow.subscripts import evaluate_index, subscript
from torchlint.flow.values import (
    FALSE,
    NONE,
    TRUE,
    Alternatives,
    Api,
    Builtin,
    Class,
    Condition,
    Const,
    Function,
    Import,
    Mapping,
    Option,
    Sequence,
    Stream,
    Unknown,
    Value,
    constant,
)

STRINGS: dict[str, Value] = {}
"""Values of string literals, which cost a compilation each."""
MOST_STRINGS = 20_000
LONGEST_STRING = 2_000
CONSTANT_NAMES = {"None": NONE, "True": TRUE, "False": FALSE}
BUILTIN_NAMES = frozenset(dir(python))


def name(machine: Machine, node: Any, scope: Scope) -> Value:
    """A variable, found from the inside out."""
    return look_up(machine, node.value, scope)


def look_up(machine: Machine, wanted: str, scope: Scope) -> Value:
    """The value of a name as seen from a scope."""
    here: Scope | None = scope
    while here is not None:
        found = here.variables.get(wanted)
        if found is not None:
            if type(found) is Alternatives:
                return machine.paths.narrow(found)
            if type(found) is Import:
                found = here.variables[wanted] = machine.project.resolve(machine, found)
            return found
        here = here.parent
    found = machine.project.imported(machine, scope.module, wanted)
    if found is not None:
        return found
    if wanted in CONSTANT_NAMES:
        return CONSTANT_NAMES[wanted]
    if wanted in NAMES or wanted in BUILTIN_NAMES:
        return Builtin(wanted)
    return Unknown(("name", id(scope.module), wanted))


def attribute(machine: Machine, node: Any, scope: Scope) -> Value:
    return get_attribute(machine, machine.evaluate(node.value, scope), node.attr.value)


def evaluate_call(machine: Machine, node: Any, scope: Scope) -> Value:
    function = node.func
    if type(function) is cst.Attribute:
        receiver = machine.evaluate(function.value, scope)
        arguments = evaluate_arguments(machine, node.args, scope)

        def one_way(given: Arguments) -> Value:
            return machine.lift(receiver, lambda each: call_method(machine, each, function.attr.value, given, node, scope))

        return each_way(machine, arguments, one_way)
    callee = machine.evaluate(function, scope)
    return each_way(machine, evaluate_arguments(machine, node.args, scope), lambda given: call(machine, callee, given, node, scope))


def evaluate_subscript(machine: Machine, node: Any, scope: Scope) -> Value:
    owner = machine.evaluate(node.value, scope)
    index = evaluate_index(machine, node.slice, scope)
    return machine.lift(owner, lambda each: subscript(machine, each, index, node, scope))


def integer(machine: Machine, node: Any, scope: Scope) -> Value:
    try:
        return Const(int(node.value.replace("_", ""), 0))
    except ValueError:
        return Unknown()


def floating(machine: Machine, node: Any, scope: Scope) -> Value:
    try:
        return Const(float(node.value.replace("_", "")))
    except ValueError:
        return Unknown()


def simple_string(machine: Machine, node: Any, scope: Scope) -> Value:
    text = node.value
    known = STRINGS.get(text)
    if known is None:
        if len(text) > LONGEST_STRING:
            return Unknown()
        try:
            known = Const(node.evaluated_value)
        except (ValueError, SyntaxError):
            known = Unknown()
        if len(STRINGS) < MOST_STRINGS:
            STRINGS[text] = known
    return known


def concatenated_string(machine: Machine, node: Any, scope: Scope) -> Value:
    left, right = machine.evaluate(node.left, scope), machine.evaluate(node.right, scope)
    if isinstance(left, Const) and isinstance(right, Const) and type(left.value) is type(right.value):
        return constant(left.value + right.value)
    return Unknown()


def formatted_string(machine: Machine, node: Any, scope: Scope) -> Value:
    """An f-string whose parts are all constant: f"layer{i}". Every part is evaluated: there may be calls among them."""
    text: Value = Const("")
    for part in node.parts:
        if type(part) is cst.FormattedStringText:
            text = _continued(machine, text, Const(part.value))
            continue
        value = machine.evaluate(part.expression, scope)
        text = _continued(machine, text, Unknown() if part.format_spec or part.conversion else value)
    return text


def _continued(machine: Machine, text: Value, more: Value) -> Value:
    """A text with more behind it: known, or all but one unknown in it, or unknown."""
    if type(text) is Alternatives:
        return machine.project_value(text, lambda each: _continued(machine, each, more))
    if type(more) is Alternatives:
        return machine.project_value(more, lambda each: _continued(machine, text, each))
    if isinstance(text, Const) and isinstance(more, Const):
        return constant(f"{text.value}{more.value}")
    if isinstance(text, Const) and type(more) is Unknown:
        return Unknown(("joined", text.value, more.symbol, ""))
    pieces = joined(text.symbol) if isinstance(text, Unknown) else None
    if pieces is not None and isinstance(more, Const):
        return Unknown(("joined", pieces[0], pieces[1], f"{pieces[2]}{more.value}"))
    return Unknown()


def sequence(machine: Machine, node: Any, scope: Scope) -> Value:
    items: list[Value] = []
    open_ = False
    for element in node.elements:
        value = machine.evaluate(element.value, scope)
        if type(element) is cst.StarredElement:
            if isinstance(value, Sequence):
                items.extend(value.items)
                open_ = open_ or value.open
            else:
                items.append(value.element if isinstance(value, Stream) else Unknown())
                open_ = True
        else:
            items.append(value)
    return Sequence(items, type(node) is not cst.Tuple, open_)


def mapping(machine: Machine, node: Any, scope: Scope) -> Value:
    entries: dict[Hashable, Value] = {}
    open_ = False
    for element in node.elements:
        value = machine.evaluate(element.value, scope)
        if type(element) is cst.StarredDictElement:
            if isinstance(value, Mapping):
                entries.update(value.entries)
                open_ = open_ or value.open
            else:
                open_ = True
            continue
        key = machine.evaluate(element.key, scope)
        if isinstance(key, Const):
            entries[key.value] = value
        elif isinstance(key, (Api, Class, Unknown)):
            entries[key.name if isinstance(key, Api) else key] = value
            open_ = True
        else:
            open_ = True
    return Mapping(entries, open_)


def binary(machine: Machine, node: Any, scope: Scope) -> Value:
    left = machine.evaluate(node.left, scope)
    right = machine.evaluate(node.right, scope)
    return operators.binary(machine, type(node.operator).__name__, left, right, node, scope)


def unary(machine: Machine, node: Any, scope: Scope) -> Value:
    if type(node.operator) is cst.Not:
        return as_value(test(machine, node, scope))
    return operators.unary(machine, type(node.operator).__name__, machine.evaluate(node.expression, scope), node, scope)


def comparison(machine: Machine, node: Any, scope: Scope) -> Value:
    left = asked_of(machine, node.left, scope)
    result: Value | None = None
    for target in node.comparisons:
        right = asked_of(machine, target.comparator, scope)
        this = operators.compare(machine, target.operator, left, right, node, scope)
        result = this if result is None else Unknown()
        left = right
    return result if result is not None else Unknown()


def boolean(machine: Machine, node: Any, scope: Scope) -> Value:
    """`a or b`, `a and b`: one of the two values."""
    left = machine.evaluate(node.left, scope)
    truth = True if isinstance(left, Api) and machine.table.known(left.name) else truth_of(left)
    wants = type(node.operator) is cst.Or
    if truth is not None:
        return left if truth is wants else machine.evaluate(node.right, scope)
    right = machine.evaluate(node.right, scope)
    if isinstance(left, Unknown) and isinstance(right, Unknown):
        return Unknown(compound("either" if wants else "both", left.symbol, right.symbol))
    if isinstance(left, Unknown) and not isinstance(right, Const) and wants:
        return join([Option(left, (), False), Option(right, (), chosen_object(right))])
    return Unknown()


def conditional(machine: Machine, node: Any, scope: Scope) -> Value:
    """`a if test else b`"""
    decided = test(machine, node.test, scope)
    if decided.outcome is not None:
        return machine.evaluate(node.body if decided.outcome else node.orelse, scope)
    results: list[Option] = []

    def case(expression: cst.BaseExpression, conditions: tuple[Condition, ...]) -> Any:
        def run() -> Status:
            value = machine.evaluate(expression, scope)
            results.append(Option(value, conditions, machine.certain(value, conditions)))
            return Status.NORMAL

        return run

    machine.branch([(c, case(e, c)) for e, c in ((node.body, decided.when_true), (node.orelse, decided.when_false))])
    return join(results)


def lambda_(machine: Machine, node: Any, scope: Scope) -> Value:
    return Function(node, scope, "lambda", defaults_of(machine, node.params, scope))


def defaults_of(machine: Machine, parameters: cst.Parameters, scope: Scope) -> dict[str, Value]:
    """Default values, evaluated where the function is defined."""
    every = (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params)
    return {each.name.value: machine.evaluate(each.default, scope) for each in every if each.default is not None}


def named(machine: Machine, node: Any, scope: Scope) -> Value:
    value = machine.evaluate(node.value, scope)
    while scope.is_comprehension and scope.parent is not None:
        scope = scope.parent
    machine.store.write_local(scope.home(node.target.value).variables, node.target.value, value)
    return value


def yield_(machine: Machine, node: Any, scope: Scope) -> Value:
    produced: Value = NONE
    if type(node.value) is cst.From:
        produced = element_of(machine, machine.evaluate(node.value.item, scope))
    elif node.value is not None:
        produced = machine.evaluate(node.value, scope)
    frame = machine.frame
    if frame is not None:
        conditions = machine.paths.since(frame.assumed)
        frame.yields.append(Option(produced, conditions, machine.certain(produced, conditions)))
    return Unknown()


EVALUATORS.update(
    {
        cst.Name: name,
        cst.Attribute: attribute,
        cst.Call: evaluate_call,
        cst.Subscript: evaluate_subscript,
        cst.Integer: integer,
        cst.Float: floating,
        cst.SimpleString: simple_string,
        cst.ConcatenatedString: concatenated_string,
        cst.FormattedString: formatted_string,
        cst.Tuple: sequence,
        cst.List: sequence,
        cst.Set: sequence,
        cst.Dict: mapping,
        cst.BinaryOperation: binary,
        cst.UnaryOperation: unary,
        cst.Comparison: comparison,
        cst.BooleanOperation: boolean,
        cst.IfExp: conditional,
        cst.Lambda: lambda_,
        cst.ListComp: evaluate_comprehension,
        cst.SetComp: evaluate_comprehension,
        cst.GeneratorExp: evaluate_comprehension,
        cst.DictComp: evaluate_dict_comprehension,
        cst.NamedExpr: named,
        cst.Await: lambda machine, node, scope: machine.evaluate(node.expression, scope),  # type: ignore[attr-defined]
        cst.Yield: yield_,
        cst.Ellipsis: lambda machine, node, scope: Const(...),
    }
)
