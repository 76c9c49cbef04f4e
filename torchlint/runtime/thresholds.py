"""Which comparisons with a number are of scores that a loss applies sigmoid to?

    loss = F.binary_cross_entropy_with_logits(scores, y)     # reach(scores, "bce_with_logits")
    hits = scores > 0.5                                      # hold(...): told as ThresholdGiven once both have been seen

"The same scores" are those that the same call of the same layer gives, step after step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from torchlint.contracts.schema import LossFamily
from torchlint.events import Event, ThresholdGiven
from torchlint.meaning import Origin, origin_of
from torchlint.model import Facts, Place, Step
from torchlint.runtime.functions import COMPARISONS, Handler
from torchlint.wording import short


class Thresholds:
    """Losses and comparisons that wait for each other until the end."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._losses: dict[Origin, dict[LossFamily, Step]] = defaultdict(dict)
        self._waiting: dict[tuple[Origin, Place], ThresholdGiven] = {}

    def reach(self, facts: Facts | None, family: LossFamily | None, callee: str, place: Place) -> None:
        """Values are the input of a loss."""
        origin = origin_of(facts)
        if origin is not None and family is not None:
            reached = self._losses[origin]
            if family not in reached:
                reached[family] = Step(f"{callee} gets the same values", place)

    def hold(self, place: Place, facts: Facts, handler: Handler, number: float, rounded: bool) -> None:
        """Keep a comparison until it is known which losses the values reach."""
        origin = origin_of(facts)
        if origin is not None:
            symbol = COMPARISONS.get(handler.name.rpartition(".")[2])
            operation = f"`{symbol}`" if symbol is not None else short(handler.name)
            event = ThresholdGiven(place=place, given=facts, operation=operation, number=number, rounded=rounded)
            self._waiting.setdefault((origin, place), event)

    def settle(self) -> None:
        """Tell of the comparisons of values that reach a loss."""
        for (origin, _), event in self._waiting.items():
            reached = self._losses.get(origin)
            if reached:
                event.losses = dict(reached)
                self._emit(event)
        self._waiting.clear()
