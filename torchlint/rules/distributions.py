"""Does a distribution, or a function that draws from one, get the numbers that its parameter stands for?

    Categorical(net(x))                   # TL801: the first parameter is probs, and these are logits
    Categorical(logits=probabilities)     # TL801: softmax is applied once more
    torch.multinomial(logits, 1)          # TL801: raises below 0

Which kinds a parameter takes is told by its contract, and so is what becomes of them: a parameter that takes logits squashes them, with
softmax where log-probabilities are right too and with sigmoid where they are not; a parameter that takes numbers without an upper bound
divides them by their sum.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.contracts.schema import Call
from torchlint.events import ArgumentGiven
from torchlint.model import Kind, Severity
from torchlint.rules.declare import Remark, chosen, rule, steps_of
from torchlint.rules.mismatches import describe

Verdict = tuple[str, str]
"""Why the values are wrong, and what to write instead."""

_BOUNDED = (Kind.PROBABILITIES, Kind.UNIT_INTERVAL, Kind.ONE_HOT)
_LOGARITHMIC = (Kind.LOG_PROBABILITIES, Kind.FLAT_LOG_PROBABILITIES, Kind.LOG_UNIT_INTERVAL)


@rule("TL801", "distribution-argument", Severity.ERROR, "logits where a distribution takes probabilities, or probabilities where it takes logits")
def distribution_argument(event: ArgumentGiven) -> Iterator[Remark]:
    """The parameter means something else."""
    kind, takes = event.given.kind, event.call.takes[event.parameter].kinds
    if not takes or kind in takes:
        return
    verdict = _as_logits(event, kind, takes) if Kind.LOGITS in takes else _as_probabilities(event, kind, takes)
    if verdict is not None:
        harm, help = verdict
        message = f"{event.callee} gets {describe(event.given)} for {event.parameter}{chosen(event)}: {harm}"
        yield Remark(message, help, steps_of(event.given))


def _as_logits(event: ArgumentGiven, kind: Kind, takes: tuple[Kind, ...]) -> Verdict | None:
    """Values for a parameter that takes logits, to which softmax or sigmoid is applied."""
    softmax = Kind.LOG_PROBABILITIES in takes
    other = _sibling(event.call, event.parameter, kind)
    if kind in _BOUNDED:
        instead = f"pass them as {other}, or pass the logits" if other else "pass the logits"
        if softmax:
            return "it applies softmax itself, so even the surest class is drawn with 0.73 of 2, 0.23 of 10 classes", instead
        return "it applies sigmoid itself, so every probability lies between 0.5 and 0.731", instead
    if kind in _LOGARITHMIC and not softmax:
        probabilities = f"pass the logits, or the probabilities as {_sibling(event.call, event.parameter, Kind.UNIT_INTERVAL)}"
        return "the sigmoid of a logarithm of probabilities never exceeds 0.5: 0.9 is drawn as 0.47", probabilities
    return None


def _as_probabilities(event: ArgumentGiven, kind: Kind, takes: tuple[Kind, ...]) -> Verdict | None:
    """Values for a parameter that takes probabilities, as they are or up to a factor."""
    other = _sibling(event.call, event.parameter, kind)
    normalised = Kind.NONNEGATIVE in takes
    squash = "softmax" if normalised else "torch.sigmoid"
    if kind is Kind.LOGITS:
        scores = f"pass them as {other}" if other else f"apply {squash} first"
        return (_DIVIDED if normalised else _OUTSIDE), scores
    if kind in _LOGARITHMIC:
        return (_EXCHANGED if normalised and _has_logits(event.call) else _NEGATIVE), (f"pass them as {other}" if other else "apply exp first")
    if kind is Kind.SIGNED_UNIT:
        return "half of them lie below 0, and there it raises", f"apply {squash} to the output of the last layer instead"
    if kind is Kind.NONNEGATIVE:
        return "these have no upper bound, and above 1 it raises", f"apply {squash} to the output of the last layer instead"
    return None


_DIVIDED = "it raises below 0, and divides by the sum what is not: scores of 1 and 3 are drawn with 0.25 and 0.75 where softmax gives 0.12 and 0.88"
_OUTSIDE = "it takes values in [0, 1] and raises on others"
_NEGATIVE = "a logarithm of probabilities lies below 0, and there it raises"
_EXCHANGED = (
    "the signs cancel when it divides by the sum, and the unlikely becomes likely: 0.9 and 0.1 are drawn with 0.04 and 0.96, and nothing raises"
)


def _sibling(call: Call, parameter: str, kind: Kind) -> str | None:
    """Another parameter of the call that takes the kind, as it would be written."""
    return next((f"{name}=" for name, takes in call.takes.items() if name != parameter and kind in takes.kinds), None)


def _has_logits(call: Call) -> bool:
    """Whether it is a distribution, which takes logits as well; functions that draw take probabilities only."""
    return any(Kind.LOGITS in takes.kinds for takes in call.takes.values())
