"""What do hooks see and keep?

    feats = []
    net.conv.register_forward_hook(lambda module, args, output: feats.append(output))
    net(x)      # the hook runs behind conv; `feats` keeps conv's output by reference, and an in-place ReLU behind it overwrites it

A hook is run like any function of the project. While it runs, `Watch` looks whether the hooked tensor is stored somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from torchlint.flow import memory
from torchlint.flow.arguments import Arguments
from torchlint.flow.values import ApiObject, Instance, Sequence, Storage, Tensor, Unknown, Value
from torchlint.flow.wording import title
from torchlint.model import Step

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

HOOKS = "#hooks"
"""The attribute that holds the hooks of a module, in order of registration."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A registered hook: what kind, what is called, and where it was registered; asked: the call that led there, which says for what."""

    kind: str
    function: Value
    node: cst.CSTNode
    scope: Scope
    asked: Step | None


@dataclass(frozen=True, slots=True)
class Watch:
    """The tensor whose keeping is looked for, and who looks."""

    storage: Storage
    name: str
    node: cst.CSTNode
    scope: Scope
    asked: Step | None


def register(machine: Machine, target: Value, kind: str, function: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """Add a hook to a module; gives the handle."""
    if not isinstance(target, (Instance, ApiObject)):
        return Unknown()
    frame = machine.frame
    asked = Step(f"the hook on {title(target)} is registered for this call", frame.place) if frame is not None and frame.place is not None else None
    hook = Hook(kind, function, node, scope, asked)
    machine.store.write(target.attributes, HOOKS, (*target.attributes.get(HOOKS, ()), hook))
    return handle_of(target, hook)


def handle_of(target: Value, hook: Hook) -> ApiObject:
    """What registering gives: an object with which the hook can be removed."""
    handle = ApiObject("torch.utils.hooks.RemovableHandle", None, {})
    handle.attributes.update({HOOKS: hook, "#target": target})
    return handle


def remove(machine: Machine, handle: ApiObject) -> None:
    """handle.remove()"""
    target, hook = handle.attributes["#target"], handle.attributes[HOOKS]
    machine.store.write(target.attributes, HOOKS, tuple(each for each in target.attributes.get(HOOKS, ()) if each is not hook))


def before(machine: Machine, target: Instance | ApiObject, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Arguments:
    """Run the hooks that see a module's input; a hook may replace it."""
    for hook in target.attributes.get(HOOKS, ()):
        first = arguments.first()
        if hook.kind == "forward_pre_hook":
            returned = _run(machine, hook, target, first, [target, Sequence(arguments.positional)], "forward pre-hook")
            given = returned.items if isinstance(returned, Sequence) else (returned,) if isinstance(returned, Tensor) else ()
            if given:
                arguments = Arguments(list(given), arguments.keywords)
        elif hook.kind == "full_backward_hook" and isinstance(first, Tensor) and first.grad:
            _guard(machine, first, hook, target)
    return arguments


def after(machine: Machine, target: Instance | ApiObject, arguments: Arguments, result: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """Run the hooks that see a module's output; a hook may replace it."""
    for hook in target.attributes.get(HOOKS, ()):
        if hook.kind == "forward_hook":
            returned = _run(machine, hook, target, result, [target, Sequence(arguments.positional), result], "forward hook")
            if isinstance(returned, Tensor):
                result = returned
        elif hook.kind == "full_backward_hook" and isinstance(result, Tensor) and result.grad:
            _guard(machine, result, hook, target)
    return result


def _run(machine: Machine, hook: Hook, target: Value, seen: Value | None, positional: list[Value], what: str) -> Value:
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    outer = machine.watch
    machine.watch = (
        Watch(memory.storage_of(seen), f"{what} on {title(target)}", hook.node, hook.scope, hook.asked) if isinstance(seen, Tensor) else None
    )
    try:
        return call(machine, hook.function, Arguments(positional), hook.node, hook.scope)
    finally:
        machine.watch = outer


def _guard(machine: Machine, tensor: Tensor, hook: Hook, target: Value) -> None:
    """A full backward hook makes the tensor a view that may not be written in place."""
    step = Step(f"a full backward hook is registered on {title(target)}", machine.place(hook.node, hook.scope))
    storage = memory.storage_of(tensor)
    machine.store.write(storage.state, "guard", (memory.version_of(storage), step, title(target)))


def stored(machine: Machine, value: Value, node: cst.CSTNode, scope: Scope, where: str) -> None:
    """A value is put somewhere that outlives the statement: note it if it is the watched tensor, or a layer's output in a loop over layers."""
    if not isinstance(value, Tensor):
        return
    watch = machine.watch
    if watch is not None:
        if value.storage is watch.storage:
            memory.keep(machine, value, watch.name, f"the {watch.name} keeps this tensor without a copy", watch.node, watch.scope, True, watch.asked)
    elif machine.layer_loops:
        memory.keep(machine, value, where, "the loop keeps this layer's output without a copy", node, scope, False)
