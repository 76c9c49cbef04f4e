"""Who shares memory with whom, and who overwrites it?

Each tensor has a Storage; views and in-place results share it. An in-place operation raises the storage's version; a tensor value
remembers the version at which it arose. So in

    identity = x
    out = F.relu(x, inplace=True)    # storage version 1; `out` is at version 1, `identity` still at 0
    return out + identity            # reads a value of version 0 from a storage at version 1: overwritten

the last line reads `identity` stale. An operation that only moves data (cat, view) passes the staleness on; a ReLU clears that of
another ReLU; anything that computes reports it. The same bookkeeping tells which tensors backward still needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from torchlint.contracts.schema import Call
from torchlint.events import BackwardHookOnInplace, InplaceWrite, KeptOverwritten, StaleRead
from torchlint.flow.values import Storage, Tensor
from torchlint.model import Facts, Kind, Place, Step
from torchlint.wording import short

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """One in-place operation: what wrote, and where."""

    step: Step
    name: str
    call: Call | None
    activation: bool


@dataclass(frozen=True, slots=True, eq=False)
class Saver:
    """A call whose backward needs the storage as it was at `version`."""

    step: Step
    name: str
    saved: str
    version: int


@dataclass(frozen=True, slots=True, eq=False)
class Keeper:
    """A hook or loop that keeps the tensor without a copy. reported once."""

    step: Step
    name: str
    version: int
    hooked: bool
    asked: Step | None = None  # the call on whose behalf the hook was registered


@dataclass(frozen=True, slots=True, eq=False)
class Stale:
    """A write that a value has suffered, and where it was first read by something that only moves data (torch.cat)."""

    write: Write
    reader: str = ""
    place: Place | None = None


def storage_of(tensor: Tensor) -> Storage:
    """The tensor's storage; one is made for a tensor that had none."""
    if tensor.storage is None:
        tensor.storage = Storage()
    return tensor.storage


def version_of(storage: Storage) -> int:
    """How often the storage has been written."""
    version: int = storage.state["version"]
    return version


def staleness(tensor: Tensor) -> Stale | None:
    """The write that this value has suffered since it arose, or None."""
    storage = tensor.storage
    if storage is not None and version_of(storage) > tensor.version and storage.state["told"] != tensor.version:
        return Stale(storage.state["writer"])
    stale: Stale | None = tensor.stale
    return stale


def current(tensor: Tensor) -> Facts:
    """What is known of the tensor now: a value whose memory was written through another name has lost its kind."""
    facts = tensor.facts
    if staleness(tensor) is None:
        return facts
    return Facts(Kind.UNKNOWN, facts.dtype, dtype_trace=facts.dtype_trace)


def touched(machine: Machine, tensor: Tensor, node: cst.CSTNode, scope: Scope) -> None:
    """Something writes the memory of the tensor on purpose: slice assignment, `out=`, `.data =`."""
    storage = storage_of(tensor)
    machine.store.write(storage.state, "writer", Write(Step("it is written here", machine.place(node, scope)), "an assignment", None, False))
    machine.store.write(storage.state, "version", version_of(storage) + 1)


def moved(tensor: Tensor, mover: str, place: Place) -> Stale | None:
    """The staleness that a copy of the tensor takes along."""
    stale = staleness(tensor)
    return Stale(stale.write, mover, place) if stale is not None and stale.place is None else stale


def sure(machine: Machine) -> bool:
    """Whether what happens now happens on every path that leads here; which memory is shared differs from path to path."""
    return machine.unsure == 0


def is_activation(call: Call) -> bool:
    """Whether a call is an activation written in place, by an option or as relu_; dropout, `add_` and `log_` are not."""
    changes = call.gives not in (None, "same", "self") or bool(call.converts)
    return changes and (call.inplace is not None or call.module is not None or call.idempotent)


def clears(reader: Call, writer: Write) -> bool:
    """Whether the reader gives the same on the overwritten value: relu(relu(x)) = relu(leaky_relu(x)) = relu(x)."""
    if writer.call is None or reader.gives != Kind.NONNEGATIVE.value or not reader.idempotent:
        return False
    return writer.call.keeps_positive


