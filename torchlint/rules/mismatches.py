"""Which kind of input is wrong for which loss?

One table answers for all losses, whatever library they come from, since a contract names the family of its loss:

    MISMATCHES["cross_entropy", Kind.PROBABILITIES]
    # Mismatch(code="TL101", harm="it applies log_softmax itself, ...", help="pass the logits: ...")

A new pair is one line here. Pairs that are missing are right or not worth a word.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torchlint.contracts.schema import LossFamily
from torchlint.events import LossCall
from torchlint.model import Facts, Kind
from torchlint.rules.declare import Remark, chosen, origin, steps_of
from torchlint.wording import KIND_WORDS


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The rule that a pair breaks, why it hurts ("{floor}" is filled in where the number depends on the classes), what to write instead.

    sources: the calls, by the last part of their names in small letters, that the values must come from; empty for any.
    before: the same for the values that were turned into these.
    """

    code: str
    harm: str
    help: str
    sources: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()

    def speaks_of(self, facts: Facts) -> bool:
        """Whether values that came about like this are meant."""
        return _among(facts.source, self.sources) and (not self.before or _among(_source_before(facts), self.before))


def _source_before(facts: Facts) -> str:
    """The call that gave what was turned into these values."""
    calls = [step.call for step in facts.trace.steps() if step.call] if facts.trace is not None else []
    return calls[-2] if len(calls) > 1 else ""


def _among(name: str, calls: frozenset[str]) -> bool:
    return not calls or short(name).casefold() in calls


def describe(facts: Facts) -> str:
    """How a message names the values: "probabilities (from softmax)"."""
    words = KIND_WORDS[facts.kind]
    return f"{words} (from {short(facts.source)})" if facts.source else words


def short(qualified: str) -> str:
    """The last part of a qualified name."""
    return qualified.rsplit(".", 1)[-1]


def complain(code: str, event: LossCall) -> Iterator[Remark]:
    """The remark of rule `code` on the input of a loss, where the table has one."""
    facts = event.arguments.get("input")
    if facts is None or event.call.loss is None:
        return
    mismatch = MISMATCHES.get((event.call.loss, facts.kind))
    if mismatch is None or mismatch.code != code or not mismatch.speaks_of(facts):
        return
    if not mismatch.before and accepts(event, "input", facts.kind):
        return
    harm = mismatch.harm.replace("{floor}", _floor(facts))
    message = f"{event.callee} gets {describe(facts)}{chosen(event)}: {harm}"
    yield Remark(message, mismatch.help, steps_of(event.made, facts, event.inside), cause=origin(facts))


def accepts(event: LossCall, parameter: str, kind: Kind) -> bool:
    """Whether the contract says outright that this parameter takes the kind: a user's loss may differ from its family."""
    takes = event.call.takes.get(parameter)
    return takes is not None and kind in takes.kinds


def cross_entropy_floor(classes: int) -> float:
    """The least cross-entropy that inputs in [0, 1] can reach: 1 for the right class and 0 for each other."""
    return math.log(math.e + classes - 1) - 1


def _floor(facts: Facts) -> str:
    shape = facts.shape or ()
    classes = shape[1] if len(shape) > 1 else shape[0] if shape else None
    if classes is not None and classes > 1:
        return f"{cross_entropy_floor(classes):.2f} ({classes} classes)"
    return ", ".join(f"{cross_entropy_floor(n):.2f} for {n}" for n in (2, 10, 1000)) + " classes"


RECTIFIERS = frozenset({"relu", "relu_", "relu6"})
"""Where values come from that were scores before everything below 0 was cut off; exp, abs, distances and softplus cut nothing off."""
_NOT_ONE_HOT = "pass the logits as input; one-hot values belong into the target"


_FLAT = Mismatch(
    "TL101",
    "log_softmax of such values is nearly flat, so even a perfect prediction keeps a loss of {floor}, and confident mistakes get almost no gradient",
    "apply log_softmax to the logits: leave out the softmax or sigmoid before it",
)
"""log_softmax and NLLLoss together are the cross-entropy, which wants logits."""


_CLIPPED = (
    "scores below 0 have all become 0 and get no gradient, so a true class at -1 among nine at 0 is pulled up with a gradient of 0 "
    "where the logits give -0.96"
)


