"""What holds after two branches meet?

    if flag: x = softmax(x)      # branch 1 wrote x
    else:    y = 0               # branch 2 wrote y
    # after: x is either (with the condition that flag holds) or the old one

Variables and attributes become alternatives; a list that one branch lengthened has entries that may be missing; the version of a
tensor's memory counts as written only when every branch wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import dataclass
from typing import Any

from torchlint.flow.decisions import join
from torchlint.flow.store import ABSENT, Changes, Store
from torchlint.flow.values import OBJECTS, Alternatives, ApiObject, Condition, Option, Tensor, Value


class Missing(Value):
    """A list entry that is there only on some path; called as a module it hands its input through."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Missing"


MISSING = Missing()


@dataclass(slots=True)
class Branch:
    """One branch that was run. left: it returned or raised; alive: its changes can be seen afterwards (False after raise);
    usual: the defaults of the program's settings lead here."""

    conditions: tuple[Condition, ...]
    changes: Changes
    alive: bool
    left: bool
    usual: bool = False


def chosen_object(value: Value) -> bool:
    """Whether "this or another" is a choice of networks or losses, which are each reported by themselves, and not of a mere layer."""
    if isinstance(value, ApiObject):
        module = value.module
        return module is None or module.container is not None or value.model is not None or "Loss" in value.name
    return isinstance(value, OBJECTS)


MEMORY = frozenset({"version", "writer", "savers", "keepers", "guard", "told"})
"""What a Storage knows of itself: writes on a path that has left do not count for those that go on."""


def merge(store: Store, branches: Seq[Branch], variables: object) -> int:
    """Write into the store what the branches leave together. Of a branch that returned, only changes to shared contents stay.
    Returns how many alternatives were put together for that, which takes time."""
    joined = 0
    going_on = [branch for branch in branches if not branch.left]
    slots = {slot: contents for branch in branches if branch.alive for slot, (contents, _) in branch.changes.items()}
    for slot, contents in slots.items():
        key = slot[1]
        memory = key in MEMORY and not any(isinstance(branch.changes[slot][1], Value) for branch in branches if slot in branch.changes)
        sharers = going_on if contents is variables or (going_on and memory) else [b for b in branches if b.alive]
        if not sharers or not any(slot in branch.changes for branch in sharers):
            continue
        old = contents.get(key, ABSENT)
        values = [(branch, branch.changes[slot][1] if slot in branch.changes else old) for branch in sharers]
        joined += sum(len(value.options) for _, value in values if isinstance(value, Alternatives))
        merged = _merged(values)
        if merged is ABSENT:
            store.delete(contents, key)
        elif merged is not old:
            store.write(contents, key, merged)
    return joined


def _merged(values: Seq[tuple[Branch, Any]]) -> Any:
    present = [(branch, value) for branch, value in values if value is not ABSENT]
    if not present:
        return ABSENT
    if len(present) == 1:
        return present[0][1]
    if all(isinstance(value, Value) for _, value in present):
        return join(Option(value, branch.conditions, branch.usual or chosen(value)) for branch, value in present)
    if all(isinstance(value, tuple) for _, value in present):
        if all(isinstance(item, Value) for _, value in present for item in value):
            return _merged_items(present)
        return tuple(item for item in present[0][1] if all(any(item is other for other in value) for _, value in present))
    first = present[0][1]
    if first is None or any(value is None for _, value in present):
        return None
    if all(value == first for _, value in present):
        return first
    if isinstance(first, bool):
        return any(value for _, value in present)
    if isinstance(first, int):
        return min(value for _, value in present)
    return first


def chosen(value: Value) -> bool:
    """Whether a value is an object, or a choice among objects: which of them it is, is for the program to say."""
    if isinstance(value, Alternatives):
        return not any(isinstance(option.value, Tensor) for option in value.options)
    return chosen_object(value)


def _merged_items(present: Seq[tuple[Branch, Any]]) -> Any:
    """Entries of a list that the branches filled differently; where one is longer, its further entries may be missing."""
    longest = max((value for _, value in present), key=len)
    if all(value is longest for _, value in present):
        return longest
    merged: list[Any] = []
    for index in range(len(longest)):
        entries = [(branch, value[index] if index < len(value) else MISSING) for branch, value in present]
        if all(entry is entries[0][1] for _, entry in entries):
            merged.append(entries[0][1])
        else:
            merged.append(join(Option(entry, branch.conditions, branch.usual or chosen(entry)) for branch, entry in entries))
    return tuple(merged)
