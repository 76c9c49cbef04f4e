"""How can a branch of the program be tried and taken back?

All contents that change (variables, attributes, list items, tensor versions) live in dicts that are written only here. Each write is
logged; `undo` takes back everything since a mark and tells what had changed, so that two branches can be run one after the other
from the same state and their changes merged:

    mark = store.mark()
    store.write(scope.variables, "x", probabilities)
    changes = store.undo(mark)          # {(scope.variables, "x"): probabilities}, and x is what it was
"""

from __future__ import annotations

from typing import Any

ABSENT: Any = object()
"""Stands for "there was no such key"."""

Slot = tuple[int, Any]
Changes = dict[Slot, tuple[dict[Any, Any], Any]]


class Store:
    """The undo log. `epoch` grows with every write to shared contents; memoised results are valid within one epoch only."""

    __slots__ = ("epoch", "log")

    def __init__(self) -> None:
        self.log: list[tuple[dict[Any, Any], Any, Any]] = []
        self.epoch = 0

    def write(self, contents: dict[Any, Any], key: Any, value: Any) -> None:
        """Set contents[key] = value, remembering what was there."""
        self.log.append((contents, key, contents.get(key, ABSENT)))
        contents[key] = value
        self.epoch += 1

    def write_local(self, contents: dict[Any, Any], key: Any, value: Any) -> None:
        """As `write`, for a variable of a running function, which no memoised result can depend on."""
        self.log.append((contents, key, contents.get(key, ABSENT)))
        contents[key] = value

    def delete(self, contents: dict[Any, Any], key: Any) -> None:
        """Remove a key if it is there."""
        if key in contents:
            self.log.append((contents, key, contents[key]))
            del contents[key]
            self.epoch += 1

    def mark(self) -> int:
        """A point to come back to."""
        return len(self.log)

    def undo(self, mark: int) -> Changes:
        """Take back all writes since `mark`; what each written slot held just before (ABSENT if nothing)."""
        changes: Changes = {}
        log = self.log
        if len(log) == mark:
            return changes
        for contents, key, _ in log[mark:]:
            changes[id(contents), key] = (contents, contents.get(key, ABSENT))
        while len(log) > mark:
            contents, key, old = log.pop()
            if old is ABSENT:
                contents.pop(key, None)
            else:
                contents[key] = old
        self.epoch += 1
        return changes

    def forget(self, mark: int) -> None:
        """Keep all writes since `mark` for good: they can no longer be taken back."""
        del self.log[mark:]

    def changed_since(self, mark: int) -> Changes:
        """What was written since `mark`, with the value held before it: {(slot): (contents, old value)}."""
        first: Changes = {}
        for contents, key, old in self.log[mark:]:
            first.setdefault((id(contents), key), (contents, old))
        return first