def _cross_entropy() -> Iterator[tuple[Kind, Mismatch]]:
    harm = "it applies log_softmax itself, so even a perfect prediction keeps a loss of {floor}, and confident mistakes get almost no gradient"
    once = "pass the logits: leave the softmax out of what the loss gets and apply it only where you need probabilities"
    yield Kind.PROBABILITIES, Mismatch("TL101", harm, once)
    sigmoid = "pass the logits without the sigmoid; where several classes can be true at once, use nn.BCEWithLogitsLoss instead"
    yield Kind.UNIT_INTERVAL, Mismatch("TL101", harm, sigmoid)
    yield Kind.ONE_HOT, Mismatch("TL101", harm, _NOT_ONE_HOT)
    wasted = "it applies log_softmax itself, and log_softmax of log-probabilities changes nothing, so one of the two is wasted"
    yield Kind.LOG_PROBABILITIES, Mismatch("TL102", wasted, "pass the logits, or keep log_softmax and use nn.NLLLoss")
    yield Kind.FLAT_LOG_PROBABILITIES, _FLAT
    yield Kind.NONNEGATIVE, Mismatch("TL105", _CLIPPED, "pass the output of the last layer itself: leave the relu behind it out", RECTIFIERS)


def _nll() -> Iterator[tuple[Kind, Mismatch]]:
    instead = "apply F.log_softmax(logits, dim=1) first, or use nn.CrossEntropyLoss on the logits"
    unbounded = "it only takes -input[target], so the loss has no lower bound (a score of 100 gives -100) and training just scales the scores up"
    for kind in (Kind.LOGITS, Kind.NONNEGATIVE):
        yield kind, Mismatch("TL103", unbounded, instead)
    flat = "it takes -p instead of -log p, so a confident mistake (p = 0.001) gets a gradient of 0.001 where log-probabilities give 0.999"
    yield Kind.PROBABILITIES, Mismatch("TL103", flat, "use log_softmax in place of softmax, or nn.CrossEntropyLoss on the logits")
    yield Kind.UNIT_INTERVAL, Mismatch("TL103", flat, instead)
    never = "it takes -input[target], which is {}, and never the -log p that punishes a confident mistake"
    yield Kind.FLAT_LOG_PROBABILITIES, _FLAT
    whole = "apply log_softmax to the output of the last layer itself: leave the relu between them out"
    yield Kind.LOG_PROBABILITIES, Mismatch("TL105", f"they are made of relu output: {_CLIPPED}", whole, before=RECTIFIERS)
    yield Kind.SIGNED_UNIT, Mismatch("TL103", never.format("between -1 and 1"), instead)
    yield Kind.ONE_HOT, Mismatch("TL103", never.format("-1 or 0"), instead)


def _ctc() -> Iterator[tuple[Kind, Mismatch]]:
    instead = "apply F.log_softmax(logits, dim=-1) first: the loss takes (time, batch, classes)"
    unbounded = "it adds up log-probabilities along the frames, so 1 more in every score lowers the loss by the number of frames, whatever is said"
    for kind in (Kind.LOGITS, Kind.NONNEGATIVE, Kind.SIGNED_UNIT):
        yield kind, Mismatch("TL103", unbounded, instead)
    exact = "it takes log-probabilities: given equal probabilities for 5 classes, 12 frames with two labels score -9.31 instead of 12.40"
    yield Kind.PROBABILITIES, Mismatch("TL103", exact, "use log_softmax in place of softmax")
    for kind in (Kind.UNIT_INTERVAL, Kind.ONE_HOT):
        yield kind, Mismatch("TL103", exact, instead)


def _logistic(harm: str) -> Iterator[tuple[Kind, Mismatch]]:
    once = "pass the logits: leave the sigmoid out of what the loss gets and apply it only where you need probabilities"
    yield Kind.UNIT_INTERVAL, Mismatch("TL201", harm, once)
    several = "pass the logits without the softmax; where exactly one class is true, use nn.CrossEntropyLoss instead"
    yield Kind.PROBABILITIES, Mismatch("TL201", harm, several)
    yield Kind.ONE_HOT, Mismatch("TL201", harm, _NOT_ONE_HOT)