def read(machine: Machine, tensor: Tensor, reader: str, node: cst.CSTNode, scope: Scope, call: Call | None = None) -> None:
    """A computing operation reads the tensor: report it if what it reads has been overwritten by an activation."""
    stale = staleness(tensor)
    if stale is None or not stale.write.activation or (call is not None and (call.metadata or clears(call, stale.write))):
        return
    place = stale.place or machine.place(node, scope)
    write = stale.write
    machine.emit(
        StaleRead(
            place=place, certain=sure(machine), writer=write.step, writer_name=write.name, reader=stale.reader or reader, origin=tensor.facts.trace
        )
    )


def write_inplace(machine: Machine, tensor: Tensor, name: str, node: cst.CSTNode, scope: Scope, call: Call | None, facts: Facts) -> Tensor:
    """An in-place operation writes the tensor; gives the value after it."""
    storage = storage_of(tensor)
    state = storage.state
    version = version_of(storage)
    step = Step(f"{short(name)} overwrites it in place", machine.place(node, scope))
    writer = Write(step, short(name), call, call is not None and is_activation(call) and not tensor.part)
    if tensor.grad and not machine.no_grad and machine.inside_forward() and version == tensor.version:
        _report_saved(machine, state, version, writer)
    _report_kept(machine, state, writer)
    _report_guard(machine, state, version, writer)
    machine.store.write(state, "version", version + 1)
    machine.store.write(state, "writer", writer)
    return Tensor(facts, storage, version + 1, tensor.grad)


def _report_saved(machine: Machine, state: dict[str, object], version: int, writer: Write) -> None:
    savers = state.get("savers", ())
    assert isinstance(savers, tuple)
    for saver in savers:
        if saver.version == version:
            machine.emit(
                InplaceWrite(
                    place=writer.step.place,
                    certain=sure(machine),
                    writer_name=writer.name,
                    saver=saver.step,
                    saver_name=saver.name,
                    saved=saver.saved,
                )
            )
            return


def _report_kept(machine: Machine, state: dict[str, object], writer: Write) -> None:
    keepers = state.get("keepers", ()) if writer.activation else ()
    assert isinstance(keepers, tuple)
    for keeper in keepers:
        machine.emit(
            KeptOverwritten(
                place=keeper.step.place,
                certain=sure(machine),
                keeper=keeper.step,
                keeper_name=keeper.name,
                writer=writer.step,
                writer_name=writer.name,
                hooked=keeper.hooked,
                made=keeper.asked,
            )
        )
    if keepers:
        machine.store.write(state, "keepers", ())
        machine.store.write(state, "told", keepers[-1].version)  # whoever reads what was kept need not be told again


def _report_guard(machine: Machine, state: dict[str, object], version: int, writer: Write) -> None:
    guard = state.get("guard")
    if isinstance(guard, tuple) and guard[0] == version and not machine.no_grad:
        _, step, module_name = guard
        machine.emit(
            BackwardHookOnInplace(place=step.place, certain=sure(machine), module_name=module_name, writer=writer.step, writer_name=writer.name)
        )


def save(machine: Machine, tensor: Tensor, name: str, saved: str, node: cst.CSTNode, scope: Scope) -> None:
    """Remember that backward of a call needs the tensor as it is now."""
    if machine.no_grad or machine.watch is not None:  # what a hook looks at is seldom part of the loss
        return
    storage = storage_of(tensor)
    what = "its input" if saved == "input" else "its output"
    saver = Saver(Step(f"backward of {short(name)} needs {what}", machine.place(node, scope)), short(name), saved, version_of(storage))
    machine.store.write(storage.state, "savers", (*storage.state.get("savers", ()), saver))


def keep(machine: Machine, tensor: Tensor, name: str, message: str, node: cst.CSTNode, scope: Scope, hooked: bool, asked: Step | None = None) -> None:
    """Remember that somebody keeps the tensor by reference."""
    storage = storage_of(tensor)
    keeper = Keeper(Step(message, machine.place(node, scope)), name, version_of(storage), hooked, asked)
    machine.store.write(storage.state, "keepers", (*storage.state.get("keepers", ()), keeper))
