"""Do the shapes of what a loss or a softmax gets fit together?

    F.mse_loss(net(x), y)                    # TL501: (8, 1) and (8,) are broadcast to (8, 8)
    F.cross_entropy(net(x), y)               # TL109: one class; TL112: (N, T, C) where T == C hides it
    F.softmax(scores, dim=1)                 # TL608: one element along dim 1

Only a witness that knows whole shapes leads here: the flow knows few of them, the runtime mode all. On which axis the classes lie is said by the
contract of the loss, along which axis values belong together by their facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchlint.contracts.schema import Call
from torchlint.events import ActivationCall, LossCall
from torchlint.model import Evidence, Facts, Kind, Severity
from torchlint.rules.declare import Remark, chosen, rule, steps_of
from torchlint.rules.mismatches import describe, short

Shape = tuple[int, ...]

_LINEAR = ("Linear", "linear")
_NORMALISED = (Kind.PROBABILITIES, Kind.LOG_PROBABILITIES, Kind.FLAT_LOG_PROBABILITIES)
_SEQUENCE = 3  # axes of (batch, time, classes)


def known_shape(facts: Facts | None) -> Shape | None:
    """The shape, where every size is known."""
    if facts is None or facts.shape is None or None in facts.shape:
        return None
    return tuple(size for size in facts.shape if size is not None)


def class_axis(call: Call, shape: Sequence[int | None]) -> int | None:
    """The axis of a loss's input that holds the classes; None where it has no axis."""
    return None if not shape else 0 if len(shape) == 1 else call.class_axis % len(shape)


def number_of_classes(call: Call, given: Facts | None) -> int | None:
    """How many classes a loss's input has."""
    shape = given.shape if given is not None else None
    axis = class_axis(call, shape) if shape is not None else None
    return shape[axis] if shape is not None and axis is not None and axis < len(shape) else None


@rule(
    "TL109",
    "single-class-cross-entropy",
    Severity.ERROR,
    "cross-entropy or NLL loss over one class, which is constant",
    losses=("cross_entropy", "nll"),
)
def single_class_cross_entropy(event: LossCall) -> Iterator[Remark]:
    """A softmax over one score is 1."""
    given = event.arguments.get("input")
    if given is None or number_of_classes(event.call, given) != 1:
        return
    always = "softmax over one score is 1 and its logarithm 0" if event.call.loss == "cross_entropy" else "one class has the log-probability 0"
    message = (
        f"{event.callee} gets an input of shape {_text(given)}{chosen(event)}, with one class: {always} whatever the network gives, "
        "so the loss is always 0 and no gradient flows"
    )
    help = "for yes or no from one output use nn.BCEWithLogitsLoss with floating targets of the same shape, or give the last layer two outputs"
    yield Remark(message, help, steps_of(event.made, given, event.inside), evidence=Evidence.PROVEN)


@rule(
    "TL112",
    "swapped-class-axis",
    Severity.WARNING,
    "cross-entropy gets (batch, time, classes) where it takes (batch, classes, time)",
    losses=("cross_entropy", "nll"),
)
def swapped_class_axis(event: LossCall) -> Iterator[Remark]:
    """The features of a linear layer lie in the last axis, and the loss takes the second for the classes; equal sizes hide it."""
    given, target = event.arguments.get("input"), known_shape(event.arguments.get("target"))
    shape = known_shape(given)
    if given is None or shape is None or target is None:
        return
    hidden = len(shape) == _SEQUENCE and shape[1] == shape[2] > 1 and target == shape[:2]
    if hidden and given.axis == len(shape) - 1 and given.kind is Kind.LOGITS and short(given.source) in _LINEAR:
        message = (
            f"{event.callee} gets {describe(given)} of shape {_text(given)}{chosen(event)}: it takes axis 1 for the classes, and the layer has put "
            f"them in axis 2; torch cannot tell, since both have {shape[1]} elements, and positions compete where classes should"
        )
        help = "write input.transpose(1, 2), or flatten both: input.flatten(0, 1), target.flatten()"
        yield Remark(message, help, steps_of(event.made, given, event.inside), evidence=Evidence.SUPPORTED)


@rule("TL501", "broadcast-in-loss", Severity.ERROR, "input and target of a loss have different shapes and are broadcast against each other")
def broadcast_in_loss(event: LossCall) -> Iterator[Remark]:
    """Each prediction is compared with each target."""
    facts = [event.arguments[each] for each in event.call.alike if each in event.arguments]
    shapes = [shape for each in facts if (shape := known_shape(each)) is not None]
    if len(shapes) < max(2, len(facts)):
        return
    together = broadcast(shapes)
    if together is None or together == shapes[0] or _size(together) <= _size(shapes[0]) or _meant(event, shapes):
        return
    names = " and ".join(f"{name} of shape {_text(each)}" for name, each in zip(event.call.alike, facts, strict=False))
    message = (
        f"{event.callee} gets {names}{chosen(event)}: broadcast to {together}, predictions are compared with targets that are not theirs, "
        f"{_size(together)} pairs in place of {_size(shapes[0])}"
    )
    yield Remark(message, _one_shape(shapes), steps_of(event.made, event.inside), evidence=Evidence.PROVEN)


