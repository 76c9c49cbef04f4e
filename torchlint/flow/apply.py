"""What does a call of a library function do to the facts?

A contract says it; this module carries it out: the result's kind, dtype and memory, and the events the rules judge. For

    F.softmax(x, dim=1)      with the contract  gives = "probabilities", saves = ["output"]

it gives a Tensor of probabilities whose trace begins here, and remembers that backward needs it unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.contracts.schema import Call
from torchlint.events import ActivationCall
from torchlint.flow import memory
from torchlint.flow.arguments import Arguments, bind
from torchlint.flow.losses import emit_loss
from torchlint.flow.operators import product
from torchlint.flow.places import NodePlace
from torchlint.flow.taken import tell_of_arguments
from torchlint.flow.thresholds import tell_of_division
from torchlint.flow.values import Alternatives, Api, Const, Sequence, Stream, Tensor, Unknown, Value, options_of
from torchlint.meaning import given, joined, result_facts
from torchlint.model import Facts, Kind, Step, Trace
from torchlint.wording import short

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

FLOATING = "floating"


def apply_call(
    machine: Machine,
    call: Call,
    name: str,
    arguments: Arguments,
    node: cst.CSTNode,
    scope: Scope,
    made: Step | None = None,
    extra: dict[str, Value] | None = None,
) -> Value:
    """The result of calling `name`, which has this contract. extra: parameters that a module's constructor has set; made: where."""
    bound = bind(call.params, arguments)
    if extra:
        bound = {**extra, **bound}
    if call.loss is not None:
        return emit_loss(machine, call, name, bound, arguments.open, node, scope, made)
    if call.takes:
        tell_of_arguments(machine, call, name, bound, node, scope)
    if call.threshold is not None:
        tell_of_division(machine, call, name, bound, node, scope)
    subject = bound.get(call.passes_on)
    out = bound.get("out")
    if isinstance(out, Tensor):
        memory.touched(machine, out, node, scope)
    if call.needs:
        _check_needs(machine, call, name, bound, arguments.open, node, scope)
    _read_all(machine, call, name, bound, subject, node, scope)
    if _is_empty(call, subject, arguments):
        empty = _created(machine, call, name, bound, node, scope)
        if isinstance(empty, Tensor):
            empty.facts.shape = (0,)
        return empty
    if subject is None:
        return _created(machine, call, name, bound, node, scope)
    if isinstance(subject, (Sequence, Stream)):
        gathered = _gathered(subject, short(name), machine.place(node, scope))
        return machine.project_value(gathered, lambda each: _on_one(machine, call, name, each, bound, node, scope, fresh=True))
    return machine.lift(subject, lambda each: _on_one(machine, call, name, each, bound, node, scope))


def _is_empty(call: Call, subject: Value | None, arguments: Arguments) -> bool:
    """torch.tensor([]), torch.Tensor(), torch.empty(0, 10): there is nothing in it, and other tensors are put behind it."""
    if subject is None:
        return not (arguments.positional or arguments.keywords or arguments.open)
    if not call.blank:
        return isinstance(subject, Sequence) and not subject.items and not subject.open
    sizes = subject.items if isinstance(subject, Sequence) else (subject,)
    return any(isinstance(each, Const) and type(each.value) is int and each.value == 0 for each in sizes)


def _gathered(subject: Sequence | Stream, name: str, place: NodePlace) -> Value:
    """What torch.cat and torch.stack get: one tensor that stands for all entries, unknown when they differ."""
    if isinstance(subject, Stream):
        return subject.element
    tensors = subject.items
    if not tensors:
        return Unknown()
    first = tensors[0]
    if all(item is first for item in tensors):
        return first
    flat = [option.value for item in tensors for option in options_of(item)]
    if not all(isinstance(item, Tensor) for item in flat):
        return Unknown()
    tensors_in = [item for item in flat if isinstance(item, Tensor)]
    grad = any(item.grad for item in tensors_in)
    stale = next((moved for item in tensors_in if (moved := memory.moved(item, name, place))), None)
    return Tensor(joined([item.facts for item in tensors_in]), grad=grad, stale=stale)


def _read_all(machine: Machine, call: Call, name: str, bound: dict[str, Value], subject: Value | None, node: cst.CSTNode, scope: Scope) -> None:
    """Reading overwritten memory is noticed at every computing call; calls that only move data pass it on."""
    if call.metadata:
        return
    for value in bound.values():
        if value is subject and (call.gives in ("same", "self") or (call.storage == "inplace" and not call.converts)):
            continue  # handed on, or filled anew
        for option in options_of(value):
            if isinstance(option.value, Tensor):
                memory.read(machine, option.value, short(name), node, scope, call)


