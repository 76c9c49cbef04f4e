"""Is an activation applied in a way that loses numbers or guesses an axis?

For example:

    torch.log(torch.softmax(x, 1))   # TL104: -inf where log_softmax still has the value
    F.softmax(x)                     # TL601: which axis?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torchlint.events import ActivationCall
from torchlint.model import Kind, Severity
from torchlint.rules.declare import Remark, chosen, origin, rule, steps_of
from torchlint.rules.mismatches import describe, short

# What underflows in float32 first, and the stable form, for each kind of squashing; other sources of the kind (a uniform
# random tensor, normalised counts) have no stable form and are not spoken of.
_STABLE: Mapping[tuple[Kind, str], tuple[str, str]] = {
    (Kind.PROBABILITIES, "softmax"): (
        "the result is -inf for a logit 104 below the largest one, and the gradient inf or nan from 89 on",
        "write F.log_softmax(x, dim=...) in place of both",
    ),
    (Kind.UNIT_INTERVAL, "sigmoid"): (
        "the result is -inf and the gradient nan for a logit below -89",
        "write F.logsigmoid(x) in place of both",
    ),
}
_SPELLINGS = {"softmax": "softmax", "softmax2d": "softmax", "sigmoid": "sigmoid", "expit": "sigmoid"}


@rule("TL104", "log-of-softmax", Severity.WARNING, "the logarithm of softmax or sigmoid output, which is -inf where the fused form is exact")
def log_of_softmax(event: ActivationCall) -> Iterator[Remark]:
    """A logarithm, as its contract says, of values that come from softmax or sigmoid untouched."""
    given = event.input
    if event.built or not given.exact or event.call.converts.get(Kind.PROBABILITIES) is not Kind.LOG_PROBABILITIES:
        return
    spelling = _SPELLINGS.get(short(given.source).casefold().rstrip("_"), "")
    stable = _STABLE.get((given.kind, spelling))
    if stable is not None:
        harm, help = stable
        message = f"{event.callee} gets {describe(given)}{chosen(event)}: in float32, {harm}"
        yield Remark(message, help, steps_of(given), cause=origin(given))


@rule("TL601", "softmax-without-dim", Severity.WARNING, "softmax, softmin or log_softmax without dim")
def softmax_without_dim(event: ActivationCall) -> Iterator[Remark]:
    """The axis is guessed from the rank."""
    if "dim" not in event.missing:
        return
    message = (
        f"{event.callee} has no dim{chosen(event)}: torch guesses the axis from the rank, 0 for 1-D and 3-D tensors and 1 otherwise, "
        "so a (batch, time, classes) tensor is normalised over the batch"
    )
    yield Remark(message, "name the axis that holds the classes: dim=1, or dim=-1 for the last one")
