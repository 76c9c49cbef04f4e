"""Does a contract make sense, and if not, how is that said to the person who wrote it?

    >>> from torchlint.contracts.schema import Call
    >>> list(check_call(Call(name="f", params=("x",), gives="logit")))
    ['`gives` is "logit", which is no kind; did you mean `logits`?']

The schema refuses wrong types; this module refuses wrong words and names of parameters that do not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

import msgspec

from torchlint.contracts.schema import Call, Case, Effect, Forward, LossFamily, Module, Saved, Takes
from torchlint.model import Kind
from torchlint.spelling import did_you_mean

KINDS = tuple(kind.value for kind in Kind)
FLOATS = ("floating", "float16", "bfloat16", "float32", "float64", "complex64", "complex128")
INTEGERS = ("integer", "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
DTYPES = frozenset(FLOATS + INTEGERS)
GIVES = (*KINDS, "same", "self")
RETURNS = (*KINDS, "same")
WORDS = {
    "loss": get_args(LossFamily),
    "effect": get_args(Effect),
    "saves": get_args(Saved),
    "saves_inplace": get_args(Saved),
    "storage": ("fresh", "view", "inplace"),
    "container": ("sequential", "list", "dict"),
}
"""The words that a field allows, by its name; every other field with fixed words holds kinds."""


def check_call(call: Call) -> Iterator[str]:
    """What is wrong with one call, in sentences."""
    yield from _check_kinds(call, "")
    yield from _check_dtypes(call)
    yield from _check_parameters(call)


def _check_kinds(contract: Call | Forward, inside: str) -> Iterator[str]:
    if contract.gives is not None and contract.gives not in GIVES:
        yield f'`{inside}gives` is "{contract.gives}", which is no kind{did_you_mean(contract.gives, GIVES)}'
    for entry in contract.returns:
        if entry not in RETURNS:
            yield f'`{inside}returns` holds "{entry}", which is no kind{did_you_mean(entry, RETURNS)}'


def _check_dtypes(call: Call) -> Iterator[str]:
    dtype = call.dtype
    if dtype is not None and dtype != "same" and not dtype.startswith("of:") and dtype not in DTYPES:
        yield f'`dtype` is "{dtype}", which is no dtype{did_you_mean(dtype, [*DTYPES, "same"])}'
    for parameter, takes in call.takes.items():
        for accepted in takes.dtype:
            if accepted not in DTYPES:
                yield f'`takes.{parameter}.dtype` holds "{accepted}", which is no dtype{did_you_mean(accepted, DTYPES)}'


def _check_parameters(call: Call) -> Iterator[str]:
    """Every parameter that another field names must stand in `params`."""
    named = [("takes", name) for name in call.takes]
    named += [(f"takes.{name}.unless", takes.unless) for name, takes in call.takes.items() if takes.unless is not None]
    named += [("defaults", name) for name in call.defaults]
    named += [("needs", name) for name in call.needs]
    named += [("roles", name) for name in call.roles.values()]
    named += [("alike", name) for name in call.alike]
    named += [(f"takes.{name}.of", takes.of) for name, takes in call.takes.items() if takes.of is not None]
    named += [("cases", name) for case in call.cases for name in case.when]
    named += [(field, name) for field in ("of", "inplace", "returns_if", "fills", "over") if (name := getattr(call, field)) is not None]
    if isinstance(call.threshold, str):
        named.append(("threshold", call.threshold))
    if call.dtype is not None and call.dtype.startswith("of:"):
        named.append(("dtype", call.dtype[3:]))
    yield from _unknown_parameters(named, call.params)


def _unknown_parameters(named: Iterable[tuple[str, str]], params: tuple[str, ...]) -> Iterator[str]:
    for field, name in named:
        if name not in params:
            yield f"`{field}` speaks of the parameter {name!r}, which is not in `params`{did_you_mean(name, params)}"


def check_module(module: Module, calls: Mapping[str, Call]) -> Iterator[str]:
    """What is wrong with one module, in sentences."""
    if module.call is not None and module.forward is not None:
        yield "`call` and `forward` exclude each other"
    if module.call is not None and module.call not in calls:
        yield f"`call` names {module.call!r}, of which there is no contract{did_you_mean(module.call, calls)}"
    named = [("defaults", name) for name in module.defaults] + [("tensors", name) for name in module.tensors]
    if module.wraps is not None:
        named.append(("wraps", module.wraps))
    yield from _unknown_parameters(named, module.params)
    if module.forward is not None:
        yield from _check_kinds(module.forward, "forward.")
        inside = [("forward.takes", name) for name in module.forward.takes] + [("forward.roles", name) for name in module.forward.roles.values()]
        yield from _unknown_parameters(inside, module.forward.params)
        decided = [("forward.cases", name) for case in module.forward.cases for name in case.when]
        yield from _unknown_parameters(decided, (*module.params, *module.forward.params))


def explain(error: str, target: type[msgspec.Struct]) -> str:
    """A complaint of the schema in the words of the settings file, with the nearest right word."""
    message, _, path = error.partition(" - at ")
    field = path.strip("`").removeprefix("key in ").strip("`").removeprefix("$.").removeprefix("$")
    if unknown := re.match(r"Object contains unknown field `(.+)`", message):
        inside = f" in `{field}`" if field else ""
        return f"unknown field `{unknown[1]}`{inside}{did_you_mean(unknown[1], _fields_at(field, target))}"
    if wrong := re.match(r"Invalid enum value '?(.+?)'?$", message):
        allowed = WORDS.get(field.rpartition(".")[2].partition("[")[0], KINDS)
        return f'`{field or "a key"}` is "{wrong[1]}"{did_you_mean(wrong[1], allowed)} (one of {", ".join(allowed)})'
    return f"`{field}`: {message}" if field else message


def _fields_at(path: str, target: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that the struct at this path of a contract has."""
    if "takes" in path:
        return Takes.__struct_fields__
    if "cases" in path:
        return Case.__struct_fields__
    return Forward.__struct_fields__ if path == "forward" else target.__struct_fields__