def _softmax_inside() -> Iterator[tuple[Kind, Mismatch]]:
    harm = "it applies softmax itself, so even the surest prediction counts as 0.73 of 2, 0.23 of 10, 0.003 of 1000 classes"
    once = "pass the logits: leave the softmax out of what the loss gets and apply it only where you need probabilities"
    yield Kind.PROBABILITIES, Mismatch("TL201", harm, once)
    yield Kind.UNIT_INTERVAL, Mismatch("TL201", harm, "pass the logits without the sigmoid")
    yield Kind.ONE_HOT, Mismatch("TL201", harm, _NOT_ONE_HOT)


def _bce() -> Iterator[tuple[Kind, Mismatch]]:
    raises = 'torch raises "all elements of input should be between 0 and 1" on the CPU and stops with a device-side assert on CUDA'
    fused = "use nn.BCEWithLogitsLoss on the logits, or apply torch.sigmoid first"
    yield Kind.LOGITS, Mismatch("TL202", f"logits lie outside [0, 1], and {raises}", fused)
    instead = "end in torch.sigmoid instead, or use nn.BCEWithLogitsLoss on the logits"
    yield Kind.NONNEGATIVE, Mismatch("TL202", f"these have no upper bound, and above 1 {raises}", instead)
    yield Kind.SIGNED_UNIT, Mismatch("TL202", f"half of them lie below 0, and there {raises}", instead)
    below = f"a logarithm of probabilities lies below 0, and {raises}"
    for kind in (Kind.LOG_PROBABILITIES, Kind.FLAT_LOG_PROBABILITIES):
        yield kind, Mismatch("TL202", below, "pass the probabilities themselves, or use nn.NLLLoss on the log-probabilities")
    yield Kind.LOG_UNIT_INTERVAL, Mismatch("TL202", below, "use nn.BCEWithLogitsLoss on the logits, or torch.sigmoid instead of logsigmoid")


def _kl_div() -> Iterator[tuple[Kind, Mismatch]]:
    log_softmax = "pass log-probabilities: F.log_softmax(logits, dim=-1)"
    shifts = "it takes log-probabilities, and of other values each 0.1 that is added to all lowers the loss by 0.1, whatever the target"
    for kind in (Kind.LOGITS, Kind.NONNEGATIVE, Kind.SIGNED_UNIT):
        yield kind, Mismatch("TL301", shifts, log_softmax)
    exact = "it takes log-probabilities: given probabilities, two equal uniform distributions over 10 classes score -2.40 instead of 0"
    yield Kind.PROBABILITIES, Mismatch("TL301", exact, "use log_softmax in place of softmax for the input (the target stays as it is)")
    for kind in (Kind.UNIT_INTERVAL, Kind.ONE_HOT):
        yield kind, Mismatch("TL301", exact, log_softmax)


_TWICE = "it applies sigmoid itself, so predictions stay between 0.5 and 0.731 and the loss of a negative never falls below 0.693"
_INSIDE = "it applies sigmoid itself, so predictions stay between 0.5 and 0.731, whatever the network learns"
_MARGIN = "it works on raw scores, and on values in [0, 1] the loss never falls below 0.693 for a negative and 0.313 for a positive"

MISMATCHES: Mapping[tuple[LossFamily, Kind], Mismatch] = {
    **{("cross_entropy", kind): mismatch for kind, mismatch in _cross_entropy()},
    **{("nll", kind): mismatch for kind, mismatch in _nll()},
    **{("ctc", kind): mismatch for kind, mismatch in _ctc()},
    **{("bce_with_logits", kind): mismatch for kind, mismatch in _logistic(_TWICE)},
    **{("sigmoid_inside", kind): mismatch for kind, mismatch in _logistic(_INSIDE)},
    **{("softmax_inside", kind): mismatch for kind, mismatch in _softmax_inside()},
    **{("soft_margin", kind): mismatch for kind, mismatch in _logistic(_MARGIN)},
    **{("bce", kind): mismatch for kind, mismatch in _bce()},
    **{("kl_div", kind): mismatch for kind, mismatch in _kl_div()},
}


def refusing(code: str) -> frozenset[LossFamily]:
    """The families of losses that a rule speaks of."""
    return frozenset(family for (family, _), mismatch in MISMATCHES.items() if mismatch.code == code)
