"""Are the values that a loss gets of the domain that it is documented for?

    F.cross_entropy(logits, labels)           # TL110: class index 10 with 10 classes
    F.soft_margin_loss(scores, labels)        # TL505: targets of 0 and 1 where it takes -1 and 1
    F.embedding(tokens, table)                # TL506: index 50000 with 50000 rows

Which domain a parameter has is said by its contract, and what its values are like by the runtime mode, in the batches that it looks at. The flow
never knows them. Rules about losses whose input is wrong by its values stand with those about its kind.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.contracts.schema import Domain
from torchlint.events import ArgumentGiven, LossCall
from torchlint.model import Evidence, Facts, Observed, Severity
from torchlint.rules.declare import Remark, chosen, rule, steps_of
from torchlint.rules.kl import reduction_of
from torchlint.rules.shapes import number_of_classes

_SUM = {"bfloat16": 5e-3}
_TOLERANCE = 1e-3
"""How far from 1 a row of targets may sum, by dtype and otherwise."""
_UNLABELLED = (-1, 255)  # what data sets write where nothing is known
_MASKS = ("cross_entropy", "nll", "ctc", "kl_div")
"""Losses that compute with -inf as the logit or log-probability of what cannot be."""


@rule("TL106", "label-smoothing-not-a-distribution", Severity.ERROR, "soft targets of cross-entropy that are negative or do not sum to 1")
def label_smoothing_not_a_distribution(event: LossCall) -> Iterator[Remark]:
    """Soft labels weigh the classes of one sample, and the weights are taken as they are."""
    target = event.arguments.get("target")
    seen = _seen(event, "target", "distribution")
    if target is None or seen is None or seen.lowest is None or seen.sums is None:
        return
    least, greatest = seen.sums
    if seen.lowest < 0:
        wrong, harm = f"of which one is {seen.lowest:.4g}", "a negative weight rewards the network for being wrong, and the loss has no lower bound"
    elif max(1 - least, greatest - 1) > _SUM.get(target.dtype or "", _TOLERANCE):
        span = f"{least:.4g}" if abs(greatest - least) < _TOLERANCE else f"between {least:.4g} and {greatest:.4g}"
        wrong = f"whose rows sum to {span}"
        harm = f"the loss weighs a sample by the sum of its row, so its scale is off by a factor of {greatest if greatest > 1 else least:.4g}"
        harm += " and the probabilities that it asks for are not those of the targets"
    else:
        return
    message = f"{event.callee} gets floating targets {wrong}{chosen(event)}: {harm}"
    yield _violated(event, message, _distribution_help(seen), target)


_STOPS = "on the CPU torch raises, on CUDA the process stops with a device-side assert that names neither the index nor the line"


@rule("TL110", "class-index-out-of-range", Severity.ERROR, "a class index that is negative or not below the number of classes")
def class_index_out_of_range(event: LossCall) -> Iterator[Remark]:
    """Told before torch computes with it: on CUDA it would be a device-side assert."""
    target = event.arguments.get("target")
    seen = _seen(event, "target", "class_index")
    classes = number_of_classes(event.call, event.arguments.get(event.call.takes["target"].of or "input")) if seen is not None else None
    if target is None or seen is None or seen.lowest is None or seen.highest is None or not _whole(target) or classes is None or classes < 2:
        return
    if seen.lowest < 0 or seen.highest >= classes:
        index = int(seen.lowest if seen.lowest < 0 else seen.highest)
        message = (
            f"{event.callee} gets the class index {index}{chosen(event)} with {classes} classes, and takes 0 to {classes - 1}{_histogram(seen)}: "
            + _STOPS
        )
        yield _violated(event, message, _index_help(seen, index, classes, "ignore_index" in event.settings), target)


@rule("TL111", "all-targets-ignored", Severity.WARNING, "every target equals ignore_index, and the mean is nan")
def all_targets_ignored(event: LossCall) -> Iterator[Remark]:
    """The sum of no losses over their number, which is 0."""
    seen = _seen(event, "target", "class_index")
    if seen is None or not seen.size or seen.ignored < seen.size or reduction_of(event) not in ("mean", 1):
        return
    message = (
        f"{event.callee} gets targets that all equal ignore_index ({event.settings.get('ignore_index')}){chosen(event)}, {seen.size} of {seen.size}: "
        "the mean over none of them is 0 / 0, and one such batch makes the loss nan, with every sum and average that it enters"
    )
    help = 'leave such batches out, or write reduction="sum" and divide by max(1, the number of targets that count)'
    yield _violated(event, message, help, event.arguments.get("target"))


@rule("TL207", "binary-target-range", Severity.ERROR, "targets of binary cross-entropy outside [0, 1]", losses=("bce", "bce_with_logits"))
def binary_target_range(event: LossCall) -> Iterator[Remark]:
    """Below 0 or above 1 the loss has no lower bound."""
    target = event.arguments.get("target")
    seen = _seen(event, "target", "unit_interval")
    if target is None or seen is None or not seen.outside or _whole(target):
        return
    torch_says = 'torch raises "all elements of target should be between 0 and 1"'
    silent = "torch says nothing, and the loss falls without bound as the score of such an element grows"
    message = (
        f"{event.callee} gets targets {_span(seen)}{chosen(event)}, {seen.outside} of {seen.size} outside [0, 1]{_histogram(seen)}: "
        f"{torch_says if event.call.loss == 'bce' else silent}"
    )
    yield _violated(event, message, _binary_help(seen), target)


@rule("TL505", "margin-target-not-signed", Severity.ERROR, "targets other than -1 and 1 into a loss that multiplies by the sign")
def margin_target_not_signed(event: LossCall) -> Iterator[Remark]:
    """0 is neither side."""
    seen = _seen(event, "target", "signs")
    if seen is None or not seen.outside:
        return
    message = (
        f"{event.callee} gets targets {_span(seen)}{chosen(event)}, {seen.outside} of {seen.size} neither -1 nor 1{_histogram(seen)}: "
        "it takes the sign of a pair, and a target of 0 counts for neither side, so these pairs are not pushed anywhere or to both sides at once"
    )
    zero_one = seen.lowest == 0 and seen.highest == 1
    help = "write 2 * target - 1, which makes -1 of 0" if zero_one else "pass -1 for one side and 1 for the other"
    yield _violated(event, message, help, event.arguments.get("target"))


@rule("TL506", "index-out-of-range", Severity.ERROR, "an index that is negative or too large for the embedding or gather that it is given to")
def index_out_of_range(event: ArgumentGiven) -> Iterator[Remark]:
    """Told before torch looks it up."""
    seen, rows = event.given.observed, event.of.shape[0] if event.of is not None and event.of.shape else None
    if "row_index" not in event.call.takes[event.parameter].domain or seen is None or seen.lowest is None or seen.highest is None or rows is None:
        return
    if seen.lowest < 0 or seen.highest >= rows:
        index = int(seen.lowest if seen.lowest < 0 else seen.highest)
        message = f"{event.callee} gets the index {index}{chosen(event)} and has {rows} to choose from, 0 to {rows - 1}: " + _STOPS
        larger = f"make it {index + 1} or more (tokens added to a tokenizer need rows of an embedding), or check how the indices are made"
        help = "negative indices do not count from the end here: check what they stand for" if index < 0 else larger
        yield Remark(message, help, steps_of(event.given), evidence=Evidence.VIOLATED)


@rule("TL507", "non-finite-loss-input", Severity.WARNING, "NaN or infinity enters a loss")
def non_finite_loss_input(event: LossCall) -> Iterator[Remark]:
    """The first place where it can be seen; after the next step all weights are nan."""
    for name, facts in event.arguments.items():
        words = _nonfinite(event, name, facts.observed)
        if words:
            when = f", first in step {event.step + 1}" if event.step is not None else ""
            message = (
                f"{event.callee} gets {words} in its {name}{chosen(event)}{when}: the loss and every gradient become nan or inf, and after one "
                "step so do all weights"
            )
            help = "look for what makes it (log of 0, division by 0, a learning rate too high): torch.autograd.detect_anomaly names the operation"
            if name == "target":
                help = "leave such samples out before the loss: a mask on the losses afterwards keeps nan in the gradients"
            yield _violated(event, message, help, facts)
            return


def _nonfinite(event: LossCall, name: str, seen: Observed | None) -> str:
    words = {"nan": "NaN", "inf": "inf", "-inf": "-inf"}
    allowed = ("-inf",) if event.call.loss in _MASKS and (name == "input" or event.call.loss == "kl_div") else ()
    return " and ".join(words[each] for each in (seen.nonfinite if seen is not None else ()) if each not in allowed)


def _seen(event: LossCall, parameter: str, domain: Domain) -> Observed | None:
    """What the values of a parameter are like, where the contract says that they are of this domain."""
    takes, facts = event.call.takes.get(parameter), event.arguments.get(parameter)
    return facts.observed if takes is not None and domain in takes.domain and facts is not None else None


def _violated(event: LossCall, message: str, help: str, facts: Facts | None) -> Remark:
    return Remark(message, help, steps_of(event.made, facts, event.inside), evidence=Evidence.VIOLATED)


def _whole(facts: Facts) -> bool:
    """Whether the dtype is one of whole numbers."""
    return facts.dtype is not None and not facts.dtype.startswith(("float", "bfloat", "complex"))


def _histogram(seen: Observed) -> str:
    """How often which target occurs, the most frequent first."""
    told = ", ".join(f"{number} {'once' if count == 1 else f'{count} times'}" for number, count in seen.counts)
    return f" (seen as targets: {told})" if told else ""


def _span(seen: Observed) -> str:
    if seen.lowest is None or seen.highest is None:
        return "that are not all finite"
    return f"of {seen.lowest:.4g}" if seen.lowest == seen.highest else f"from {seen.lowest:.4g} to {seen.highest:.4g}"


def _distribution_help(seen: Observed) -> str:
    if seen.integral and seen.lowest == 0:
        return "for several true classes at once use nn.BCEWithLogitsLoss, or divide each row by its sum"
    return "divide each row by its sum; for label smoothing pass class indices and label_smoothing=0.1, or write one_hot * (1 - eps) + eps / classes"


def _index_help(seen: Observed, index: int, classes: int, ignoring: bool) -> str:
    if index in _UNLABELLED and ignoring:
        return f"where {index} stands for unlabelled, write ignore_index={index}"
    if seen.lowest == 1 and seen.highest == classes:
        return "the labels seem to count from 1: pass target - 1"
    if index < 0:
        return "check how the labels are made: classes count from 0"
    return f"check how the labels are made, or give the last layer {index + 1} outputs or more"


def _binary_help(seen: Observed) -> str:
    if seen.lowest == -1 and seen.highest == 1:
        return "write (target + 1) / 2, which makes 0 of -1; or use nn.SoftMarginLoss, which takes -1 and 1"
    if seen.integral and seen.lowest is not None and seen.highest is not None and seen.lowest >= 1:
        return "write target - 1, so that the classes are 0 and 1"
    if seen.lowest == 0 and seen.highest == 255:
        return "write target / 255, or (target > 0).float() for a mask"
    return "pass 0 and 1, or a probability between them"
