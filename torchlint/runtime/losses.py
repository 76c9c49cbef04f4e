"""What is known of a loss that is about to be computed?

`criterion(net(x), y)` becomes one LossCall event: what was noted of its arguments (or what the autograd graph shows), their dtypes and
shapes, and what their values are like. Where nothing was noted, the values of several batches may still tell: rows that lie in [0, 1] and sum
to 1, three batches in a row, are probabilities (evidence "supported").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from torchlint.contracts.schema import Call, Domain, LossFamily
from torchlint.events import LossCall
from torchlint.meaning import decided
from torchlint.model import Evidence, Facts, Kind, Observed, Place, Step, Trace
from torchlint.runtime import values
from torchlint.runtime.functions import Handler
from torchlint.runtime.places import USER, Caller, FramePlace, owner_of
from torchlint.wording import short

if TYPE_CHECKING:
    from torchlint.runtime.witness import Witness

ROLES: tuple[Literal["input", "target"], ...] = ("input", "target")
BATCHES = 3  # that must agree before values speak
PLAIN = 2  # axes of which scores need no look: a batch and its classes
ROWS = 2  # that a batch must have for its sums to say something
LOGARITHMIC: tuple[LossFamily, ...] = ("nll", "ctc", "kl_div")  # whose input is log-probabilities
FAR = 0.1  # how far the logsumexp of rows lies from 0 at least, where no value is above 0: smoothing and clamping move it less


@dataclass(slots=True)
class _Seen:
    """What the values at one loss call have been like: how many batches were probabilities, or no log-probabilities; and how many were neither."""

    rows_of_one: int = 0
    no_logarithm: int = 0
    other: int = 0


class Losses:
    """Tells of losses, and remembers what their inputs have been like."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._seen: dict[Place, _Seen] = defaultdict(_Seen)
        self.compiled: set[Place] = set()

    def tell(self, handler: Handler, bound: Mapping[str, Any], here: Caller | None) -> None:
        """Emit one event for a loss that is about to be computed."""
        if here is None:
            return
        settings = _settings(handler.call, bound)
        call = decided(handler.call, settings)
        name = self._witness.name_of(handler, here)
        tensors: dict[str, Tensor] = {role: value for role in ROLES if isinstance(value := bound.get(call.roles.get(role, role)), Tensor)}
        arguments: dict[str, Facts] = {role: self._witness.known(tensor) for role, tensor in tensors.items()}
        for parameter in (*call.takes, *call.alike):
            value = bound.get(parameter)
            if parameter not in arguments and isinstance(value, Tensor):
                tensors[parameter] = value
                arguments[parameter] = self._witness.known(value)
        for role in ROLES:
            if role in arguments and (arguments[role].kind is not Kind.LOGITS or tensors[role].dim() > PLAIN):
                arguments[role].axis = self._witness.axes.of(tensors[role])
        evidence = self._look(call, tensors, arguments, settings, here.place)
        place, wrapper = _outside(self._witness, arguments.get("input"), here)
        inner = short(name)
        given = arguments.get("input")
        self._witness.thresholds.reach(given, call.loss, inner, place)
        if given is not None and given.kind is Kind.UNKNOWN and self._witness.graph.compiled(tensors["input"]):
            self.compiled.add(place)
        self._witness.emit(
            LossCall(
                place=place,
                callee=f"`{wrapper}` ({inner} inside)" if wrapper else inner,
                call=call,
                arguments=arguments,
                settings=settings,
                made=self._witness.made(here, name),
                inside=Step(f"handed on to {inner}", here.place) if wrapper else None,
                evidence=evidence,
                step=self._witness.step(),
            )
        )

    def _look(self, call: Call, tensors: Mapping[str, Tensor], arguments: dict[str, Facts], settings: Mapping[str, object], place: Place) -> Evidence:
        """Add to the facts what the values are like; the evidence for the kind of the input."""
        evidence = Evidence.PROVEN
        for role, tensor in tensors.items():
            if not values.readable(tensor):
                continue
            ignored = settings.get("ignore_index")
            domain = _domain(call, role)
            observed = values.observe(tensor, _class_axis(call, tensor), ignored if isinstance(ignored, int) else None, domain)
            if _to_be_counted(call, observed, domain, tensors.get("input")):
                observed = replace(observed, counts=values.histogram(tensor))
            arguments[role].observed = observed
        given, scores = arguments.get("input"), tensors.get("input")
        if given is not None and scores is not None and given.observed is not None and given.kind is Kind.UNKNOWN:
            kind = self._by_values(call, scores, given.observed, place)
            if kind is not None:
                evidence = Evidence.SUPPORTED
                given.kind = kind
                words = "each row sums to 1" if kind is Kind.PROBABILITIES else "the exponentials of the values do not sum to 1"
                given.trace = Trace(Step(f"in {BATCHES} batches and more, {words}", place))
        return evidence

    def _by_values(self, call: Call, tensor: Tensor, observed: Observed, place: Place) -> Kind | None:
        """What the values of several batches agree on; None while they do not."""
        seen = self._seen[place]
        row = tensor.shape[_class_axis(call, tensor)] if tensor.dim() else 1
        if not observed.finite or tensor.numel() < ROWS * row or (observed.integral and observed.excess == 0):
            return None
        if observed.excess is not None and observed.excess <= values.tolerance(tensor):
            seen.rows_of_one += 1
        elif call.loss in LOGARITHMIC and ((observed.highest or 0) > values.log_tolerance(tensor) or _sums_to_less(call, observed)):
            seen.no_logarithm += 1
        else:
            seen.other += 1
        if seen.other:
            return None
        if seen.rows_of_one >= BATCHES and not seen.no_logarithm:
            return Kind.PROBABILITIES
        if seen.no_logarithm >= BATCHES and not seen.rows_of_one and not self._witness.graph.comes_of_logarithm(tensor):
            return Kind.LOGITS
        return None


