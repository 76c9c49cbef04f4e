"""Which findings come of all that the rules say?

    collector = Collector(settings, locate)
    collector.take(event)           # judged by the rules
    collector.findings()            # sorted by place, one for each mistake at each place

This module puts together what is said of one place: the shortest trace, how many more flows reach it, and how sure it is. Neither syntax nor torch
is known here: both witnesses tell their events to a collector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from torchlint.config import Settings
from torchlint.errors import UnreadableFile
from torchlint.events import Event, LossCall
from torchlint.model import Evidence, Finding, Location, Place, Report, TraceStep
from torchlint.rules.registry import judge

Locate = Callable[[Iterable[Place]], dict[Place, Location]]
ANYTHING = ("distance", "other", None)
"""Families of losses whose input may mean anything."""
_STRENGTH: Mapping[Evidence, int] = {Evidence.PROVEN: 0, Evidence.VIOLATED: 1, Evidence.SUPPORTED: 2, Evidence.POSSIBLE: 3}


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

    @property
    def evidence(self) -> Evidence:
        return self.report.evidence or self.event.evidence


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

    def __init__(self, settings: Settings, locate: Locate) -> None:
        self._settings = settings
        self._locate = locate
        self._told: dict[tuple[Place, str], list[_Told]] = defaultdict(list)
        self._choices: dict[Place, Choices] = defaultdict(Choices)

    def take(self, event: Event) -> None:
        """Judge one event."""
        wrong = False
        for report in judge(event):
            wrong = True
            if self._settings.enabled(report.rule):
                self.add(report, event)
        if isinstance(event, LossCall) and event.free is not None:
            self._choices[event.free].take(event, wrong)

    def add(self, report: Report, event: Event) -> None:
        """Keep what a rule says of an event."""
        self._told[report.place, report.rule.code].append(_Told(report, event))

    def findings(self) -> list[Finding]:
        """One finding for each place and rule."""
        locations = self._locate({place for told in self._told.values() for each in told for place in _places(each.report)})
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
        best = min(sure or told, key=lambda each: (_STRENGTH[each.evidence], len(each.report.steps)))
        report = best.report
        evidence = best.evidence if sure else Evidence.POSSIBLE
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
        rule = report.rule
        return any(place in locations and place.silences(locations[place], rule.code, rule.name, place is report.place) for place in _places(report))


def _places(report: Report) -> Iterable[Place]:
    yield report.place
    for step in report.steps:
        yield step.place


def _in_all_cases(one: _Told, told: list[_Told]) -> bool:
    """Whether every alternative of the happening gives this finding."""
    cases = one.event.cases
    return cases.count > 1 and sum(1 for each in told if each.event.cases is cases) >= cases.count
