"""Does a loss get the kind of input that it is made for?

    loss = F.cross_entropy(logits.softmax(1), target)   # TL101: cross_entropy applies log_softmax itself

The pairs of loss and kind stand in mismatches.py; here are the rules that they belong to. KL divergence, whose two
arguments have to be judged together, has a module of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.events import LossCall
from torchlint.model import Evidence, Severity
from torchlint.rules.declare import Remark, chosen, rule, steps_of
from torchlint.rules.mismatches import complain, refusing


@rule(
    "TL101",
    "softmax-before-cross-entropy",
    Severity.ERROR,
    "probabilities or sigmoid output into cross-entropy, which applies log_softmax itself",
    losses=refusing("TL101"),
)
def softmax_before_cross_entropy(event: LossCall) -> Iterator[Remark]:
    """Softmax twice: the loss keeps a floor and the gradient fades."""
    yield from complain("TL101", event)


@rule(
    "TL102",
    "log-softmax-before-cross-entropy",
    Severity.INFO,
    "log-probabilities into a cross-entropy loss: redundant, harmless",
    losses=refusing("TL102"),
)
def log_softmax_before_cross_entropy(event: LossCall) -> Iterator[Remark]:
    """log_softmax twice is log_softmax once."""
    yield from complain("TL102", event)


@rule(
    "TL103",
    "nll-loss-without-log-softmax",
    Severity.ERROR,
    "logits or probabilities into NLLLoss or CTCLoss, which take log-probabilities",
    losses=refusing("TL103"),
)
def nll_loss_without_log_softmax(event: LossCall) -> Iterator[Remark]:
    """The logarithm is missing."""
    yield from complain("TL103", event)


@rule(
    "TL105",
    "relu-before-cross-entropy",
    Severity.WARNING,
    "relu output into cross-entropy (or log_softmax and NLLLoss): class scores below 0 are cut off and get no gradient",
    losses=refusing("TL105"),
)
def relu_before_cross_entropy(event: LossCall) -> Iterator[Remark]:
    """Clipped logits."""
    yield from complain("TL105", event)


@rule("TL201", "sigmoid-before-bce-with-logits", Severity.ERROR, "sigmoid or softmax output into a loss that takes logits", losses=refusing("TL201"))
def sigmoid_before_bce_with_logits(event: LossCall) -> Iterator[Remark]:
    """Sigmoid twice: predictions stay between 0.5 and 0.731."""
    yield from complain("TL201", event)


@rule("TL202", "bce-on-logits", Severity.ERROR, "values outside [0, 1] into BCELoss, which takes sigmoid output", losses=refusing("TL202"))
def bce_on_logits(event: LossCall) -> Iterator[Remark]:
    """The sigmoid is missing: by what the values mean, or by what they are."""
    told = list(complain("TL202", event))
    yield from told or _outside(event)


def _outside(event: LossCall) -> Iterator[Remark]:
    given = event.arguments.get("input")
    seen = given.observed if given is not None else None
    if event.call.loss == "bce" and seen is not None and seen.outside and seen.lowest is not None and seen.highest is not None:
        message = (
            f"{event.callee} gets values from {seen.lowest:.4g} to {seen.highest:.4g}{chosen(event)}, {seen.outside} of {seen.size} outside [0, 1]: "
            'torch raises "all elements of input should be between 0 and 1" on the CPU and stops with a device-side assert on CUDA'
        )
        help = "use nn.BCEWithLogitsLoss on the logits, or apply torch.sigmoid first"
        yield Remark(message, help, steps_of(event.made, given, event.inside), evidence=Evidence.VIOLATED)
