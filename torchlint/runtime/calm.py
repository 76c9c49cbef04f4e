"""Which losses need not be judged again?

    calm.note(event)       # no rule had anything to say of it
    calm.covers(event)     # True: at this place the same again, with values that lie no farther out

A loss in a training loop is the same call each time: the same kinds, shapes and settings, other numbers. What rules ask of numbers is whether they
lie outside of an interval, so that values between some that are in order are in order, too. Logits may be any numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torchlint.events import LossCall
from torchlint.model import Facts, Kind, Observed, Place

MOST_PLACES = 4096
_Range = tuple[float | None, float | None]


@dataclass(slots=True)
class _Seen:
    """What was in order at a place: all that is not a matter of how large values are, and from where to where these went."""

    rest: tuple[Any, ...]
    ranges: list[_Range]


class Calm:
    """Remembers by place what was in order the last time."""

    def __init__(self) -> None:
        self._seen: dict[Place, _Seen] = {}

    def covers(self, event: LossCall) -> bool:
        """Whether judging it would say nothing."""
        seen = self._seen.get(event.place)
        return seen is not None and seen.rest == _rest(event) and all(map(_within, _ranges(event), seen.ranges))

    def note(self, event: LossCall) -> None:
        """An event was judged, and nothing was said."""
        rest, ranges = _rest(event), _ranges(event)
        seen = self._seen.get(event.place)
        if seen is not None and seen.rest == rest:
            seen.ranges = list(map(_wider, ranges, seen.ranges))
            return
        if len(self._seen) >= MOST_PLACES:
            self._seen.clear()
        self._seen[event.place] = _Seen(rest, ranges)


def _rest(event: LossCall) -> tuple[Any, ...]:
    facts = event.arguments.items()
    return (
        event.call,
        event.settings,
        event.evidence,
        event.callee,
        [(name, each.kind, each.dtype, each.source, each.exact, each.shape, each.axis, _quality(each.observed)) for name, each in facts],
    )


def _quality(seen: Observed | None) -> tuple[Any, ...] | None:
    if seen is None:
        return None
    return seen.finite, seen.integral, seen.ignored, seen.outside, seen.excess, seen.log_excess, seen.sums


def _ranges(event: LossCall) -> list[_Range]:
    return [_range(each) for each in event.arguments.values()]


def _range(facts: Facts) -> _Range:
    seen = facts.observed
    return (seen.lowest, seen.highest) if seen is not None and facts.kind is not Kind.LOGITS else (None, None)


def _within(new: _Range, old: _Range) -> bool:
    low, high, lowest, highest = *new, *old
    if low is None or high is None or lowest is None or highest is None:
        return new == old
    return low >= lowest and high <= highest


def _wider(new: _Range, old: _Range) -> _Range:
    low, high, lowest, highest = *new, *old
    if low is None or high is None or lowest is None or highest is None:
        return new
    return min(low, lowest), max(high, highest)
