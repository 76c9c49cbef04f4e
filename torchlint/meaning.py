"""What do numbers mean after a call, given what they meant before?

A contract says it, and this module works it out, for both witnesses alike: the flow asks with places in the source, the runtime mode with
places in the running program.

    result_facts(<contract of softmax>, "torch.softmax", Facts(), place)          # probabilities, "torch.softmax gives probabilities"
    result_facts(<contract of log>, "torch.log", <probabilities>, place)          # log-probabilities
    arithmetic_facts("+", <logits>, NUMBER)                                       # logits: a raw score stays one
    arithmetic_facts("+", <probabilities>, NUMBER)                                # unknown: arithmetic ends a meaning
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Final

from msgspec.structs import replace

from torchlint.contracts.schema import Call
from torchlint.model import Facts, Kind, Place, Step, Trace
from torchlint.wording import KIND_WORDS, short


class Operand(Enum):
    """An operand that is no tensor with facts of its own."""

    NUMBER = "number"  # a number, or a learnable weight: any real number
    ONE = "one"  # the number 1
    ANYTHING = "anything"  # of which nothing at all is known


NUMBER: Final = Operand.NUMBER
ONE: Final = Operand.ONE
ANYTHING: Final = Operand.ANYTHING
_KEEPS_LOGITS = frozenset({"+", "-", "*", "/"})
_WEIGHTS = frozenset({Kind.UNIT_INTERVAL, Kind.PROBABILITIES})
WITHIN_ONE = frozenset({Kind.UNIT_INTERVAL, Kind.PROBABILITIES, Kind.ONE_HOT})
"""Kinds of values in [0, 1]."""


Origin = tuple[Place, str]
"""Which layer gave the values, by where it was built (or the call that gave them), and what they have been through since."""


def origin_of(facts: Facts | None) -> Origin | None:
    """None for values that have no history, and for those that arithmetic has moved since."""
    if facts is None or facts.trace is None or not facts.exact:
        return None
    first = facts.trace.first
    return (first.maker or first.place), facts.source


def decided(call: Call, settings: Mapping[str, object]) -> Call:
    """The contract with the family that the settings decide."""
    for case in call.cases:
        if all(name in settings and type(settings[name]) is type(value) and settings[name] == value for name, value in case.when.items()):
            return call if case.loss == call.loss else replace(call, loss=case.loss)
    return call


def given(gives: str, name: str, place: Place, before: Trace | None = None, maker: Place | None = None) -> Facts:
    """Facts of what a call gives; the trace goes on from `before`."""
    kind = Kind(gives)
    if kind is Kind.UNKNOWN:
        return Facts()
    return Facts(kind, None, name, True, Trace(Step(_giving(name, kind), place, maker, name), before))


@cache
def _giving(name: str, kind: Kind) -> str:
    return f"{short(name)} gives {KIND_WORDS[kind]}"


def result_facts(call: Call, name: str, old: Facts, place: Place, one_hot: bool = False, maker: Place | None = None) -> Facts:
    """The meaning of the result of a call, without its dtype. Of matrix products, see `product_facts`.

    old: of the parameter whose facts pass on; one_hot: it writes ones into a blank tensor; maker: where the module that does it was built
    """
    if old.kind in call.converts:
        kind = call.converts[old.kind]
        return given(kind.value, name, place, old.trace if kind is not Kind.UNKNOWN else None, maker)
    if call.gives == "same":
        return Facts(old.kind, None, old.source, old.exact, old.trace, None)
    if call.gives is not None and call.gives != "self":
        return given(call.gives, name, place, maker=maker)
    return given(Kind.ONE_HOT.value, name, place) if one_hot else Facts()


def product_facts(left: Facts | Operand, right: Facts | Operand, name: str, place: Place, maker: Place | None = None) -> Facts:
    """What a matrix product means: with a learnable weight it is a linear layer written by hand, and it gives raw scores."""
    if (left is NUMBER) is not (right is NUMBER):
        return given(Kind.LOGITS.value, name, place, maker=maker)
    return arithmetic_facts("@", left, right)


def _mixed(weights: Facts | Operand, rows: Facts | Operand) -> Facts:
    """Rows that are mixed: distributions are distributions again where the weights sum to 1; raw scores stay raw scores."""
    if not isinstance(rows, Facts):
        return Facts()
    first = weights.kind if isinstance(weights, Facts) else Kind.UNKNOWN
    if isinstance(weights, Facts) and first is Kind.PROBABILITIES and rows.kind in (Kind.PROBABILITIES, Kind.ONE_HOT):
        return Facts(Kind.PROBABILITIES, None, weights.source, False, weights.trace)
    if rows.kind is Kind.LOGITS and first is not Kind.LOGITS:
        return Facts(Kind.LOGITS, None, rows.source, False, rows.trace)
    return Facts()


def joined(parts: Sequence[Facts]) -> Facts:
    """One tensor that is put together from several: what all of them have in common. One in which there is nothing has no part in it."""
    parts = [each for each in parts if each.shape is None or 0 not in each.shape] or parts
    base = parts[0]
    kinds = {each.kind for each in parts}
    kind = base.kind if len(kinds) == 1 else Kind.UNIT_INTERVAL if kinds <= WITHIN_ONE else Kind.UNKNOWN
    known = kind is not Kind.UNKNOWN
    return Facts(
        kind,
        base.dtype if all(each.dtype == base.dtype for each in parts) else None,
        base.source if known else "",
        all(each.exact for each in parts),
        base.trace if known else None,
        base.dtype_trace,
    )


def number(value: object) -> Operand:
    """A constant as an operand."""
    return ONE if value == 1 else NUMBER


def arithmetic_facts(symbol: str, left: Facts | Operand, right: Facts | Operand) -> Facts:
    """Sums and multiples of raw scores are raw scores, and the complement of a probability is in [0, 1]; other meanings end."""
    if symbol == "@":
        return _mixed(left, right)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Facts) and one.kind is Kind.LOGITS and _keeps(symbol, one is left, other):
            return Facts(Kind.LOGITS, None, one.source, False, one.trace)
    if symbol == "-" and left is ONE and isinstance(right, Facts) and right.kind in WITHIN_ONE:
        return Facts(Kind.UNIT_INTERVAL, None, right.source, False, right.trace)
    return Facts()


def _keeps(symbol: str, first: bool, other: Facts | Operand) -> bool:
    """Whether raw scores stay raw scores beside such an operand. A difference may be a log_softmax by hand, a product a sum over classes."""
    if other in (NUMBER, ONE):
        return symbol in _KEEPS_LOGITS and (first or symbol != "/")
    if not isinstance(other, Facts):
        return symbol in ("+", "*") or (symbol == "/" and first)
    if symbol == "-":
        return other.kind is Kind.LOGITS
    return symbol == "+" or (symbol == "*" and other.kind in _WEIGHTS)
