"""Is a tensor overwritten in place while someone else still needs its old values?

    identity = x
    out = self.relu(x)       # nn.ReLU(inplace=True): writes x, and so identity
    return out + identity    # TL402: identity lost its negative values

A hook or a loop that keeps the tensor (TL401) and the backward pass that saved it (TL403) are the other two who need it.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.events import BackwardHookOnInplace, InplaceWrite, KeptOverwritten, StaleRead
from torchlint.model import Severity
from torchlint.rules.declare import Remark, chosen, rule, steps_of


@rule("TL401", "inplace-activation-with-hook", Severity.ERROR, "a tensor that a hook or a capture loop keeps is overwritten in place")
def inplace_activation_with_hook(event: KeptOverwritten | BackwardHookOnInplace) -> Iterator[Remark]:
    """Kept tensors change silently; a full backward hook makes torch raise."""
    yield _kept(event) if isinstance(event, KeptOverwritten) else _backward_hook(event)


def _kept(event: KeptOverwritten) -> Remark:
    message = (
        f"the {event.keeper_name} keeps a tensor that {event.writer_name} overwrites in place afterwards{chosen(event)}: "
        "what is kept holds the values after the activation (after a relu, 0 for every negative), and nothing raises"
    )
    help = "keep a copy (.clone()), or build the activation with inplace=False"
    severity = None if event.hooked else Severity.WARNING
    return Remark(message, help, steps_of(event.made, event.keeper, event.writer), severity)


def _backward_hook(event: BackwardHookOnInplace) -> Remark:
    message = (
        f"the full backward hook on {event.module_name} does not allow that {event.writer_name} writes in place{chosen(event)}: "
        'torch raises "Output 0 of BackwardHookFunction is a view and is being modified inplace" in the forward pass'
    )
    return Remark(message, "build the activation with inplace=False", steps_of(event.writer))


@rule("TL402", "inplace-clobbers-residual", Severity.ERROR, "a tensor is read after an in-place operation overwrote it")
def inplace_clobbers_residual(event: StaleRead) -> Iterator[Remark]:
    """The reader expects the old values."""
    message = (
        f"{event.reader} reads a tensor that {event.writer_name} has overwritten in place{chosen(event)}: "
        "it gets the values after the activation (after a relu, 0 for every negative), and nothing raises"
    )
    help = "build the activation with inplace=False, or keep a copy (.clone()) for the later reader"
    yield Remark(message, help, steps_of(event.origin, event.writer))


@rule("TL403", "inplace-breaks-backward", Severity.ERROR, "an in-place operation overwrites a tensor that backward needs")
def inplace_breaks_backward(event: InplaceWrite) -> Iterator[Remark]:
    """torch notices it only in backward()."""
    message = (
        f"{event.writer_name} overwrites the {event.saved} of {event.saver_name}, which backward needs{chosen(event)}: "
        'backward() raises "one of the variables needed for gradient computation has been modified by an inplace operation"'
    )
    yield Remark(message, "use the form that is not in place", steps_of(event.saver))