def _check_needs(machine: Machine, call: Call, name: str, bound: dict[str, Value], open_: bool, node: cst.CSTNode, scope: Scope) -> None:
    missing = () if open_ else tuple(each for each in call.needs if each not in bound or _is_none(bound[each]))
    if missing:
        subject = bound.get(call.passes_on)
        facts = subject.facts if isinstance(subject, Tensor) else Facts()
        machine.emit(ActivationCall(place=machine.place(node, scope), callee=short(name), call=call, input=facts, missing=missing))


def _is_none(value: Value) -> bool:
    return isinstance(value, Const) and value.value is None


def _on_one(
    machine: Machine, call: Call, name: str, subject: Value, bound: dict[str, Value], node: cst.CSTNode, scope: Scope, fresh: bool = False
) -> Value:
    """The result for one alternative of the argument that matters."""
    if isinstance(subject, Tensor):
        facts = memory.current(subject)
        tensor = subject if facts is subject.facts else Tensor(facts, subject.storage, subject.version, subject.grad, subject.stale)
    elif call.gives in ("same", "self") and not call.casts and call.dtype in (None, "same"):
        return subject  # nothing is known and nothing is learnt: keep its identity
    elif isinstance(subject, Unknown):
        tensor = Tensor(Facts())
    elif isinstance(subject, (Const, Sequence, Alternatives)):
        return _created(machine, call, name, bound, node, scope)
    else:
        return Unknown()
    if call.converts and tensor.facts.kind is not Kind.UNKNOWN:
        certain = machine.unsure == 0
        machine.emit(ActivationCall(place=machine.place(node, scope), certain=certain, callee=short(name), call=call, input=tensor.facts))
    if call.returns and (call.returns_if is None or call.returns_if in bound):
        return Sequence([_entry(machine, each, call, name, tensor, node, scope) for each in call.returns])
    facts = _result_facts(machine, call, name, tensor, bound, node, scope)
    if call.numpy:
        facts.shape = None
    if call.blank or (call.parameters and call.gives is None and not call.converts):
        facts.source = name  # told by its maker, as long as nothing else is known of it
    return _with_memory(machine, call, name, tensor, facts, bound, node, scope, fresh)


def _entry(machine: Machine, gives: str, call: Call, name: str, tensor: Tensor, node: cst.CSTNode, scope: Scope) -> Value:
    if gives == "same":
        return Tensor(tensor.facts, grad=tensor.grad)
    facts = given(gives, name, machine.place(node, scope))
    if facts.kind is Kind.CLASS_INDICES:
        facts.dtype, facts.dtype_trace = "int64", facts.trace
    return Tensor(facts, grad=call.parameters or tensor.grad)


def _with_memory(
    machine: Machine, call: Call, name: str, tensor: Tensor, facts: Facts, bound: dict[str, Value], node: cst.CSTNode, scope: Scope, fresh: bool
) -> Value:
    """Attach the result to its storage: the argument's own when written in place or viewed, else a new one."""
    grad = tensor.grad or call.parameters
    inplace = call.storage == "inplace" or _inplace_asked(call, bound)
    saved = call.saved(inplace)
    if inplace:
        result = memory.write_inplace(machine, tensor, name, node, scope, call, facts)
    elif call.storage == "view" and not fresh:
        stale = memory.staleness(tensor)
        result = Tensor(facts, memory.storage_of(tensor), tensor.version, grad, stale)
    else:
        result = Tensor(facts, None, 0, grad, memory.staleness(tensor) if call.gives == "same" else None)
        if "input" in saved and (call.parameters or tensor.grad):
            memory.save(machine, tensor, name, "input", node, scope)
    if "output" in saved and grad:
        memory.save(machine, result, name, "output", node, scope)
    return result


def _inplace_asked(call: Call, bound: dict[str, Value]) -> bool:
    if call.inplace is None:
        return False
    given = bound.get(call.inplace)
    if given is None:
        return call.defaults.get(call.inplace) is True
    return isinstance(given, Const) and given.value is True


def _result_facts(machine: Machine, call: Call, name: str, tensor: Tensor, bound: dict[str, Value], node: cst.CSTNode, scope: Scope) -> Facts:
    old = tensor.facts
    one_hot = call.fills is not None and _is_one_hot(machine, call.fills, old, bound)
    if call.mixes is not None:
        facts = product(machine, tensor, bound.get(call.mixes, Unknown()), name, node, scope)
    else:
        facts = result_facts(call, name, old, machine.place(node, scope), one_hot)
    _set_dtype(machine, call, name, facts, old, bound, node, scope)
    return facts


