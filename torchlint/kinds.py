"""What does the flow know of each loss call? For those who work on torchlint.

    known = survey(files, ["/p/train.py", "/p/net.py"], ["/p"], Settings())
    known.sites[0].inputs       # ("probabilities",)
    known.resolved, known.all   # how many losses have an input whose kind is known, of how many: the resolution rate

Losses whose input may be anything (distances) do not count. A loss that is built and that no call reaches counts as not resolved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torchlint.check import Progress, follow
from torchlint.collecting import ANYTHING
from torchlint.config import Settings
from torchlint.contracts.table import load
from torchlint.events import Event, LossCall, LossMade
from torchlint.flow.origins import Loss, TracingMachine
from torchlint.flow.places import locate
from torchlint.flow.project import Files
from torchlint.model import Kind, Location, Place

NEVER_CALLED = "built, and no call of it is reached"


@dataclass(frozen=True, slots=True)
class Lost:
    """Where the meaning of an input was lost, and why."""

    reason: str
    code: str
    location: Location | None


@dataclass(slots=True)
class Site:
    """One loss call. inputs, targets: the kinds that reach it, by name; lost: for each way whose kind is unknown, where it was lost."""

    callee: str
    location: Location
    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()

    @property
    def resolved(self) -> bool:
        """Whether the input's kind is known on some way."""
        return any(kind != Kind.UNKNOWN.value for kind in self.inputs)


@dataclass(slots=True)
class Survey:
    """All loss calls of a project, in the order of their places."""

    sites: list[Site] = field(default_factory=list)

    @property
    def all(self) -> int:
        """How many there are."""
        return len(self.sites)

    @property
    def resolved(self) -> int:
        """How many have an input of known kind."""
        return sum(site.resolved for site in self.sites)


@dataclass(slots=True)
class _Seen:
    callee: str
    inputs: dict[str, None] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)
    lost: dict[Loss, None] = field(default_factory=dict)


class _Surveyor:
    """Gathers the losses while the flow runs."""

    def __init__(self) -> None:
        self.machine: TracingMachine
        self.calls: dict[Place, _Seen] = {}
        self.made: dict[Place, str] = {}
        self.used: set[Place] = set()

    def take(self, event: Event) -> None:
        if isinstance(event, LossMade) and event.call.loss not in ANYTHING:
            self.made[event.place] = event.callee
        elif isinstance(event, LossCall):
            if event.made is not None:
                self.used.add(event.made.place)
            if event.call.loss not in ANYTHING:
                self._call(event)

    def _call(self, event: LossCall) -> None:
        seen = self.calls.setdefault(event.place, _Seen(event.callee))
        given = event.arguments.get("input")
        seen.inputs[str(given.kind) if given is not None else Kind.UNKNOWN.value] = None
        target = event.arguments.get("target")
        if target is not None:
            seen.targets[str(target.kind) if target.dtype is None else f"{target.kind} {target.dtype}"] = None
        if given is None or given.kind is Kind.UNKNOWN:
            seen.lost.update(dict.fromkeys(self._lost(event)))

    def _lost(self, event: LossCall) -> list[Loss]:
        node: Any = getattr(event.place, "node", None)
        arguments = getattr(node, "args", ())
        chosen = next((a for a in arguments if a.keyword is not None and a.keyword.value == "input"), arguments[0] if arguments else None)
        return self.machine.lost(self.machine.value_of(chosen.value) if chosen is not None else None)


def survey(files: Files, targets: Sequence[str], roots: Sequence[str], settings: Settings, progress: Progress | None = None) -> Survey:
    """Follow the program and tell of every loss whose input must mean something."""
    surveyor = _Surveyor()
    machine = surveyor.machine = TracingMachine(load(settings.calls, settings.modules), surveyor.take)
    follow(machine, files, targets, roots, progress)
    never = {place: _Seen(callee, lost={Loss(NEVER_CALLED, "", None): None}) for place, callee in surveyor.made.items() if place not in surveyor.used}
    seen = {**never, **surveyor.calls}
    places: set[Place] = set(seen) | {loss.place for each in seen.values() for loss in each.lost if loss.place is not None}
    locations = locate(places)
    sites = [_site(each, locations[place], locations) for place, each in seen.items() if place in locations]
    return Survey(sorted(sites, key=lambda site: site.location))


def _site(seen: _Seen, location: Location, locations: dict[Place, Location]) -> Site:
    lost = tuple(Lost(each.reason, each.code, locations.get(each.place) if each.place is not None else None) for each in seen.lost)
    return Site(seen.callee, location, tuple(sorted(seen.inputs)), tuple(sorted(seen.targets)), lost)