@rule("TL602", "softmax-over-batch", Severity.WARNING, "softmax over an axis that is not that of the classes, such as the batch")
def softmax_over_batch(event: LossCall) -> Iterator[Remark]:
    """What the loss compares was normalised over something else."""
    for role in ("input", "target"):
        facts = event.arguments.get(role)
        if facts is None or facts.axis is None or facts.shape is None or facts.kind not in _NORMALISED or event.call.loss is None:
            continue
        if _over_something_else(event, role, facts.axis, facts.shape):
            over = "the batch" if facts.axis == 0 else f"axis {facts.axis}"
            where = "every axis but the batch" if event.call.loss == "kl_div" else f"axis {class_axis(event.call, facts.shape)}"
            message = (
                f"{event.callee} gets {describe(facts)} of shape {_text(facts)} as {role}{chosen(event)}, normalised over {over}, and takes the "
                f"classes to lie in {where}: the samples compete with each other, and a sample's own probabilities do not sum to 1"
            )
            dim = "dim=-1" if event.call.loss == "kl_div" else f"dim={class_axis(event.call, facts.shape)}"
            yield Remark(message, f"write {dim} in {short(facts.source)}", steps_of(event.made, facts, event.inside), evidence=Evidence.PROVEN)


@rule("TL608", "softmax-over-one-element", Severity.ERROR, "softmax or log_softmax over an axis of one element, which is constant")
def softmax_over_one_element(event: ActivationCall) -> Iterator[Remark]:
    """All is 1, or 0 as a logarithm."""
    axis, shape = event.axis, known_shape(event.input)
    if axis is None or shape is None or axis >= len(shape) or shape[axis] != 1 or event.input.axis != axis:
        return  # a sequence to attend to may well have one element; a layer always gives as many features
    constant = "0" if event.call.gives == Kind.LOG_PROBABILITIES else "1"
    message = (
        f"{event.callee} is taken over axis {axis} of a tensor of shape {shape}{chosen(event)}, which holds one element: every value "
        f"becomes {constant}, whatever the network gives, and no gradient flows"
    )
    help = "for one output use torch.sigmoid, or name the axis that holds the alternatives"
    yield Remark(message, help, steps_of(event.input), evidence=Evidence.PROVEN)


def _over_something_else(event: LossCall, role: str, axis: int, shape: Sequence[int | None]) -> bool:
    """Whether values normalised over this axis are wrong. Which axis holds the classes of a KL divergence is not known, but it is not the first,
    except in a table of similarities, which is read both ways."""
    if event.call.loss == "kl_div":
        return axis == 0 and len(shape) > 1 and shape[0] != shape[1]
    return event.call.loss in ("cross_entropy", "nll", "ctc") and role == "input" and axis != class_axis(event.call, shape)


def broadcast(shapes: Sequence[Shape]) -> Shape | None:
    """The shape that several have together; None where they do not fit."""
    rank = max(len(shape) for shape in shapes)
    sizes = []
    for column in zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True):
        several = {size for size in column if size != 1}
        if len(several) > 1:
            return None
        sizes.append(several.pop() if several else 1)
    return tuple(sizes)


def _meant(event: LossCall, shapes: Sequence[Shape]) -> bool:
    """Whether someone spelled it out: one number is compared with all, or a table of all pairs is asked for with axes of one element."""
    spelled = event.settings.get("reduction") == "none" and len({len(shape) for shape in shapes}) == 1
    return spelled or _size(shapes[0]) == 1


def _one_shape(shapes: Sequence[Shape]) -> str:
    """What to write for the usual accident, an axis of one element too many or too few."""
    given, target = shapes[0], shapes[1]
    if tuple(size for size in given if size != 1) == tuple(size for size in target if size != 1):
        fits = f"target.view_as(input), or input.squeeze({given.index(1)})" if 1 in given and len(given) > len(target) else "target.view_as(input)"
        return f"give both one shape: {fits}"
    return "give both one shape; where one value is meant for several, write expand_as"


def _size(shape: Shape) -> int:
    size = 1
    for each in shape:
        size *= each
    return size


def _text(facts: Facts) -> str:
    return str(tuple("?" if size is None else size for size in facts.shape or ())).replace("'", "")
