"""Is a raw score judged as if it were a probability?

    loss = F.binary_cross_entropy_with_logits(net(x), y)
    accuracy = ((net(x) > 0.5) == y).float().mean()      # TL205: a probability of 0.62

Logits are told from other scores by the loss that they go to, wherever in the program that is computed.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.contracts.schema import LossFamily
from torchlint.events import ThresholdGiven
from torchlint.model import Kind, Severity, Step
from torchlint.rules.declare import Remark, chosen, rule, steps_of
from torchlint.rules.mismatches import describe

_SIGMOID_INSIDE: tuple[LossFamily, ...] = ("bce_with_logits", "sigmoid_inside")
_ALIKE: tuple[LossFamily, ...] = (*_SIGMOID_INSIDE, "soft_margin")
"""Losses under which a score of 0 is a probability of one half. Where the values reach another loss too, nothing is said."""
_HALF = 0.5


@rule("TL205", "threshold-on-logits", Severity.WARNING, "logits that a loss applies sigmoid to are compared with 0.5 or rounded")
def threshold_on_logits(event: ThresholdGiven) -> Iterator[Remark]:
    """The threshold of a probability on a raw score."""
    loss = _loss(event)
    if loss is None or event.given.kind is not Kind.LOGITS or not event.given.exact or event.number != _HALF:
        return
    if event.rounded:
        said = f"{event.operation} rounds {describe(event.given)}{chosen(event)}"
        harm = "it gives 1 only for probabilities between 0.62 and 0.82, and 2, 3 or -1 beyond"
    else:
        said = f"{event.operation} compares {describe(event.given)} with {event.number}{chosen(event)}"
        harm = "a logit of 0.5 is a probability of 0.62, so probabilities between 0.5 and 0.62 count as negative"
    yield Remark(f"{said}: {harm}", "apply torch.sigmoid first, or compare the logits with 0", steps_of(event.given, loss))


def _loss(event: ThresholdGiven) -> Step | None:
    """The step that names a loss with sigmoid inside; None where the values go to other losses."""
    if not all(family in _ALIKE for family in event.losses):
        return None
    return next((event.losses[family] for family in _SIGMOID_INSIDE if family in event.losses), None)
