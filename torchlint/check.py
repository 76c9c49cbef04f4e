"""Which findings does a project have?

    result = check(files, ["/p/train.py", "/p/net.py"], ["/p"], Settings())
    result.findings     # sorted by place, one for each mistake at each place

Pure but for `files`, through which everything is read: the flow tells events, and a Collector lets the rules judge them.
"""

from __future__ import annotations

import ast
import gc
import sys
import warnings
from collections.abc import Callable, Sequence

from torchlint.collecting import Collector, Result
from torchlint.config import Settings
from torchlint.contracts.table import load
from torchlint.errors import UnreadableFile
from torchlint.flow.entries import Entries
from torchlint.flow.imports import Resolver
from torchlint.flow.machine import Machine
from torchlint.flow.places import locate
from torchlint.flow.project import Files, Project
from torchlint.flow.relevance import networks_in, relevant
from torchlint.flow.scope import ModuleScope
from torchlint.source import SourceFile

RECURSION = 20_000
Progress = Callable[[int, int, str], None]


def check(files: Files, targets: Sequence[str], roots: Sequence[str], settings: Settings, progress: Progress | None = None) -> Result:
    """Check the targets. Files beside them are read where a target imports them."""
    collector = Collector(settings, locate)
    table = load(settings.calls, settings.modules)
    machine = Machine(table, collector.take)
    chosen, contents = follow(machine, files, targets, roots, progress)
    errors = [error for path in chosen for error in machine.project.errors.get(path, ())]
    errors += [error for path in contents.keys() - set(chosen) for error in _syntax_errors(files.shown(path), contents[path])]
    return Result(collector.findings(), errors, len(targets))


def follow(
    machine: Machine, files: Files, targets: Sequence[str], roots: Sequence[str], progress: Progress | None = None
) -> tuple[list[str], dict[str, bytes]]:
    """Run the program in the targets on abstract values; gives the files that were followed, and the contents of all that could be read."""
    project = machine.project = Project(files, roots, targets)
    contents = {path: data for path in targets if (data := files.read(path)) is not None}
    chosen = relevant(contents, machine.table.tokens, Resolver(files, roots, targets))
    limit, collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(limit, RECURSION))
    gc.disable()
    try:
        _run(machine, project, chosen, progress, files, networks_in(contents.values()))
    finally:
        sys.setrecursionlimit(limit)
        if collecting:
            gc.enable()
    return chosen, contents


def _syntax_errors(path: str, data: bytes) -> list[UnreadableFile]:
    """What is wrong with a file that the flow had no reason to parse. Python's own parser is asked first, being ten times faster."""
    try:
        source = SourceFile.from_bytes(path, data)
        if not source.is_notebook:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    compile(source.text, path, "exec", ast.PyCF_ONLY_AST)
                return []
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                pass  # perhaps only too new for the Python that runs torchlint
        source.tree  # noqa: B018
        return list(source.problems)
    except UnreadableFile as error:
        return [error]


def _run(machine: Machine, project: Project, chosen: Sequence[str], progress: Progress | None, files: Files, networks: frozenset[str]) -> None:
    total = 2 * len(chosen)
    modules: list[ModuleScope] = []
    for done, path in enumerate(chosen):
        if progress is not None:
            progress(done, total, files.shown(path))
        module = project.module(machine, path)
        if module is not None:
            modules.append(module)
    count = [len(chosen)]

    def advance(module: ModuleScope) -> None:
        count[0] += 1
        if progress is not None:
            progress(min(count[0], total), total, module.source.path if module.source is not None else module.path)

    Entries(machine, modules, advance, networks).run()