def _is_one_hot(machine: Machine, filler: str, old: Facts, bound: dict[str, Value]) -> bool:
    """torch.zeros(n, c).scatter_(1, labels, 1): ones in a tensor in which nothing has been written yet."""
    maker = machine.table.call(old.source)
    written = bound.get(filler) or bound.get("value")
    return maker is not None and maker.blank and isinstance(written, Const) and written.value in (1, 1.0)


def _created(machine: Machine, call: Call, name: str, bound: dict[str, Value], node: cst.CSTNode, scope: Scope) -> Value:
    """The result of a call that is given no tensor to look at: torch.full((n,), 1), torch.rand(3)."""
    facts = given(call.gives, name, machine.place(node, scope)) if call.gives not in (None, "same", "self") else Facts()
    _set_dtype(machine, call, name, facts, Facts(), bound, node, scope)
    if call.returns:
        return Sequence([Tensor(given(each, name, machine.place(node, scope)) if each != "same" else Facts()) for each in call.returns])
    if not facts.source:
        facts.source = name  # a tensor for sure
    return Tensor(facts)


def _set_dtype(machine: Machine, call: Call, name: str, facts: Facts, old: Facts, bound: dict[str, Value], node: cst.CSTNode, scope: Scope) -> None:
    """The dtype of the result and how it came about."""
    if call.casts:
        for parameter, value in bound.items():
            if parameter == call.passes_on:
                continue
            if isinstance(value, Tensor) or _asks_dtype(value):
                if isinstance(value, Tensor) and value.facts.dtype is not None:
                    facts.dtype, facts.dtype_trace = value.facts.dtype, _dtype_step(machine, name, value.facts.dtype, node, scope)
                return
            cast = _dtype_named(machine, value)
            if cast is not None:
                facts.dtype, facts.dtype_trace = cast, _dtype_step(machine, name, cast, node, scope)
                return
            if "dtype" in parameter and not _is_none(value):
                return  # a dtype that is not known
    how = call.dtype
    if how is None:
        if call.casts and call.gives == "same":
            _keep_dtype(facts, old)
        return
    if how == "same":
        _keep_dtype(facts, old)
    elif how.startswith("of:"):
        found = _dtype_of_value(bound.get(how[3:]))
        if found is not None:
            fill = bound[how[3:]]
            said = f" with the {found[1]} {fill.value!r}" if isinstance(fill, Const) else ""
            facts.dtype = found[0]
            facts.dtype_trace = Trace(Step(f"{short(name)}{said} makes {found[0]}", machine.place(node, scope)))
    else:
        facts.dtype, facts.dtype_trace = how, _dtype_step(machine, name, how, node, scope)


def _keep_dtype(facts: Facts, old: Facts) -> None:
    facts.dtype, facts.dtype_trace = old.dtype, old.dtype_trace


def _dtype_step(machine: Machine, name: str, dtype: str, node: cst.CSTNode, scope: Scope) -> Trace:
    return Trace(Step(f"{short(name)} makes {dtype}", machine.place(node, scope)))


def _dtype_named(machine: Machine, value: Value) -> str | None:
    """The dtype that an argument names: torch.long, "torch.FloatTensor", int, another tensor's dtype."""
    if isinstance(value, Api):
        return machine.table.dtype(value.name)
    if isinstance(value, Const) and isinstance(value.value, str):
        return machine.table.dtype(value.value)
    return None


def _asks_dtype(value: Value) -> bool:
    """Whether a value is the dtype of something unknown: `x.dtype`."""
    return isinstance(value, Unknown) and isinstance(value.symbol, tuple) and value.symbol[0] == "." and value.symbol[-1] == "dtype"


def _dtype_of_value(value: Value | None) -> tuple[str, str] | None:
    """The dtype that torch infers from a Python value, and how a message calls that value."""
    if isinstance(value, Const):
        return _dtype_of_constant(value.value)
    if isinstance(value, Tensor) and value.facts.dtype is not None:
        return value.facts.dtype, "tensor"
    if isinstance(value, Sequence) and value.items and not value.open:
        found = [_dtype_of_value(item) for item in value.items]
        if all(each is not None and each[0] == "int64" for each in found):
            return "int64", "integers"
        if all(each is not None and each[0] == "bool" for each in found):
            return "bool", "bools"
        if all(each is not None for each in found) and any(each is not None and each[0] == "float32" for each in found):
            return "float32", "floats"
    return None


def _dtype_of_constant(value: Any) -> tuple[str, str] | None:
    if isinstance(value, bool):
        return "bool", "bool"
    if isinstance(value, int):
        return "int64", "int"
    if isinstance(value, float):
        return "float32", "float"
    return None
