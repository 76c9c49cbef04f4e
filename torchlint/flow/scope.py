"""Where do names live?

A function call has a Scope of its own inside the scope the function was defined in; the outermost is the ModuleScope of a file.
A Frame is one running call: what it returned so far and how it was entered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchlint.flow.values import Class, Function, Option, Value
from torchlint.model import Place

if TYPE_CHECKING:
    from torchlint.source import SourceFile


class Frame:
    """One running function. results: what it may return, with the conditions since it was entered; place: where it was called."""

    __slots__ = ("assumed", "forward", "function", "place", "receiver", "results", "variables", "yields")

    def __init__(self, function: Function | None, receiver: Value | None, assumed: int, forward: bool, place: Place | None = None) -> None:
        self.function = function
        self.receiver = receiver
        self.assumed = assumed
        self.forward = forward  # inside the forward of a module
        self.place = place
        self.results: list[Option] = []
        self.yields: list[Option] = []
        self.variables: dict[str, Any] = {}

    @property
    def owner(self) -> Class | None:
        return self.function.owner if self.function is not None else None


class Scope:
    """Variables by name, and the scope around."""

    __slots__ = ("frame", "globals", "is_class", "is_comprehension", "module", "outer", "parent", "variables")

    def __init__(self, parent: Scope | None, module: ModuleScope | None, frame: Frame | None) -> None:
        self.variables: dict[str, Any] = {}
        self.parent = parent
        self.module: ModuleScope = module if module is not None else self  # type: ignore[assignment]
        self.frame = frame
        self.is_comprehension = False
        self.is_class = False  # the body of a class, whose names its methods do not see
        self.globals: frozenset[str] = frozenset()
        self.outer: frozenset[str] = frozenset()  # names declared nonlocal

    def home(self, name: str) -> Scope:
        """The scope that an assignment to `name` writes."""
        if name in self.globals:
            return self.module
        if name in self.outer:
            scope = self.parent
            while scope is not None:
                if name in scope.variables:
                    return scope
                scope = scope.parent
        return self


class ModuleScope(Scope):
    """The names of one file. stars: scopes and library names that `from x import *` brought in, latest last."""

    __slots__ = ("directory", "name", "path", "running", "source", "stars")

    def __init__(self, path: str, directory: str, name: str, source: SourceFile | None) -> None:
        super().__init__(None, None, None)
        self.path = path
        self.directory = directory
        self.name = name  # the dotted name, as far as __init__.py files tell
        self.source = source
        self.stars: list[ModuleScope | str] = []
        self.running = False
