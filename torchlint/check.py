"""Which findings does a project have?

    result = check(files, ["/p/train.py", "/p/net.py"], ["/p"], Settings())
    result.findings     # sorted by place, one for each mistake at each place

Pure but for `files`, through which everything is read: the flow tells events, the rules judge them, and this module puts together what
they say of one place: the shortest trace, how many more flows reach it, and whether it is proven or only possible.
"""

from __future__ import annotations

import ast
import gc
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from torchlint.config import Settings
from torchlint.contracts.table import load
from torchlint.errors import UnreadableFile
from torchlint.events import Event, LossCall
from torchlint.flow.entries import Entries
from torchlint.flow.imports import Resolver
from torchlint.flow.machine import Machine
from torchlint.flow.places import NodePlace, locate
from torchlint.flow.project import Files, Project
from torchlint.flow.relevance import relevant
from torchlint.flow.scope import ModuleScope
from torchlint.model import Evidence, Finding, Location, Place, Report, TraceStep
from torchlint.rules.registry import judge
from torchlint.source import SourceFile

RECURSION = 20_000
ANYTHING = ("distance", "other", None)
"""Families of losses whose input may mean anything."""
Progress = Callable[[int, int, str], None]


@dataclass(slots=True)
class Result:
    """What a run found. errors: files that could not be read or parsed; files: how many were given to it."""

    findings: list[Finding] = field(default_factory=list)
    errors: list[UnreadableFile] = field(default_factory=list)
    files: int = 0


@dataclass(slots=True)
class _Told:
    """One report with the event it came from."""

    report: Report
    event: Event


class Choices:
    """The pairs of loss and input that meet where a program chooses the loss by something unknown."""

    def __init__(self) -> None:
        self._wrong: dict[tuple[object, object], bool] = {}

    def take(self, event: LossCall, wrong: bool) -> None:
        """Note one pair, and whether a rule speaks of it. A loss that takes anything (a distance) tells nothing of its partner."""
        if event.call.loss in ANYTHING:
            return
        pair = _pair(event)
        self._wrong[pair] = self._wrong.get(pair, False) or wrong

    def has_right_loss(self, event: LossCall) -> bool:
        """Whether the input is right with another loss of the choice."""
        given = _pair(event)[1]
        return any(other == given and not wrong for (_, other), wrong in self._wrong.items())


def _pair(event: LossCall) -> tuple[object, object]:
    given = event.arguments.get("input")
    steps = given.trace.steps() if given is not None and given.trace is not None else ()
    made = event.made.place if event.made is not None else None
    return (event.callee, made), (given.kind if given is not None else None, steps[0].place if steps else None)


class Collector:
    """Gathers what the rules say while the flow runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._told: dict[tuple[Place, str], list[_Told]] = defaultdict(list)
        self._choices: dict[Place, Choices] = defaultdict(Choices)

    def take(self, event: Event) -> None:
        """Judge one event."""
        wrong = False
        for report in judge(event):
            wrong = True
            if self._settings.enabled(report.rule):
                self._told[report.place, report.rule.code].append(_Told(report, event))
        if isinstance(event, LossCall) and event.free is not None:
            self._choices[event.free].take(event, wrong)

    def findings(self) -> list[Finding]:
        """One finding for each place and rule."""
        locations = locate({place for told in self._told.values() for each in told for place in _places(each.report)})
        found = []
        for told in self._told.values():
            finding = self._finding(told, locations)
            if finding is not None:
                found.append(finding)
        return sorted(found, key=lambda finding: finding.sort_key)

    def _finding(self, told: list[_Told], locations: dict[Place, Location]) -> Finding | None:
        told = [each for each in told if each.report.place in locations and not self._suppressed(each.report, locations)]
        sure = [each for each in told if (each.event.certain or _in_all_cases(each, told)) and not self._may_never_meet(each.event)]
        if not told or (not sure and not self._settings.show_possible):
            return None
        evidence = Evidence.PROVEN if sure else Evidence.POSSIBLE
        report = min(sure or told, key=lambda each: len(each.report.steps)).report
        steps = tuple(TraceStep(step.message, locations[step.place]) for step in report.steps if step.place in locations)
        ways = {tuple(step.place for step in each.report.steps[:1]) for each in told}
        return Finding(
            report.rule.code, report.rule.name, report.severity or report.rule.severity, evidence, report.message, report.help, report.rule.url,
            locations[report.place], steps, len(ways) - 1, locations.get(report.cause.place) if report.cause is not None else None,
        )  # fmt: skip

    def _may_never_meet(self, event: Event) -> bool:
        """Whether the loss is chosen freely and another of the choice is right for this input: then this one need not be used with it."""
        return isinstance(event, LossCall) and event.free is not None and self._choices[event.free].has_right_loss(event)

    def _suppressed(self, report: Report, locations: dict[Place, Location]) -> bool:
        """An ignore comment on the lines of the place itself, or of any step of the trace."""
        for place in _places(report):
            location = locations.get(place)
            if isinstance(place, NodePlace) and location is not None:
                first = place.source.program_line(location)
                last = first + (location.end_line - location.line if place is report.place else 0)
                if place.source.suppressions.hides_span(first, last, report.rule.code, report.rule.name):
                    return True
        return False


def _places(report: Report) -> Iterable[Place]:
    yield report.place
    for step in report.steps:
        yield step.place


def _in_all_cases(one: _Told, told: list[_Told]) -> bool:
    """Whether every alternative of the happening gives this finding."""
    cases = one.event.cases
    return cases.count > 1 and sum(1 for each in told if each.event.cases is cases) >= cases.count


def check(files: Files, targets: Sequence[str], roots: Sequence[str], settings: Settings, progress: Progress | None = None) -> Result:
    """Check the targets. Files beside them are read where a target imports them."""
    collector = Collector(settings)
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
        _run(machine, project, chosen, progress, files)
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


def _run(machine: Machine, project: Project, chosen: Sequence[str], progress: Progress | None, files: Files) -> None:
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

    Entries(machine, modules, advance).run()