def _class_axis(call: Call, tensor: Tensor) -> int:
    """The axis over which a loss normalises; 0 for a single sample."""
    return call.class_axis % tensor.dim() if tensor.dim() > 1 else 0


def _domain(call: Call, role: str) -> tuple[Domain, ...]:
    takes = call.takes.get(role)
    return takes.domain if takes is not None else ()


def _sums_to_less(call: Call, observed: Observed) -> bool:
    """Whether values that all lie below 0 are no log-probabilities over the axis of the classes; of a KL divergence that axis is not known."""
    return call.loss != "kl_div" and observed.log_excess is not None and observed.log_excess > FAR


def _to_be_counted(call: Call, observed: Observed, domain: tuple[Domain, ...], given: Tensor | None) -> bool:
    """Whether whole numbers lie where they should not, so that it helps to know how often which occurs."""
    if not observed.integral or observed.lowest is None or observed.highest is None:
        return False
    if "class_index" in domain and given is not None and given.dim():
        return observed.lowest < 0 or observed.highest >= given.shape[_class_axis(call, given)]
    return observed.outside > 0


def _settings(call: Call, bound: Mapping[str, Any]) -> dict[str, object]:
    """The settings by their values, defaults filled in."""
    known: dict[str, object] = {}
    for parameter, default in call.defaults.items():
        value = bound.get(parameter, default)
        if value is None or isinstance(value, (bool, int, float, str)):
            known[parameter] = value
    return known


def _outside(witness: Witness, given: Facts | None, here: Caller) -> tuple[Place, str]:
    """The call of the user's own loss module through which the input came in, with the module's name: that is where a wrong value is given.
    For `criterion(out, y)` whose forward says `F.cross_entropy(out, y)` it is the former; otherwise the loss call itself, and no name."""
    place, name = here.place, ""
    if given is None or given.trace is None:
        return place, name
    frame, last = here.frame, given.trace.step.place
    while frame is not None and frame.f_code.co_name == "forward":
        owner = frame.f_locals.get("self")
        if not isinstance(owner, nn.Module) or (isinstance(last, FramePlace) and last.code is frame.f_code):
            break
        code = frame.f_code
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        if not any(_is(witness, frame.f_locals.get(each), given) for each in names):
            break
        outer = frame.f_back
        while outer is not None and owner_of(outer.f_code) != USER:
            outer = outer.f_back
        if outer is None:
            break
        place, name = FramePlace(outer.f_code, outer.f_lasti), type(owner).__name__
        frame = outer
    return place, name


def _is(witness: Witness, value: Any, given: Facts) -> bool:
    """Whether a parameter holds the values that the loss gets."""
    if not isinstance(value, torch.Tensor):
        return False
    facts = witness.facts(value)
    return facts.trace is given.trace and facts.trace is not None
