"""Which files make up the program, and what do their names stand for?

A module is read, parsed and run when something asks for one of its names: `from models.net import Net` costs nothing until Net is used.
Running a module only binds its names (functions and classes are not entered), so cyclic imports see what is bound so far.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import libcst as cst

from torchlint.errors import UnreadableFile
from torchlint.flow.attributes import library_name
from torchlint.flow.decisions import Assumptions
from torchlint.flow.imports import Resolver
from torchlint.flow.machine import Exhausted
from torchlint.flow.scope import ModuleScope
from torchlint.flow.values import Api, ApiObject, Const, Import, ModuleValue, Unknown, Value
from torchlint.flow.values import Sequence as SequenceValue
from torchlint.source import SourceFile

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

BODY_WORK = 300_000
"""How many nodes running the body of one file may take, which for a script or a notebook is the whole program."""
LIBRARY_WORK = 60_000
"""... of a file that is imported and not checked."""
STATEMENT_WORK = 120_000
"""... and one statement of it: a training loop does not take the turn of the cells behind it."""
LEAST_STATEMENT_WORK = 1_000
"""... and what any statement gets, so that what stands at the end is at least defined."""
MOST_IMPORTS = 30
"""How long a chain of re-exports is followed."""
ALWAYS_LIBRARY = frozenset({"torch"})
"""Never looked for in the project: a folder named torch is a wrapper or torch itself."""


class Files(Protocol):
    """What the flow asks of the disk."""

    def read(self, path: str) -> bytes | None: ...

    def is_file(self, path: str) -> bool: ...

    def is_dir(self, path: str) -> bool: ...

    def listdir(self, path: str) -> Sequence[str]: ...

    def shown(self, path: str) -> str: ...


class Project:
    """All files of the program that have been needed so far."""

    def __init__(self, files: Files, roots: Sequence[str], known: Sequence[str]) -> None:
        self._files = files
        self._resolver = Resolver(files, roots, known)
        self._targets = frozenset(known)
        self._modules: dict[str, ModuleScope | None] = {}
        self.settings: dict[str, dict[str, Any]] = {}  # what stands in the YAML and JSON files that were read, by path
        self.errors: dict[str, list[UnreadableFile]] = {}
        self._depth = 0

    def read(self, path: str) -> bytes | None:
        """The contents of a file of the project that is no Python: a configuration."""
        return self._files.read(path) if self._files.is_file(path) else None

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        return self._files.is_file(path)

    def is_dir(self, path: str) -> bool:
        """Whether there is such a folder."""
        return self._files.is_dir(path)

    def listed(self, folder: str) -> Sequence[str]:
        """The sorted names in a folder."""
        return self._files.listdir(folder)

    def upward(self, folder: str) -> Sequence[str]:
        """A folder of the project and those above it, up to the project's top."""
        return self._resolver.upward(folder)

    def module(self, machine: Machine, path: str) -> ModuleScope | None:
        """The module of a file (or of a folder without __init__.py), run; None when it cannot be read."""
        if path not in self._modules:
            self._modules[path] = scope = self._load(path)
            if scope is not None and scope.source is not None:
                self._run(machine, scope)
        return self._modules[path]

    def _load(self, path: str) -> ModuleScope | None:
        directory = posixpath.dirname(path)
        if self._files.is_dir(path):
            return ModuleScope(path, path, posixpath.basename(path), None)
        data = self._files.read(path)
        if data is None:
            self.errors[path] = [UnreadableFile(self._files.shown(path), "cannot be read")]
            return None
        try:
            source = SourceFile.from_bytes(self._files.shown(path), data)
            source.tree  # noqa: B018  (parse now, so that errors are found here)
        except UnreadableFile as error:
            self.errors[path] = [error]
            return None
        if source.problems:
            self.errors[path] = list(source.problems)
        return ModuleScope(path, directory, self._dotted(path), source)

    def _dotted(self, path: str) -> str:
        parts = [] if path.endswith("/__init__.py") else [posixpath.basename(path).removesuffix(".py")]
        folder = posixpath.dirname(path)
        while self._files.is_file(folder + "/__init__.py") and folder not in ("/", ""):
            parts.append(posixpath.basename(folder))
            folder = posixpath.dirname(folder)
        return ".".join(reversed(parts))

    def _run(self, machine: Machine, scope: ModuleScope) -> None:
        """Run a module's body apart from whatever was being evaluated when it was asked for."""
        assert scope.source is not None
        saved = (machine.paths, machine.frames, machine.work, machine.no_grad, machine.watch, machine.layer_loops)
        machine.paths, machine.frames, machine.no_grad, machine.watch, machine.layer_loops = Assumptions(), [], 0, None, 0
        mark = machine.store.mark()
        scope.variables["__name__"] = Const(scope.name)
        scope.variables["__file__"] = Unknown()
        scope.running = True
        left = BODY_WORK if scope.path in self._targets else LIBRARY_WORK
        try:
            for statement in scope.source.tree.body:
                machine.work = share = max(min(left, STATEMENT_WORK), LEAST_STATEMENT_WORK)
                self._run_statement(machine, statement, scope)
                left -= share - max(machine.work, 0)
        finally:
            scope.running = False
            machine.store.forget(mark)
            machine.paths, machine.frames, machine.work, machine.no_grad, machine.watch, machine.layer_loops = saved

    def _run_statement(self, machine: Machine, statement: cst.CSTNode, scope: ModuleScope) -> None:
        """One statement at the top of a file. What one that is too much has changed by then is taken back."""
        mark, unsure = machine.store.mark(), machine.unsure
        try:
            machine.run((statement,), scope)
        except (Exhausted, RecursionError):
            machine.store.undo(mark)
            machine.unsure = unsure
        except Exception as error:
            machine.failed(error)

    # --- imports ---------------------------------------------------------------------------------------------------------------

    def run_import(self, machine: Machine, node: Any, scope: Scope) -> None:
        """import a.b as c; from a import b, c as d; from a import *"""
        importer = scope.module.path
        if type(node) is cst.Import:
            for alias in node.names:
                dotted = dotted_name(alias.name)
                if alias.asname is not None:
                    self._bind(machine, scope, dotted_name(alias.asname.name), Import(dotted, 0, None, importer))
                else:
                    top = dotted.partition(".")[0]
                    self._bind(machine, scope, top, Import(top, 0, None, importer))
            return
        module = dotted_name(node.module) if node.module is not None else ""
        dots = len(node.relative)
        if type(node.names) is cst.ImportStar:
            self._import_star(machine, module, dots, scope.module)
            return
        for alias in node.names:
            item = alias.name.value
            bound = alias.asname.name.value if alias.asname is not None else item
            self._bind(machine, scope, bound, Import(module, dots, item, importer))

    def _bind(self, machine: Machine, scope: Scope, name: str, wanted: Import) -> None:
        """What is imported is looked for when it is used; on one of several paths at once, since the others may import another of that name."""
        if machine.paths.conditions:
            machine.store.write(scope.variables, name, self.resolve(machine, wanted))
        else:
            scope.variables[name] = wanted

    def _import_star(self, machine: Machine, module: str, dots: int, scope: ModuleScope) -> None:
        path = self._find(module, dots, scope.path, machine)
        if path is None:
            scope.stars.append(module)
            return
        found = self.module(machine, path)
        if found is not None:
            scope.stars.append(found)

    def _find(self, module: str, dots: int, importer: str, machine: Machine) -> str | None:
        if dots:
            return self._resolver.relative(module, dots, importer)
        if module.partition(".")[0] in ALWAYS_LIBRARY:
            return None
        return self._resolver.find(module, importer)

    def resolve(self, machine: Machine, wanted: Import) -> Value:
        """What an imported name stands for."""
        if self._depth > MOST_IMPORTS:
            return Unknown()
        self._depth += 1
        try:
            return self._resolve(machine, wanted)
        finally:
            self._depth -= 1

    def _resolve(self, machine: Machine, wanted: Import) -> Value:
        item = wanted.item
        if item is not None and not wanted.dots and machine.table.known(f"{wanted.module}.{item}"):
            return library_name(machine, machine.table.canonical(f"{wanted.module}.{item}"))
        path = self._find(wanted.module, wanted.dots, wanted.importer, machine)
        if path is None:
            if wanted.dots:
                return Unknown()
            return Api(machine.table.canonical(f"{wanted.module}.{item}" if item is not None else wanted.module))
        scope = self.module(machine, path)
        if scope is None:
            return Unknown()
        return ModuleValue(scope) if item is None else self.member(machine, scope, item)

    def member(self, machine: Machine, scope: ModuleScope, name: str) -> Value:
        """A name of a module: bound there, brought in by a star, or a sub-module."""
        found = scope.variables.get(name)
        if type(found) is Import:
            found = scope.variables[name] = self.resolve(machine, found)
        if found is not None:
            return found  # type: ignore[no-any-return]
        starred = self.imported(machine, scope, name)
        if starred is not None:
            return starred
        path = self._resolver.child(scope.path, name)
        child = self.module(machine, path) if path is not None else None
        return ModuleValue(child) if child is not None else Unknown(("member", id(scope), name))

    def submodules(self, machine: Machine, package: ModuleScope, before: str, after: str, most: int) -> dict[Hashable, Value]:
        """The files of a package whose names begin and end like this, as modules, by the rest of their names; none where there are too many."""
        name = re.compile(f"{re.escape(before)}(.+){re.escape(after)}")
        named = {match[1]: each for each in self._resolver.children(package.path) if (match := name.fullmatch(each))}
        found = {key: self.member(machine, package, each) for key, each in named.items()} if len(named) <= most else {}
        return {key: value for key, value in found.items() if isinstance(value, ModuleValue)}

    def _in_folder(self, machine: Machine, folder: ModuleScope, name: str) -> Value | None:
        """A name that `from folder import *` is meant to bring, where the folder has lost its __init__.py: that of one of its files."""
        for each in self._resolver.children(folder.path) if folder.source is None else ():
            child = self.member(machine, folder, each)
            if isinstance(child, ModuleValue) and name in child.scope.variables:
                return self.member(machine, child.scope, name)
        return None

    def imported(self, machine: Machine, scope: ModuleScope, name: str, seen: set[int] | None = None) -> Value | None:
        """A name that `from x import *` may have brought in; the latest star wins."""
        if not scope.stars:
            return None
        seen = {id(scope)} if seen is None else seen
        for star in reversed(scope.stars):
            if isinstance(star, str):
                if name in machine.table.names_in(star):
                    return Api(machine.table.canonical(f"{star}.{name}"))
            elif id(star) not in seen and self.exports(star, name):
                seen.add(id(star))
                if name in star.variables:
                    return self.member(machine, star, name)
                deeper = self.imported(machine, star, name, seen) or self._in_folder(machine, star, name)
                if deeper is not None:
                    return deeper
        return None

    @staticmethod
    def exports(module: ModuleScope, name: str) -> bool:
        """Whether a star import brings the name: what `__all__` lists, where that is known, else all without a leading underscore."""
        listed = module.variables.get("__all__")
        if isinstance(listed, SequenceValue) and not listed.open and all(isinstance(item, Const) for item in listed.items):
            return any(isinstance(item, Const) and item.value == name for item in listed.items)
        return not name.startswith("_")

    # --- parts of ready-made networks --------------------------------------------------------------------------------------------

    def fill_part(self, machine: Machine, owner: ApiObject, name: str, part: ApiObject) -> None:
        """The layers of a part of a ready-made network (vgg16().features), as its contract lists them."""
        layers = owner.model.layers.get(name) if owner.model is not None else None
        if layers:
            built = [(each.partition("=")[0] if "=" in each.partition("(")[0] else "", built_layer(machine, each, owner)) for each in layers]
            part.attributes["#items"] = SequenceValue([layer for _, layer in built], True)
            part.attributes.update({layer_name: layer for layer_name, layer in built if layer_name})


def built_layer(machine: Machine, text: str, owner: ApiObject) -> ApiObject:
    """A layer from its line in a contract: "Conv2d", "norm5=BatchNorm2d", "ReLU(inplace=True)"."""
    head, _, settings = text.partition("(")
    name = head.rpartition("=")[2]
    module = machine.table.module(f"torch.nn.{name}")
    arguments: dict[str, Value] = {"inplace": Const(True)} if "inplace=True" in settings else {}
    return ApiObject(f"torch.nn.{name}", module, arguments, owner.made)


def dotted_name(node: cst.CSTNode) -> str:
    """a.b.c as text."""
    if type(node) is cst.Attribute:
        return f"{dotted_name(node.value)}.{node.attr.value}"
    return node.value if type(node) is cst.Name else ""
