"""Events made by hand whose tensors were looked at: what the runtime mode would tell of live ones. No torch takes part.

seen_loss("cross_entropy", target=indices(lowest=0, highest=3), shape=(4, 3))     # TL110
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torchlint.contracts.schema import Call, Domain, LossFamily, Takes
from torchlint.events import ActivationCall, ArgumentGiven, Event, LossCall
from torchlint.model import Facts, Kind, Location, Observed

SETTINGS = {"reduction": "mean", "ignore_index": -100}
DOMAINS: dict[LossFamily, dict[str, tuple[Domain, ...]]] = {
    "cross_entropy": {"target": ("class_index", "distribution")},
    "nll": {"target": ("class_index",)},
    "bce": {"input": ("unit_interval",), "target": ("unit_interval",)},
    "bce_with_logits": {"target": ("unit_interval",)},
    "other": {"target": ("signs",)},
}


class Somewhere:
    """A place for events made by hand."""

    def locate(self) -> Location:
        return Location("train.py", None, 1, 1, 1, 2)

    def silences(self, location: Location, code: str, name: str, whole: bool) -> bool:
        return False


def seen_loss(
    family: LossFamily,
    target: Facts | None = None,
    given: Facts | None = None,
    settings: dict[str, object] | None = None,
    alike: bool = False,
    step: int | None = None,
) -> LossCall:
    """A loss whose input is `given`, by default ten samples with three classes."""
    takes = {name: Takes(domain=domain, of="input" if "class_index" in domain else None) for name, domain in DOMAINS.get(family, {}).items()}
    call = Call(
        name=f"torch.nn.functional.{family}", params=("input", "target"), loss=family, takes=takes,
        alike=("input", "target") if alike else (), class_axis=-1 if family == "ctc" else 1,
    )  # fmt: skip
    arguments = {"input": given if given is not None else Facts(shape=(10, 3))}
    if target is not None:
        arguments["target"] = target
    return LossCall(
        place=Somewhere(), callee=f"F.{family}", call=call, arguments=arguments, settings={**SETTINGS, **(settings or {})}, step=step
    )  # fmt: skip


def indices(lowest: int | None, highest: int | None, ignored: int = 0, counts: tuple[tuple[int, int], ...] = ()) -> Facts:
    """Ten class indices."""
    return Facts(dtype="int64", shape=(10,), observed=Observed(10, lowest, highest, integral=True, ignored=ignored, counts=counts))


def numbers(lowest: float, highest: float, outside: int = 0, sums: tuple[float, float] | None = None, integral: bool = False) -> Facts:
    """Thirty floating values."""
    return Facts(dtype="float32", shape=(10, 3), observed=Observed(30, lowest, highest, integral=integral, outside=outside, sums=sums))


def shaped(*shape: int | None, **fields: Any) -> Facts:
    """A tensor of that shape."""
    return Facts(shape=shape, **fields)


def odd(*words: str) -> Facts:
    """Values of which some are not finite."""
    return Facts(dtype="float32", shape=(10, 3), observed=Observed(30, finite=False, nonfinite=words))


def looked_up(index: int, rows: int | None) -> ArgumentGiven:
    """An embedding with that many rows gets an index."""
    call = Call(name="torch.nn.functional.embedding", params=("input", "weight"), takes={"input": Takes(domain=("row_index",), of="weight")})
    given, of = indices(min(index, 0), max(index, 0)), None if rows is None else shaped(rows, 8)
    return ArgumentGiven(place=Somewhere(), callee="nn.Embedding", call=call, parameter="input", given=given, of=of)


def squashed(
    axis: int | None, shape: tuple[int | None, ...], gives: str = "probabilities", feature: int | None = None, kind: str = "unknown"
) -> ActivationCall:
    """A softmax over an axis. feature: the axis in which a layer put its features."""
    call = Call(name="torch.softmax", params=("input", "dim"), gives=gives, over="dim")
    given = Facts(kind=Kind(kind), shape=shape, axis=feature)
    return ActivationCall(place=Somewhere(), callee="torch.softmax", call=call, input=given, axis=axis)


def events() -> Iterator[Event]:
    """At least one event for each way of being wrong by values or shapes."""
    for sums in ((2.0, 2.0), (0.5, 1.5), (0.9, 0.9)):
        yield seen_loss("cross_entropy", numbers(0, 1, sums=sums, integral=sums[0] == 2))
    yield seen_loss("cross_entropy", numbers(-0.5, 1.5, sums=(1.0, 1.0)))
    families: tuple[LossFamily, ...] = ("cross_entropy", "nll")
    for family in families:
        yield seen_loss(family, indices(0, 0), shaped(10, 1))
        for lowest, highest in ((0, 3), (1, 3), (-1, 2), (-2, 2), (0, 255)):
            yield seen_loss(family, indices(lowest, highest, counts=((highest, 9), (lowest, 1))))
        yield seen_loss(family, indices(None, None, ignored=10))
    linear = shaped(4, 5, 5, axis=2, kind=Kind.LOGITS, source="torch.nn.Linear")
    yield seen_loss("cross_entropy", shaped(4, 5), linear)
    binary: tuple[LossFamily, ...] = ("bce", "bce_with_logits")
    for low, high in ((-1, 1), (1, 2), (0, 255), (0.0, 1.5), (2, 2)):
        for family in binary:
            yield seen_loss(family, numbers(low, high, outside=1, integral=low != 0))
    yield seen_loss("bce", None, numbers(-2.5, 3, outside=7))
    for given, target in (((8, 1), (8,)), ((8,), (8, 1)), ((8, 1), (8, 4))):
        yield seen_loss("distance", shaped(*target), shaped(*given), alike=True)
    for lowest in (0, -2):
        yield seen_loss("other", numbers(lowest, 1, outside=3, integral=True))
    yield looked_up(10, 10)
    yield looked_up(-1, 10)
    yield seen_loss("distance", odd("nan"), step=3)
    yield seen_loss("distance", None, odd("-inf", "inf"))
    probabilities = shaped(4, 3, axis=0, kind=Kind.LOG_PROBABILITIES, source="torch.log_softmax")
    for family in ("nll", "kl_div"):
        yield seen_loss(family, None, probabilities)
    yield squashed(1, (8, 1), feature=1)
    yield squashed(1, (8, 1), "log_probabilities", feature=1)
    yield seen_loss("kl_div", numbers(-1, 1), settings={"log_target": False})
    yield seen_loss("kl_div", numbers(-1, 1), settings={"log_target": True})
