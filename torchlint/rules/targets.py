"""Does a loss get the kind of target that it computes with?

    target = torch.randint(0, 2, (8, 5))                  # int64
    F.binary_cross_entropy_with_logits(logits, target)    # TL203: raises, the target must be floating

The soft-margin losses compute with integer targets too and stay silent.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.events import LossCall
from torchlint.model import Facts, Kind, Severity
from torchlint.rules.declare import Remark, chosen, origin, rule, steps_of

TORCH_NAMES = {"int64": "Long", "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool"}
"""How torch's own messages name the dtypes that these losses refuse."""


@rule(
    "TL203",
    "integer-multilabel-targets",
    Severity.ERROR,
    "integer or bool targets, or class indices, into binary cross-entropy",
    losses=("bce", "bce_with_logits"),
)
def integer_multilabel_targets(event: LossCall) -> Iterator[Remark]:
    """Binary cross-entropy multiplies by the target, so it must be floating and of the input's shape."""
    target = event.arguments.get("target")
    if target is None:
        return
    if target.dtype in TORCH_NAMES:
        yield _wrong_dtype(event, target, target.dtype)
    elif target.kind is Kind.CLASS_INDICES and _ranks_differ(event.arguments.get("input"), target):
        yield _indices(event, target)


def _wrong_dtype(event: LossCall, target: Facts, dtype: str) -> Remark:
    source = target.dtype_trace or target.trace
    refusal = _refusal(event.call.loss == "bce", dtype)
    message = f'{event.callee} gets {dtype} targets{chosen(event)}: it computes with floating targets only, and torch raises "{refusal}"'
    help = "convert the targets: target.float()"
    if target.kind is Kind.CLASS_INDICES:
        several = "for class indices, F.one_hot(target, num_classes).float() or nn.CrossEntropyLoss"
        help = f"for 0 and 1 in the shape of the input, target.float(); {several}"
    return Remark(message, help, steps_of(event.made, source, event.inside), cause=origin(source))


def _refusal(plain: bool, dtype: str) -> str:
    if plain:
        return f"Found dtype {TORCH_NAMES[dtype]} but expected Float"
    if dtype == "bool":
        return "Subtraction, the `-` operator, with two bool tensors is not supported"
    return f"result type Float can't be cast to the desired output type {TORCH_NAMES[dtype]}"


def _indices(event: LossCall, target: Facts) -> Remark:
    takes = "it takes a 0 or 1 for each class, in the shape of the input, and torch raises on other shapes"
    message = f"{event.callee} gets class indices{chosen(event)}: {takes}"
    help = "write F.one_hot(target, num_classes).float(), or use nn.CrossEntropyLoss, which takes class indices"
    return Remark(message, help, steps_of(event.made, target, event.inside), cause=origin(target))


def _ranks_differ(given: Facts | None, target: Facts) -> bool:
    """Indices cast to float are right for two classes in one column: they are wrong for sure only where an axis is missing."""
    return given is not None and given.shape is not None and target.shape is not None and len(given.shape) != len(target.shape)
