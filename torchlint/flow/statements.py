"""What does a statement do to the state?

One executor for each LibCST statement type, entered into machine.EXECUTORS. Unknown tests run both branches from the same state;
loops over known entries are unrolled, other loops run until what they carry around no longer changes (at most three times).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from torchlint.flow import memory, operators
from torchlint.flow.arguments import Arguments
from torchlint.flow.assignment import assign
from torchlint.flow.attributes import ITEMS, class_attribute
from torchlint.flow.conditionals import conditional
from torchlint.flow.conditions import test
from torchlint.flow.containers import extend, forget_items
from torchlint.flow.decisions import alike, join
from torchlint.flow.definitions import define_class, define_function
from torchlint.flow.functions import call_function
from torchlint.flow.iteration import MOST_UNROLLED, as_sequence, element_of
from torchlint.flow.machine import EXECUTORS, Machine, Status
from torchlint.flow.patterns import match_block
from torchlint.flow.scope import Scope
from torchlint.flow.store import ABSENT
from torchlint.flow.subscripts import bounds_of, evaluate_index
from torchlint.flow.values import (
    NEVER,
    NONE,
    Alternatives,
    ApiObject,
    Const,
    Function,
    Instance,
    Mapping,
    Option,
    Sequence,
    Stream,
    Tensor,
    Unknown,
    Value,
)
from torchlint.flow.walking import walk

MOST_ROUNDS = 3
"""How often the body of a loop of unknown length is run at the most."""


def simple_line(machine: Machine, node: Any, scope: Scope) -> Status:
    return machine.run(node.body, scope)


def indented(machine: Machine, node: Any, scope: Scope) -> Status:
    return machine.run(node.body, scope)


def assignment(machine: Machine, node: Any, scope: Scope) -> Status:
    value = machine.evaluate(node.value, scope)
    for target in node.targets:
        assign(machine, target.target, value, scope)
    return Status.NORMAL


def annotated(machine: Machine, node: Any, scope: Scope) -> Status:
    if node.value is not None:
        assign(machine, node.target, machine.evaluate(node.value, scope), scope)
    return Status.NORMAL


def augmented(machine: Machine, node: Any, scope: Scope) -> Status:
    """x += y: in place for tensors and lists."""
    left = machine.evaluate(node.target, scope)
    right = machine.evaluate(node.value, scope)
    name = type(node.operator).__name__.removesuffix("Assign")
    listed = left.attributes.get(ITEMS) if isinstance(left, ApiObject) else left
    if isinstance(listed, Sequence) and listed.mutable and name == "Add":
        extend(machine, listed, right)
        return Status.NORMAL
    if isinstance(left, Tensor):
        assign(machine, node.target, _augmented_tensor(machine, name, left, right, node, scope), scope)
        return Status.NORMAL
    assign(machine, node.target, operators.binary(machine, name, left, right, node, scope), scope)
    return Status.NORMAL


def _augmented_tensor(machine: Machine, name: str, left: Tensor, right: Value, node: cst.CSTNode, scope: Scope) -> Tensor:
    symbol = operators.ARITHMETIC[name][0] + "=" if name in operators.ARITHMETIC else name
    for each in (left, right):
        if isinstance(each, Tensor):
            memory.read(machine, each, symbol, node, scope)
    facts = operators.arithmetic_facts(name, left, right)
    if left.facts.dtype is not None and facts.dtype is None:
        facts.dtype, facts.dtype_trace = left.facts.dtype, left.facts.dtype_trace  # in place: the dtype cannot change
    written = memory.write_inplace(machine, left, symbol, node, scope, None, facts)
    written.grad = left.grad or (isinstance(right, Tensor) and right.grad)
    return written


def expression(machine: Machine, node: Any, scope: Scope) -> Status:
    """A call for its effect. `self.relu(x)` on a line of its own means to change x: the old name stands for the new value."""
    result = machine.evaluate(node.value, scope)
    if result is NEVER and (machine.frames or machine.paths.conditions):
        return Status.RAISE  # not in the middle of a script, behind which somebody has only laid aside what follows
    if isinstance(result, Tensor) and result.storage is not None and type(node.value) is cst.Call:
        for argument in node.value.args[:1]:
            if type(argument.value) is cst.Name:
                _follow_inplace(machine, argument.value, result, scope)
        if type(node.value.func) is cst.Attribute and type(node.value.func.value) is cst.Name:
            _follow_inplace(machine, node.value.func.value, result, scope)
    return Status.NORMAL


def _follow_inplace(machine: Machine, name: cst.Name, result: Tensor, scope: Scope) -> None:
    current = machine.evaluate(name, scope)
    if isinstance(current, Tensor) and current.storage is result.storage and result.version > current.version:
        assign(machine, name, result, scope)


def returning(machine: Machine, node: Any, scope: Scope) -> Status:
    value = machine.evaluate(node.value, scope) if node.value is not None else NONE
    frame = machine.frame
    if frame is not None:
        if frame.function is not None:
            value = machine.on_the_way(value, f"returned by `{frame.function.title}`", machine.place(node, scope))
        conditions = machine.paths.since(frame.assumed)
        frame.results.append(Option(value, conditions, machine.certain(value, conditions)))
    return Status.RETURN


def otherwise(machine: Machine, node: Any, scope: Scope) -> Status:
    return machine.run(node.body.body, scope)


def for_loop(machine: Machine, node: Any, scope: Scope) -> Status:
    iterable = machine.evaluate(node.iter, scope)
    if type(iterable) is Alternatives:
        iterable = iterable.options[0].value
    before = (machine.store.mark(), len(machine.breaks))
    known = as_sequence(machine, iterable)
    if known is not None and not known.items and not known.open:
        return _else(machine, node, scope)
    if known is not None and known.items and len(known.items) <= MOST_UNROLLED:
        status = _unrolled(machine, node, known, scope)
    else:
        element = element_of(machine, iterable)
        status = _until_stable(machine, scope, lambda: _round(machine, node, element, scope))
    _left_early(machine, before, scope)
    return Status.RETURN if status is Status.RETURN else _else(machine, node, scope)


def _left_early(machine: Machine, before: tuple[int, int], scope: Scope) -> None:
    """Where a `break` may have left the loop, variables may still hold what they held there."""
    mark, breaks = before
    left, machine.breaks[breaks:] = machine.breaks[breaks:], []
    for (_, key), (contents, old) in machine.store.changed_since(mark).items() if left else ():
        new = contents.get(key)
        if contents is not scope.variables or not isinstance(old, Tensor) or not isinstance(new, Value):
            continue
        held = [variables[key] for variables in left if isinstance(variables.get(key), Value)]
        if not all(alike(each, new) for each in held):
            machine.store.write_local(contents, key, join([Option(each, (), False) for each in (*held, new)]))


def _else(machine: Machine, node: Any, scope: Scope) -> Status:
    return machine.run([node.orelse], scope) if node.orelse is not None else Status.NORMAL


def _round(machine: Machine, node: Any, element: Value, scope: Scope) -> Status:
    assign(machine, node.target, element, scope)
    return machine.run(node.body.body, scope)


def _unrolled(machine: Machine, node: Any, known: Sequence, scope: Scope) -> Status:
    """Each entry in turn; a break that is sure ends the loop."""
    over_layers = any(_is_layer(item) for item in known.items)
    only_numbers = all(isinstance(item, Const) for item in known.items)
    machine.layer_loops += over_layers
    try:
        for item in known.items:
            mark = machine.store.mark()
            status = _round(machine, node, item, scope)
            if status is Status.BREAK or (status is Status.RETURN and not known.open):
                return status
            if only_numbers and item is not known.items[-1] and not _builds(machine, mark, scope) and not _picks(node):
                status = _round(machine, node, Unknown(), scope)  # ten epochs are like one, whatever their number
                return status if status is Status.BREAK else Status.NORMAL
    finally:
        machine.layer_loops -= over_layers
    return Status.NORMAL


_PICKS: dict[int, tuple[cst.CSTNode, bool]] = {}


def _picks(loop: Any) -> bool:
    """Whether the number of a loop picks something out (`layers[i]`), so that its rounds are not alike."""
    known = _PICKS.get(id(loop))
    if known is None:
        name = loop.target.value if type(loop.target) is cst.Name else ""
        inside = (part for each in walk(loop.body) if type(each) is cst.SubscriptElement for part in walk(each))
        known = _PICKS[id(loop)] = (loop, any(type(part) is cst.Name and part.value == name for part in inside))
    return known[1]


def _is_layer(item: Value) -> bool:
    """A module of torch, alone or with its name or number."""
    if isinstance(item, Sequence):
        return any(_is_layer(each) for each in item.items)
    return isinstance(item, ApiObject) and item.module is not None


def _until_stable(machine: Machine, scope: Scope, run: Callable[[], Status]) -> Status:
    """Run a loop body again while it changes what it was given: a second round sees what the first left behind."""
    status = Status.NORMAL
    lists = [value for value in scope.variables.values() if isinstance(value, Sequence) and value.mutable]
    lengths = [len(each.items) for each in lists]
    for _ in range(MOST_ROUNDS):
        mark = machine.store.mark()
        status = run()
        if status in (Status.RETURN, Status.RAISE, Status.BREAK) or not _carries(machine, mark):
            break
    for each, length in zip(lists, lengths, strict=True):
        if len(each.items) != length:
            machine.store.write(each.state, "open", True)  # it is not known how often the loop ran
    return Status.NORMAL if status is not Status.RAISE else Status.RAISE


def _builds(machine: Machine, mark: int, scope: Scope) -> bool:
    """Whether a round made something grow or change that the next round will find: a list, an object, a variable from before."""
    for (_, key), (contents, old) in machine.store.changed_since(mark).items():
        new = contents.get(key, ABSENT)
        if contents is scope.variables and old is ABSENT:
            continue
        if old is not ABSENT and (old is new or (isinstance(new, (Const, Unknown)) and isinstance(old, (Const, Unknown)))):
            continue
        if not (isinstance(old, Value) and isinstance(new, Value) and alike(old, new)):
            return True
    return False


def _carries(machine: Machine, mark: int) -> bool:
    """Whether something that existed before the round now holds something else."""
    for (_, key), (contents, old) in machine.store.changed_since(mark).items():
        new = contents.get(key, ABSENT)
        if old is ABSENT or old is new or not isinstance(old, Value) or not isinstance(new, Value):
            continue
        if not alike(old, new) and not (isinstance(old, Const) and isinstance(new, (Const, Unknown))):
            return True
    return False


def while_loop(machine: Machine, node: Any, scope: Scope) -> Status:
    decided = test(machine, node.test, scope)
    if decided.outcome is False:
        return _else(machine, node, scope)
    before = (machine.store.mark(), len(machine.breaks))
    status = _until_stable(machine, scope, lambda: machine.run(node.body.body, scope))
    _left_early(machine, before, scope)
    return status if status is Status.RAISE else _else(machine, node, scope)


def with_block(machine: Machine, node: Any, scope: Scope) -> Status:
    quiet = 0
    for item in node.items:
        manager = machine.evaluate(item.item, scope)
        if isinstance(manager, ApiObject) and manager.name == "torch.no_grad":
            quiet += 1
        if item.asname is not None:
            assign(machine, item.asname.name, _entered(machine, manager), scope)
    machine.no_grad += quiet
    try:
        return machine.run(node.body.body, scope)
    finally:
        machine.no_grad -= quiet


def _entered(machine: Machine, manager: Value) -> Value:
    """What `with manager as x` binds."""
    if isinstance(manager, Instance):
        enter = class_attribute(manager.cls, "__enter__")
        if isinstance(enter, Function):
            return call_function(machine, enter, Arguments([manager]), manager)
    if isinstance(manager, Stream):
        return manager.element  # contextlib.contextmanager: what the generator yields
    return manager if isinstance(manager, (ApiObject, Sequence)) else Unknown()  # objects of libraries hand out themselves


def try_block(machine: Machine, node: Any, scope: Scope) -> Status:
    """The body is the way things go; handlers are looked at too, and only fill in what the body left undefined."""
    status = machine.run(node.body.body, scope)
    if status is Status.NORMAL and node.orelse is not None:
        status = machine.run(node.orelse.body.body, scope)
    for handler in node.handlers:
        _handler(machine, handler, scope)
    if node.finalbody is not None:
        final = machine.run(node.finalbody.body.body, scope)
        status = final if final is not Status.NORMAL else status
    return status


def _handler(machine: Machine, handler: Any, scope: Scope) -> None:
    mark, assumed = machine.store.mark(), machine.paths.push(())
    frame = machine.frame
    results = list(frame.results) if frame is not None else []
    if handler.name is not None:
        assign(machine, handler.name.name, Unknown(), scope)
    machine.run(handler.body.body, scope)
    machine.paths.pop(assumed)
    changes = machine.store.undo(mark)
    if frame is not None:
        frame.results[:] = results
    for (_, key), (contents, value) in changes.items():
        current = contents.get(key, ABSENT)
        if value is not ABSENT and current is ABSENT:
            machine.store.write(contents, key, value)


def raising(machine: Machine, node: Any, scope: Scope) -> Status:
    return Status.RAISE


def asserting(machine: Machine, node: Any, scope: Scope) -> Status:
    """assert False ends the path; any other assertion holds from here on."""
    decided = test(machine, node.test, scope)
    if decided.outcome is False:
        return Status.RAISE
    if decided.outcome is None:
        machine.paths.push(decided.when_true)
    return Status.NORMAL


def deleting(machine: Machine, node: Any, scope: Scope) -> Status:
    elements = [element.value for element in node.target.elements] if type(node.target) is cst.Tuple else [node.target]
    for target in elements:
        if type(target) is cst.Name:
            machine.store.delete(scope.variables, target.value)
        elif type(target) is cst.Subscript:
            _delete_item(machine, target, scope)
    return Status.NORMAL


def _delete_item(machine: Machine, target: cst.Subscript, scope: Scope) -> None:
    owner = machine.evaluate(target.value, scope)
    index = evaluate_index(machine, target.slice, scope)
    items = owner.attributes.get("#items") if isinstance(owner, (Instance, ApiObject)) else owner
    if (
        isinstance(items, Sequence)
        and isinstance(index, Const)
        and isinstance(index.value, int)
        and -len(items.items) <= index.value < len(items.items)
    ):
        kept = list(items.items)
        del kept[index.value]
        machine.store.write(items.state, "items", tuple(kept))
    elif isinstance(items, Sequence) and (bounds := bounds_of(index)) is not None:
        kept = list(items.items)
        del kept[bounds]
        machine.store.write(items.state, "items", tuple(kept))
    elif isinstance(items, Sequence):
        forget_items(machine, items)
    elif isinstance(items, Mapping) and isinstance(index, Const):
        machine.store.delete(items.entries, index.value)


def declare_global(machine: Machine, node: Any, scope: Scope) -> Status:
    scope.globals = scope.globals | {item.name.value for item in node.names}
    return Status.NORMAL


def declare_nonlocal(machine: Machine, node: Any, scope: Scope) -> Status:
    scope.outer = scope.outer | {item.name.value for item in node.names}
    return Status.NORMAL


def importing(machine: Machine, node: Any, scope: Scope) -> Status:
    machine.project.run_import(machine, node, scope)
    return Status.NORMAL


EXECUTORS.update(
    {
        cst.SimpleStatementLine: simple_line,
        cst.SimpleStatementSuite: simple_line,
        cst.IndentedBlock: indented,
        cst.Assign: assignment,
        cst.AnnAssign: annotated,
        cst.AugAssign: augmented,
        cst.Expr: expression,
        cst.Return: returning,
        cst.If: conditional,
        cst.Else: otherwise,
        cst.For: for_loop,
        cst.While: while_loop,
        cst.With: with_block,
        cst.Try: try_block,
        cst.TryStar: try_block,
        cst.Match: match_block,
        cst.Raise: raising,
        cst.Assert: asserting,
        cst.Del: deleting,
        cst.Global: declare_global,
        cst.Nonlocal: declare_nonlocal,
        cst.Import: importing,
        cst.ImportFrom: importing,
        cst.FunctionDef: define_function,
        cst.ClassDef: define_class,
        cst.Break: lambda machine, node, scope: Status.BREAK,
        cst.Continue: lambda machine, node, scope: Status.CONTINUE,
    }
)
