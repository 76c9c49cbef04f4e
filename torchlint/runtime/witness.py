"""What does one call into torch tell?

Every call that a contract speaks of comes by here, with the real arguments. Before it runs, the events are told that the flow would tell of it
(a loss is computed, a logarithm is taken, a distribution draws); after it, what its result means is noted for the tensors that it gave:

    probs = net(x).softmax(1)      # noted: probabilities, "Tensor.softmax gives probabilities", at this line
    F.cross_entropy(probs, y)      # told: LossCall(arguments={"input": <these facts>, ...})

What is not noted, because nobody watched when it was computed, is asked of the autograd graph.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import FrameType
from typing import Any

import torch

from torchlint.contracts.schema import Call
from torchlint.contracts.table import Table
from torchlint.events import ActivationCall, ArgumentGiven, Event
from torchlint.meaning import ANYTHING, NUMBER, Operand, arithmetic_facts, given, joined, number, product_facts, result_facts
from torchlint.model import Facts, Kind, Place, Step, Trace
from torchlint.runtime import values
from torchlint.runtime.axes import Axes
from torchlint.runtime.functions import Handler
from torchlint.runtime.graph import Graph
from torchlint.runtime.hooks import Hooks
from torchlint.runtime.ledger import Ledger
from torchlint.runtime.losses import Losses
from torchlint.runtime.modules import Births
from torchlint.runtime.places import Caller, FramePlace, caller, users
from torchlint.runtime.thresholds import Thresholds
from torchlint.wording import short

UNKNOWN = Facts()
MOST_PLACES = 4096  # of which it is remembered what is said there
_TENSOR = torch.Tensor


class Witness:
    """Looks at calls and tells `emit` of them."""

    def __init__(self, table: Table, emit: Callable[[Event], None], births: Births) -> None:
        self.table = table
        self.emit = emit
        self.births = births
        self.ledger = Ledger()
        self.graph = Graph(table)
        self.thresholds = Thresholds(emit)
        self.losses = Losses(self)
        self.hooks = Hooks(emit, self.title)
        self.axes = Axes(table)
        self.step: Callable[[], int | None] = lambda: None
        self._given: dict[tuple[int, int, int, int], tuple[Callable[[], Any], Facts]] = {}

    def expects(self, handler: Handler, args: tuple[Any, ...]) -> bool:
        """Whether nothing is to be said of what a call gets that only gives: neither that it writes, nor that it gets anything but raw scores."""
        if self.hooks.watching:
            return False
        return not handler.call.converts or (bool(args) and isinstance(args[0], _TENSOR) and self.facts(args[0]).kind is Kind.LOGITS)

    def gave(self, handler: Handler, result: Any, frame: FrameType) -> None:
        """Note the result of such a call. What is said of it is the same each time that the same module runs at the same place."""
        found, module, contained = users(frame)
        if found is None:
            return
        key = (id(handler), id(found.f_code), found.f_lasti, id(module))
        known = self._given.get(key)
        if known is None or known[0]() is not module:
            here = Caller(FramePlace(found.f_code, found.f_lasti), found, module, contained)
            place, maker = self._place(here)
            facts = given(handler.call.gives or "", self.name_of(handler, here), place, maker=maker)
            if len(self._given) >= MOST_PLACES:
                self._given.clear()
            known = self._given[key] = (weakref.ref(module) if module is not None else _nothing, facts)
        facts = known[1]
        trace = Trace(facts.trace.step) if facts.trace is not None else None  # one of its own for each tensor
        self._note(result, Facts(facts.kind, None, facts.source, True, trace))

    def before(self, handler: Handler, bound: dict[str, Any], subject: Facts, frame: FrameType) -> None:
        """Tell of a call that is about to run. subject: what is known of the argument whose facts pass on; frame: of what called it."""
        call = handler.call
        if self.hooks.watching and handler.writes(bound):
            self._tell_of_write(handler, bound, self.hooks.about_to_write, frame)
        if call.loss is not None:
            self.losses.tell(handler, bound, caller(frame))
        elif call.takes:
            self._tell_of_arguments(handler, bound, frame)
        elif call.threshold is not None:
            self._tell_of_division(handler, bound, frame)
        if handler.activates:
            self._tell_of_activation(handler, bound, subject, frame)

    def after(self, handler: Handler, bound: dict[str, Any], result: Any, before: Facts, frame: FrameType) -> None:
        """Note what the result means. before: what was known of the argument whose facts pass on, before the call wrote into it."""
        call = handler.call
        if self.hooks.watching and handler.writes(bound):
            self._tell_of_write(handler, bound, self.hooks.written, frame)
        if handler.symbol:
            if isinstance(result, _TENSOR):
                self._note_arithmetic(handler, bound, result, frame)
            return
        if call.gives == "same" and not call.converts:
            if before.kind is not Kind.UNKNOWN:
                self._note(result, before)
            return
        if not (call.gives or before.kind in call.converts or call.mixes or call.returns or call.fills):
            return
        here = caller(frame)
        if here is not None:
            self._note_result(handler, bound, result, before, here)

    def _tell_of_write(self, handler: Handler, bound: Mapping[str, Any], tell: Callable[[torch.Tensor, str, Place], None], frame: FrameType) -> None:
        tensor, here = bound.get(handler.call.passes_on), caller(frame)
        if isinstance(tensor, _TENSOR) and here is not None:
            tell(tensor, self.name_of(handler, here), self._place(here)[0])

    def title(self, module: torch.nn.Module) -> str:
        """How a message names a module."""
        found = self.births.contract(type(module))
        return short(found[0]) if found is not None and type(module).__module__.startswith("torch.") else type(module).__name__

    def subject(self, handler: Handler, bound: Mapping[str, Any]) -> Facts:
        """What is known of the argument whose facts pass on."""
        value = bound.get(handler.passes_on)
        if isinstance(value, _TENSOR):
            return self.facts(value)
        if isinstance(value, (list, tuple)):
            parts = [self.facts(each) for each in value if isinstance(each, _TENSOR) and each.numel()]
            return joined(parts) if parts else UNKNOWN
        return UNKNOWN

    def facts(self, tensor: torch.Tensor) -> Facts:
        """What was noted of a tensor."""
        return self.ledger.of(tensor) or UNKNOWN

    def known(self, tensor: torch.Tensor) -> Facts:
        """What was noted of a tensor, or else what the autograd graph shows; with its dtype and shape."""
        facts = self.ledger.of(tensor)
        if facts is None:
            facts = self.graph.facts(tensor)
        return Facts(facts.kind, _dtype(tensor.dtype), facts.source, facts.exact, facts.trace, facts.dtype_trace, tuple(tensor.shape))

    def name_of(self, handler: Handler, here: Caller) -> str:
        """The qualified name by which the user calls it: that of the module, where a module of torch does it."""
        if here.module is None:
            return handler.name
        return self.births.name_of(type(here.module), handler.name, handler.call) or handler.name

    def made(self, here: Caller, name: str) -> Step | None:
        """The step that says where the module at work was built, if one is at work and that was seen."""
        place = self.births.of(here.module) if here.module is not None else None
        return Step(f"`{short(name)}` is built", place) if place is not None else None

    def _note(self, result: Any, facts: Facts) -> None:
        if isinstance(result, _TENSOR):
            self.ledger.note(result, facts)
        elif isinstance(result, (tuple, list)):
            for each in result:
                self._note(each, facts)

    def _note_arithmetic(self, handler: Handler, bound: dict[str, Any], result: torch.Tensor, frame: FrameType) -> None:
        left, right = bound.get("input"), bound.get("other")
        if handler.turned:
            left, right = right, left
        first, second = self._operand(left), self._operand(right)
        if handler.symbol == "@" and (first is NUMBER) is not (second is NUMBER):
            here = caller(frame)
            if here is not None:
                self.ledger.note(result, product_facts(first, second, handler.name, *self._place(here)))
        elif (isinstance(first, Facts) and first.kind is not Kind.UNKNOWN) or (isinstance(second, Facts) and second.kind is not Kind.UNKNOWN):
            facts = arithmetic_facts(handler.symbol, first, second)
            if facts.kind is not Kind.UNKNOWN:
                self.ledger.note(result, facts)

    def _operand(self, value: Any) -> Facts | Operand:
        if isinstance(value, torch.nn.Parameter):
            return NUMBER
        if isinstance(value, _TENSOR):
            return self.facts(value)
        return number(value) if isinstance(value, (int, float)) else ANYTHING

    def _note_result(self, handler: Handler, bound: dict[str, Any], result: Any, before: Facts, here: Caller) -> None:
        call, name = handler.call, self.name_of(handler, here)
        place, maker = self._place(here)
        if call.returns and (call.returns_if is None or call.returns_if in bound) and isinstance(result, (tuple, list)):
            for each, gives in zip(result, call.returns, strict=False):
                if isinstance(each, _TENSOR):
                    facts = before if gives == "same" else given(gives, name, place, maker=maker)
                    if facts.kind is not Kind.UNKNOWN:
                        self._note(each, facts)
            return
        one_hot = call.fills is not None and self._is_one_hot(call.fills, before, bound)
        if call.mixes is not None:
            facts = product_facts(self._operand(bound.get(handler.passes_on)), self._operand(bound.get(call.mixes)), name, place, maker)
        else:
            facts = result_facts(call, name, before, place, one_hot, maker)
        if call.blank:
            facts = Facts(source=name)
        if facts.kind is not Kind.UNKNOWN or facts.source:
            self._note(result, facts)

    def _place(self, here: Caller) -> tuple[Place, Place | None]:
        """Where a step of a trace stands: a module that a container calls is shown where it was built."""
        built = self.births.of(here.module) if here.module is not None else None
        return (built, built) if here.contained and built is not None else (here.place, built)

    def _is_one_hot(self, filler: str, before: Facts, bound: Mapping[str, Any]) -> bool:
        maker = self.table.call(before.source)
        written = bound.get(filler, bound.get("value"))
        return maker is not None and maker.blank and isinstance(written, (int, float)) and written == 1

    def _tell_of_arguments(self, handler: Handler, bound: dict[str, Any], frame: FrameType) -> None:
        told = list(self.arguments(handler.call, bound))
        here = caller(frame) if told else None
        if here is not None:
            self._tell_of_given(told, short(self.name_of(handler, here)), handler.call, bound, here.place)

    def _tell_of_given(self, told: Iterable[tuple[str, Facts]], callee: str, call: Call, bound: Mapping[str, Any], place: Place) -> None:
        for parameter, facts in told:
            other = bound.get(call.takes[parameter].of or "")
            of = self.known(other) if isinstance(other, _TENSOR) else None
            axis = bound.get(call.takes[parameter].along or "")
            if of is not None and of.shape and type(axis) is int and -len(of.shape) <= axis < len(of.shape):
                of = replace(of, shape=(of.shape[axis],))
            self.emit(ArgumentGiven(place=place, callee=callee, call=call, parameter=parameter, given=facts, of=of, step=self.step()))

    def arguments(self, call: Call, bound: Mapping[str, Any]) -> Iterable[tuple[str, Facts]]:
        """The parameters of which the contract says what they take, and that get a tensor of known meaning or with values to be looked at."""
        for parameter, takes in call.takes.items():
            value = bound.get(parameter)
            if isinstance(value, _TENSOR) and not (takes.unless is not None and bound.get(takes.unless) is not None):
                facts = self.known(value)
                if takes.domain and values.readable(value):
                    facts.observed = values.observe(value, domain=takes.domain)
                if facts.kind is not Kind.UNKNOWN or facts.observed is not None:
                    yield parameter, facts

    def _tell_of_activation(self, handler: Handler, bound: dict[str, Any], subject: Facts, frame: FrameType) -> None:
        call = handler.call
        missing = tuple(each for each in call.needs if bound.get(each) is None) if call.needs else ()
        value = bound.get(handler.passes_on)
        single = self._single(call, bound, value) if call.over is not None else None
        if not missing and single is None and (not call.converts or subject.kind is Kind.LOGITS):
            return  # activations are made for raw scores: nothing to judge, in the commonest case of all
        facts = self.known(value) if call.converts and isinstance(value, _TENSOR) else UNKNOWN
        if not missing and facts.kind is Kind.UNKNOWN and single is None:
            return
        here = caller(frame)
        if here is None:
            return
        callee = short(self.name_of(handler, here))
        if facts.kind is not Kind.UNKNOWN:
            self.emit(ActivationCall(place=here.place, callee=callee, call=call, input=facts))
        if single is not None:
            self.emit(ActivationCall(place=here.place, callee=callee, call=call, input=single[0], axis=single[1], step=self.step()))
        if missing:
            built = self.births.of(here.module) if here.module is not None else None
            self.emit(ActivationCall(place=built or here.place, callee=callee, call=call, input=facts, missing=missing, built=built is not None))

    def _single(self, call: Call, bound: Mapping[str, Any], value: Any) -> tuple[Facts, int] | None:
        """What is known of a tensor that is normalised over an axis of one element, and that axis."""
        axis = bound.get(call.over or "")
        if type(axis) is not int or not isinstance(value, _TENSOR) or not -value.dim() <= axis < value.dim() or value.shape[axis] != 1:
            return None
        return replace(self.known(value), axis=self.axes.of(value)), axis % value.dim()

    def _tell_of_division(self, handler: Handler, bound: dict[str, Any], frame: FrameType) -> None:
        call = handler.call
        parameter = call.threshold if isinstance(call.threshold, str) else None
        number = bound.get(parameter) if parameter is not None else call.threshold
        value = bound.get(call.passes_on)
        if not isinstance(number, (int, float)) or isinstance(number, bool) or not isinstance(value, _TENSOR):
            return
        if bound.keys() - {call.passes_on, parameter, "out"}:
            return
        facts = self.known(value)
        if facts.kind is Kind.LOGITS:
            here = caller(frame)
            if here is not None:
                self.thresholds.hold(here.place, facts, handler, number, parameter is None)

    def distribution(self, name: str, call: Call, bound: Mapping[str, Any], frame: FrameType) -> None:
        """A distribution is being built."""
        told = list(self.arguments(call, bound))
        here = caller(frame) if told else None
        if here is not None:
            self._tell_of_given(told, short(name), call, bound, here.place)


def _nothing() -> None:
    """What a call has in place of a module, where none makes it."""


@cache
def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
