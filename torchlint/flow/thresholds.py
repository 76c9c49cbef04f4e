"""Where are tensors divided in two at a number, and which losses do the same values reach?

    loss = F.binary_cross_entropy_with_logits(net(x), y)    # what the last layer of `net` gives reaches bce_with_logits
    ...
    hits = net(image) > 0.5                                 # and is compared with 0.5: in another file, before or after

"The same values" are those that the same layer gave. Since the loss may come after the comparison, and in another entry point, comparisons
wait here until the whole program has been run; then each is told as one ThresholdGiven event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import libcst as cst

from torchlint.contracts.schema import Call, LossFamily
from torchlint.events import Cases, ThresholdGiven
from torchlint.flow.values import Const, Tensor, Value, options_of
from torchlint.meaning import Origin, origin_of
from torchlint.model import Facts, Step
from torchlint.wording import short

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


class Thresholds:
    """Remembers which losses values reach, and holds comparisons back until all of that is known."""

    def __init__(self) -> None:
        self._losses: dict[Origin, dict[LossFamily, tuple[Step, bool]]] = defaultdict(dict)
        self._waiting: list[tuple[Origin, ThresholdGiven]] = []

    def reach(self, facts: Facts | None, family: LossFamily | None, step: Step, certain: bool) -> None:
        """Values are the input of a loss."""
        origin = origin_of(facts)
        if origin is not None and family is not None:
            known = self._losses[origin].get(family)
            if known is None or (certain and not known[1]):
                self._losses[origin][family] = (step, certain)

    def hold(self, origin: Origin, event: ThresholdGiven) -> None:
        """Keep a comparison for later."""
        self._waiting.append((origin, event))

    def settled(self) -> Iterator[ThresholdGiven]:
        """All comparisons of values that reach a loss, once the whole program has been run. Unsure where it is unsure that they do."""
        for origin, event in self._waiting:
            reached = self._losses.get(origin)
            if reached:
                event.losses = {family: step for family, (step, _) in reached.items()}
                event.certain = event.certain and all(certain for _, certain in reached.values())
                yield event
        self._waiting.clear()


def tell_of_comparison(machine: Machine, symbol: str, left: Value, right: Value, node: cst.CSTNode, scope: Scope) -> None:
    """`left > right`, where one of the two is a number."""
    if isinstance(left, Const):
        symbol, left, right = TURNED[symbol], right, left
    number = _number(right)
    if number is not None:
        _hold(machine, left, f"`{symbol}`", number, False, node, scope)


def tell_of_division(machine: Machine, call: Call, name: str, bound: dict[str, Value], node: cst.CSTNode, scope: Scope) -> None:
    """torch.gt(x, 0.5), torch.round(x); further arguments such as `decimals` make it something else."""
    parameter = call.threshold if isinstance(call.threshold, str) else None
    number = _number(bound.get(parameter)) if parameter is not None else call.threshold
    if isinstance(number, (int, float)) and not bound.keys() - {call.passes_on, parameter, "out"}:
        _hold(machine, bound.get(call.passes_on), short(name), number, parameter is None, node, scope)


def _number(value: Value | None) -> float | None:
    number = value.value if isinstance(value, Const) else None
    return number if isinstance(number, (int, float)) and not isinstance(number, bool) else None


def _hold(machine: Machine, value: Value | None, operation: str, number: float, rounded: bool, node: cst.CSTNode, scope: Scope) -> None:
    """Hold one event back for each alternative of what is compared."""
    if value is None or scope.module.source is None:
        return
    options = [option for option in options_of(value) if machine.paths.allow(option.conditions)]
    cases = Cases(len(options) + (machine.unsure > 0))
    for option in options:
        origin = origin_of(option.value.facts) if isinstance(option.value, Tensor) else None
        if isinstance(option.value, Tensor) and origin is not None:
            certain = machine.unsure == 0 and (len(options) == 1 or (option.certain and not machine.paths.muddled(option.conditions)))
            place = machine.place(node, scope)
            machine.thresholds.hold(
                origin,
                ThresholdGiven(
                    place=place, certain=certain, cases=cases, given=option.value.facts, operation=operation, number=number, rounded=rounded
                ),
            )
