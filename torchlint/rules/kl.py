"""Is a KL divergence computed from what it takes, and reduced to what it is called?

torch's kl_div(input, target) is the divergence of `target` from exp(`input`): the input is a logarithm, the target is not
(unless log_target=True), and only reduction="batchmean" gives the divergence:

    F.kl_div(student.softmax(1), teacher.softmax(1), reduction="batchmean")   # TL301: the input must be log_softmax
    F.kl_div(teacher.softmax(1), student.log_softmax(1))                      # TL304: exchanged (and TL303: the reduction)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torchlint.events import LossCall, LossMade
from torchlint.model import Evidence, Facts, Kind, Severity
from torchlint.rules.declare import Remark, chosen, origin, rule, steps_of
from torchlint.rules.mismatches import complain, describe

_MEAN = ("mean", 1)  # torch.kl_div takes torch's internal number
_LEGACY = ("size_average", "reduce")
_LINEAR = (Kind.PROBABILITIES, Kind.UNIT_INTERVAL, Kind.ONE_HOT)
_LOGARITHMIC = (Kind.LOG_PROBABILITIES, Kind.FLAT_LOG_PROBABILITIES, Kind.LOG_UNIT_INTERVAL)
_ABOVE = {"float16": 1e-2, "bfloat16": 5e-2}
_ABOVE_ZERO = 1e-3
"""How far above 0 a log-probability may lie by rounding, by dtype and otherwise."""


@rule("TL301", "kl-div-input-not-log-probs", Severity.ERROR, "the input of KL divergence is not log-probabilities", losses=("kl_div",))
def kl_div_input_not_log_probs(event: LossCall) -> Iterator[Remark]:
    """The first argument is a logarithm."""
    if not _exchanged(event):
        yield from complain("TL301", event)


@rule("TL302", "kl-div-target-domain", Severity.ERROR, "the target of KL divergence does not fit log_target", losses=("kl_div",))
def kl_div_target_domain(event: LossCall) -> Iterator[Remark]:
    """The second argument is probabilities, or log-probabilities where log_target says so."""
    target = event.arguments.get("target")
    if target is None or _exchanged(event):
        return
    log_target = event.settings.get("log_target")
    verdict = _target_verdict(target.kind, log_target)
    seen = _seen_verdict(target, log_target) if verdict is None else None
    if seen is not None:
        said, harm, help = seen
        message = f"{event.callee} gets {said} as target{chosen(event)}: {harm}"
        yield Remark(message, help, steps_of(event.made, target, event.inside), evidence=Evidence.VIOLATED)
    if verdict is not None:
        harm, help = verdict
        message = f"{event.callee} gets {describe(target)} as target{chosen(event)}: {harm}"
        yield Remark(message, help, steps_of(event.made, target, event.inside), cause=origin(target))


@rule(
    "TL303",
    "kl-div-reduction",
    Severity.WARNING,
    "KL divergence with reduction 'mean', which divides by the number of classes as well",
    losses=("kl_div",),
)
def kl_div_reduction(event: LossMade | LossCall) -> Iterator[Remark]:
    """'mean' averages over elements; a module is judged where it is made, a function where it is called."""
    if isinstance(event, LossCall) and event.made is not None:
        return
    reduction = reduction_of(event)
    if reduction in _MEAN:
        message = (
            f"{event.callee} reduces by 'mean' (the default){chosen(event)}, which divides by all elements and not by the batch: "
            "the result is the divergence over the number of classes, 10 times too small for 10 classes"
        )
        yield Remark(message, _batchmean(event.settings, reduction))


@rule("TL304", "kl-div-swapped-arguments", Severity.ERROR, "input and target of KL divergence are exchanged", losses=("kl_div",))
def kl_div_swapped_arguments(event: LossCall) -> Iterator[Remark]:
    """One finding for both arguments."""
    if not _exchanged(event):
        return
    given, target = event.arguments["input"], event.arguments["target"]
    message = (
        f"{event.callee} gets {describe(given)} as input and {describe(target)} as target{chosen(event)}: the two are exchanged, "
        "and the logarithm of the negative target makes the loss nan"
    )
    help = "exchange the arguments: the log-probabilities of the model first, the probabilities to match second"
    yield Remark(message, help, steps_of(event.made, given, target, event.inside))


def _exchanged(event: LossCall) -> bool:
    given, target = event.arguments.get("input"), event.arguments.get("target")
    if given is None or target is None:
        return False
    return given.kind in _LINEAR and target.kind in _LOGARITHMIC and event.settings.get("log_target") is False


def _target_verdict(kind: Kind, log_target: object) -> tuple[str, str] | None:
    """Why a target of this kind is wrong, and what to write; `log_target` is None where it is not known."""
    if kind is Kind.LOGITS:
        harm = "logits are no distribution, so the sum weighs each class by a raw score"
        return harm, "pass F.softmax(logits, dim=-1), or F.log_softmax with log_target=True"
    if kind in _LOGARITHMIC and log_target is False:
        harm = "without log_target=True it takes the logarithm of these negative numbers, and the loss is nan"
        return harm, "write log_target=True, or pass probabilities"
    if kind in _LINEAR and log_target is True:
        harm = "with log_target=True it takes them for logarithms: two equal uniform distributions over 10 classes score 26.55 instead of 0"
        return harm, "leave log_target=True out, or pass log-probabilities"
    return None


def _seen_verdict(target: Facts, log_target: object) -> tuple[str, str, str] | None:
    """What is wrong with a target by its values alone: how to say it, why it hurts, and what to write."""
    seen = target.observed
    if seen is None or seen.lowest is None or seen.highest is None:
        return None
    if log_target is False and seen.lowest < 0:
        harm = "it takes their logarithm, and the loss is nan"
        help = "pass probabilities: F.softmax(logits, dim=-1); where these are log-probabilities, write log_target=True"
        return f"values down to {seen.lowest:.4g}", harm, help
    if log_target is True and seen.highest > _ABOVE.get(target.dtype or "", _ABOVE_ZERO):
        harm = "with log_target=True it takes their exponential for a probability, which is then above 1"
        help = "pass F.log_softmax(logits, dim=-1), or leave log_target=True out where these are probabilities"
        return f"values up to {seen.highest:.4g}", harm, help
    return None


def reduction_of(event: LossCall | LossMade) -> object:
    """The reduction that takes effect; None where it is not known."""
    return _reduction(event.settings, event.call.defaults)


def _batchmean(settings: Mapping[str, object], reduction: object) -> str:
    """What to write: an old argument would win over `reduction`, and torch.kl_div knows no batchmean."""
    instead = 'write reduction="batchmean"'
    if reduction != "mean":
        return f"use F.kl_div and {instead}"
    old = [name for name in _LEGACY if settings.get(name) not in (None, "none")]
    return f"{instead} in place of {' and '.join(old)}" if old else instead


def _reduction(settings: Mapping[str, object], defaults: Mapping[str, object]) -> object:
    """The reduction that takes effect; None where it is not known. The old size_average and reduce win over `reduction`."""
    legacy = []
    for name in _LEGACY:
        if name not in settings and name in defaults:
            return None  # given, but not as a constant
        value = settings.get(name)
        legacy.append(None if value == "none" else value)
    size_average, reduce = legacy
    if size_average is None and reduce is None:
        return settings.get("reduction")
    if reduce is not None and not reduce:
        return "none"
    return "mean" if size_average is None or size_average else "sum"
