"""What can happen to tensors that a rule may want to judge?

A witness (the static flow, or the runtime mode) tells of each happening as one event; a rule is a generator over one kind of event:

    LossCall(callee="nn.CrossEntropyLoss", call=<contract>, arguments={"input": Facts(kind=probabilities), ...}, settings={"reduction": "mean"})

Events hold facts and contracts. They hold neither syntax nor torch objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torchlint.contracts.schema import Call, LossFamily
from torchlint.model import Evidence, Facts, Place, Step, Trace


class Cases:
    """The alternatives of one happening: an event is emitted for each, and all share one Cases object.

    A finding that every case gives is proven even where each case by itself is only possible.
    """

    __slots__ = ("count",)

    def __init__(self, count: int = 1) -> None:
        self.count = count


@dataclass(slots=True, kw_only=True)
class Event:
    """place: where it happens. certain: False when an unknown flag decides whether this case arises at all.

    choice: names the alternative that is meant, such as "when the model is MLP"; empty where there is only one.
    evidence: how the witness knows what the event says of the tensors.
    step: how many steps of an optimizer were made before it; None for the static side.
    """

    place: Place
    certain: bool = True
    cases: Cases = field(default_factory=Cases)
    choice: str = ""
    evidence: Evidence = Evidence.PROVEN
    step: int | None = None


@dataclass(slots=True, kw_only=True)
class LossCall(Event):
    """A loss is computed.

    callee     what the user calls, as PyTorch writes it: "nn.CrossEntropyLoss" or "F.cross_entropy"
    call       the contract of the function (for a module: of the function its forward equals)
    arguments  facts by parameter name ("input", "target", ...); parameters that were not given are absent
    settings   the constant settings that are known, defaults filled in ("reduction": "mean", "log_target": False);
               a setting whose value is not known is absent
    made       where the loss object was built, None for a functional call
    free       where the program chooses this loss among several by something unknown: which of them goes with which network is its user's affair
    inside     where the loss itself is called, when `place` is the call of the project's own loss module that hands its input on to it
    """

    callee: str
    call: Call
    arguments: Mapping[str, Facts]
    settings: Mapping[str, object]
    made: Step | None = None
    inside: Step | None = None
    free: Place | None = None


@dataclass(slots=True, kw_only=True)
class KindRevealed(Event):
    """The program asks what torchlint knows: `torchlint.reveal_kind(x)`. One event for each alternative."""

    facts: Facts


@dataclass(slots=True, kw_only=True)
class LossMade(Event):
    """A loss module is constructed, whether or not it is ever called. `settings` as in LossCall."""

    callee: str
    call: Call
    settings: Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class ActivationCall(Event):
    """A function that gives, converts or needs something is applied to a tensor (softmax, log, ...).

    missing  parameters that the contract says are needed (`needs`) and that were not given, such as ("dim",)
    built    True when a module is constructed (`nn.Softmax()`), False when it is applied (`F.softmax(x)`)
    axis     over which it normalises, counted from 0, where that is known
    """

    callee: str
    call: Call
    input: Facts
    missing: tuple[str, ...] = ()
    built: bool = False
    axis: int | None = None


@dataclass(slots=True, kw_only=True)
class ArgumentGiven(Event):
    """A parameter of which the contract says what it takes (`takes`) gets a tensor. Losses tell a LossCall instead.

    of  facts of the parameter whose rows it numbers, where the contract names one
    """

    callee: str
    call: Call
    parameter: str
    given: Facts
    of: Facts | None = None


@dataclass(slots=True, kw_only=True)
class ThresholdGiven(Event):
    """A tensor is divided in two at a number: `x > 0.5`, torch.round(x).

    operation  what does it, as a message names it: "`>`" or "torch.round"; rounded: whether it is no comparison
    number     the threshold
    losses     the families of the losses that the same values reach as input anywhere in the program, each with a step that names the loss
    """

    given: Facts
    operation: str
    number: float
    rounded: bool = False
    losses: Mapping[LossFamily, Step] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class ModuleMade(Event):
    """A torch.nn module is constructed. `tensors` names the constructor parameters that got a tensor though they take none."""

    callee: str
    tensors: tuple[str, ...]
    is_loss: bool = False


@dataclass(slots=True, kw_only=True)
class SequentialMade(Event):
    """nn.Sequential gets an element that is a plain function, not a module. `element` is how the user would write it: "F.relu"."""

    element: str
    module: str  # the module to write instead, "nn.ReLU()"; empty where there is none


@dataclass(slots=True, kw_only=True)
class StaleRead(Event):
    """A tensor is read after an in-place operation overwrote it, and the reader expects the old value.

    writer  the step of the in-place operation; reader: what reads ("+", "torch.cat", "Conv2d")
    """

    writer: Step
    writer_name: str
    reader: str
    origin: Trace | None = None


@dataclass(slots=True, kw_only=True)
class InplaceWrite(Event):
    """An in-place operation writes a tensor that backward needs. `saver` is the call that saved it, `saved` "input" or "output"."""

    writer_name: str
    saver: Step
    saver_name: str
    saved: str


@dataclass(slots=True, kw_only=True)
class KeptOverwritten(Event):
    """A tensor that a hook or a capture loop keeps (without a copy) is overwritten in place afterwards.

    keeper   the step that kept it; keeper_name: "forward hook on Conv2d", "feats[name] = x"
    hooked   False for a capture loop without a hook
    made     the call on whose behalf the hook was registered, which says on what; None where no function was called for that
    """

    keeper: Step
    keeper_name: str
    writer: Step
    writer_name: str
    hooked: bool = True
    made: Step | None = None


@dataclass(slots=True, kw_only=True)
class BackwardHookOnInplace(Event):
    """A full backward hook on a module whose output (or, for an in-place module, whose own input) is then written in place: torch raises."""

    module_name: str
    writer: Step
    writer_name: str
