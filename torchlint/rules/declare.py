"""How is a rule written down?

A rule is a generator function over one kind of event. The annotation of its only parameter says which events it sees,
the decorator says who it is, and what it yields are remarks: the words alone, since rule and place follow from the call:

    @rule("TL601", "softmax-without-dim", Severity.WARNING, "softmax, softmin or log_softmax without dim")
    def softmax_without_dim(event: ActivationCall) -> Iterator[Remark]:
        if "dim" in event.missing:
            yield Remark("F.softmax has no dim: ...", help="write dim=-1")

A function with a wrong signature, and a code or name that is taken, raise when the module is imported.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from torchlint.contracts.schema import LossFamily
from torchlint.events import Event
from torchlint.model import Evidence, Facts, Rule, Severity, Step, Trace

E = TypeVar("E", bound=Event)

_CODE = re.compile(r"TL\d{3}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class Remark:
    """What a rule says of one event; the fields mean what they mean in `Report`."""

    message: str
    help: str
    steps: tuple[Step, ...] = ()
    severity: Severity | None = None
    cause: Step | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule, the event classes that it sees, and its generator; no events for a rule that the checker itself reports.

    losses: the families of losses that it speaks of, empty for any
    """

    rule: Rule
    events: tuple[type[Event], ...]
    judge: Callable[[Any], Iterator[Remark]]
    losses: frozenset[LossFamily] = frozenset()


ENTRIES: dict[str, Entry] = {}
"""All rules declared so far, by code. Read them through the registry, which makes sure that every family is imported."""


def rule(
    code: str, name: str, severity: Severity, summary: str, default: bool = True, losses: Iterable[LossFamily] = ()
) -> Callable[[Callable[[E], Iterator[Remark]]], Callable[[E], Iterator[Remark]]]:
    """Declare the decorated generator as a rule. losses: the families of losses whose events it sees; all, where none is named."""
    identity = Rule(code, name, severity, summary, default)

    def declare(function: Callable[[E], Iterator[Remark]]) -> Callable[[E], Iterator[Remark]]:
        _add(Entry(identity, _events_of(function), function, frozenset(losses)))
        return function

    return declare


def announce(identity: Rule) -> Rule:
    """Declare a rule that no event leads to: the checker reports it itself."""
    _add(Entry(identity, (), _silent))
    return identity


def steps_of(*parts: Trace | Step | Facts | None) -> tuple[Step, ...]:
    """The steps of all parts in the order given; facts stand for the trace of their kind, None for nothing."""
    steps: list[Step] = []
    for part in parts:
        trace = part.trace if isinstance(part, Facts) else part
        if isinstance(trace, Trace):
            steps.extend(trace.steps())
        elif trace is not None:
            steps.append(trace)
    return tuple(steps)


def origin(trace: Trace | Facts | None) -> Step | None:
    """The first step of a trace: where the value, or what it means, arose."""
    steps = steps_of(trace)
    return steps[0] if steps else None


def chosen(event: Event) -> str:
    """The words that name the alternative meant, such as " when the model is MLP"; empty where there is only one."""
    return f" {event.choice}" if event.choice else ""


def _silent(event: Event) -> Iterator[Remark]:
    yield from ()


def _add(entry: Entry) -> None:
    if not _CODE.fullmatch(entry.rule.code) or not _NAME.fullmatch(entry.rule.name):
        raise ValueError(f"a rule is called like 'TL101 some-name', not '{entry.rule.code} {entry.rule.name}'")
    for other in ENTRIES.values():
        if entry.rule.code == other.rule.code or entry.rule.name == other.rule.name:
            taken, new = f"{other.rule.code} {other.rule.name}", f"{entry.rule.code} {entry.rule.name}"
            raise ValueError(f"{new} is declared beside {taken}: codes and names are unique")
    ENTRIES[entry.rule.code] = entry


def _events_of(function: Callable[..., object]) -> tuple[type[Event], ...]:
    """The event classes in the annotation of the only parameter."""
    if not inspect.isgeneratorfunction(function):
        raise TypeError(f"rule {function.__name__} must be a generator function")
    parameters = list(inspect.signature(function).parameters)
    if len(parameters) != 1:
        raise TypeError(f"rule {function.__name__} must take exactly one event, not {len(parameters)} parameters")
    hint = get_type_hints(function).get(parameters[0])
    events = get_args(hint) or (hint,)
    if not all(isinstance(event, type) and issubclass(event, Event) for event in events):
        raise TypeError(f"rule {function.__name__}: annotate {parameters[0]} with an event class or a union of them, not {hint!r}")
    return tuple(events)
