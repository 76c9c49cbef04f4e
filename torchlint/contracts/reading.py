"""How do contract files and a user's contract tables become contracts?

    contracts = builtin()                                      # every *.toml beside this module, read once
    contracts.calls["torch.softmax"].gives                     # "probabilities"
    with_user(contracts, [{"name": "f", "gives": "logit"}], [])
    # ConfigError: [[tool.torchlint.call]] 1 (f): `gives` is "logit", which is no kind; did you mean `logits`?

`like` is resolved here, on the raw tables: only there is it known which fields were written.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

import msgspec

from torchlint.contracts.checking import check_call, check_module, explain
from torchlint.contracts.schema import Call, File, Handover, Model, Module, Wrapper
from torchlint.errors import ConfigError
from torchlint.spelling import did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Raw = Mapping[str, Any]
Contract = TypeVar("Contract", Call, Module, Model, Wrapper, Handover)
Laid = TypeVar("Laid", Call, Module)


@dataclass(frozen=True, slots=True)
class Contracts:
    """All contracts by name, and how names are rewritten."""

    aliases: dict[str, str]
    dtypes: dict[str, str]
    constants: dict[str, bool | int | float | str]
    nodes: dict[str, str]
    calls: dict[str, Call]
    modules: dict[str, Module]
    models: dict[str, Model]
    wrappers: dict[str, Wrapper]
    handovers: dict[str, Handover]
    axes: dict[str, int | str] = field(default_factory=dict)


def read_files() -> dict[str, File]:
    """Each contract file by its name, as it stands."""
    folder = files("torchlint.contracts")
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return {entry.name: _file(entry.name, entry.read_text(encoding="utf-8")) for entry in found}


def _file(name: str, text: str) -> File:
    raw = tomllib.loads(text)
    for kind in ("call", "module"):
        for table in raw.get(kind, ()):
            _none_defaults(table)
    try:
        return msgspec.convert(raw, File)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {error}") from error


def _none_defaults(table: dict[str, Any]) -> None:
    """TOML has no null: in `defaults`, and in `when` of cases, the string "none" stands for it."""
    _with_none(table, "defaults")
    forward = table.get("forward")
    for holder in (table, forward if isinstance(forward, dict) else {}):
        cases = holder.get("cases")
        for case in cases if isinstance(cases, list) else ():
            if isinstance(case, dict):
                _with_none(case, "when")


def _with_none(table: dict[str, Any], key: str) -> None:
    values = table.get(key)
    if isinstance(values, dict) and "none" in values.values():
        table[key] = {name: None if value == "none" else value for name, value in values.items()}


@cache
def builtin() -> Contracts:
    """The contracts that come with torchlint."""
    contracts = Contracts({}, {}, {}, {}, {}, {}, {}, {}, {})
    for file in read_files().values():
        contracts.aliases.update(file.aliases)
        contracts.dtypes.update(file.dtypes)
        contracts.constants.update(file.constants)
        contracts.nodes.update(file.nodes)
        contracts.axes.update(file.axes)
        _enter(contracts.calls, file.call)
        _enter(contracts.modules, file.module)
        _enter(contracts.models, file.model)
        _enter(contracts.wrappers, file.wrapper)
        _enter(contracts.handovers, file.handover)
    return contracts


def _enter(table: dict[str, Contract], contracts: Sequence[Contract]) -> None:
    for contract in contracts:
        for name in contract.names:
            table[name] = contract


def canonical(name: str, aliases: Mapping[str, str]) -> str:
    """The longest alias prefix replaced, again and again until none fits (at most eight times, so a circle of aliases ends)."""
    for _ in range(8):
        prefix = name
        while prefix and prefix not in aliases:
            prefix = prefix.rpartition(".")[0]
        if not prefix:
            break
        name = aliases[prefix] + name[len(prefix) :]
    return name


def with_user(base: Contracts, calls: Sequence[Raw], modules: Sequence[Raw]) -> Contracts:
    """`base` with a user's tables laid over it. A name that exists is replaced."""
    own_calls = _User("call", calls, Call, base.calls, base.aliases).contracts()
    own_modules = _User("module", modules, Module, base.modules, base.aliases).contracts()
    all_calls = {**base.calls, **{name: call for _, call in own_calls for name in call.names}}
    all_modules = {**base.modules, **{name: module for _, module in own_modules for name in module.names}}
    for where, call in own_calls:
        for problem in check_call(call):
            raise ConfigError(f"{where}: {problem}")
    for where, module in own_modules:
        for problem in check_module(module, all_calls):
            raise ConfigError(f"{where}: {problem}")
    return replace(base, calls=all_calls, modules=all_modules)


@dataclass(slots=True)
class _User(Generic[Laid]):
    """A user's tables of one sort: their word in messages, the tables, the type they become, and the contracts that `like` may name."""

    word: str
    tables: Sequence[Raw]
    target: type[Laid]
    base: Mapping[str, Laid]
    aliases: Mapping[str, str]
    own: dict[str, int] = field(default_factory=dict)  # canonical name -> index of its table

    def contracts(self) -> list[tuple[str, Laid]]:
        """Each contract, with how a message names its table."""
        for index, raw in enumerate(self.tables):
            for name in self._names(index, raw):
                if name in self.own:
                    raise ConfigError(f"{self._where(index)}: the name {name} is used twice, first in table {self.own[name] + 1}")
                self.own[name] = index
        return [(self._where(index), self._converted(index)) for index in range(len(self.tables))]

    def _names(self, index: int, raw: Raw) -> list[str]:
        if not isinstance(raw, Mapping):
            raise ConfigError(f"{self._where(index)}: a contract must be a table, not {raw!r}")
        name = raw.get("name")
        names = [name] if isinstance(name, str) else name if isinstance(name, list) else []
        if not names or not all(isinstance(one, str) and one for one in names):
            example = 'the qualified name of the callable, such as "ours.losses.focal", or a list of them'
            raise ConfigError(f"{self._where(index)}: `name` is missing; it is {example}")
        return [canonical(one, self.aliases) for one in names]

    def _where(self, index: int) -> str:
        """How a message names a table: its place in the list, and its name."""
        raw = self.tables[index]
        name = raw.get("name") if isinstance(raw, Mapping) else None
        shown = name if isinstance(name, str) else name[0] if isinstance(name, list) and name else "without a name"
        return f"[[tool.torchlint.{self.word}]] {index + 1} ({shown})"

    def _converted(self, index: int) -> Laid:
        raw = {**self._resolved(index, ()), "name": tuple(self._names(index, self.tables[index]))}
        try:
            return msgspec.convert(raw, self.target, from_attributes=True)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{self._where(index)}: {explain(str(error), self.target)}") from None

    def _resolved(self, index: int, path: tuple[str, ...]) -> dict[str, Any]:
        """The table with the fields of what it is `like` filled in."""
        written = dict(self.tables[index])
        _none_defaults(written)
        like = written.pop("like", None)
        if like is None:
            return written
        if not isinstance(like, str):
            raise ConfigError(f"{self._where(index)}: `like` must be the name of a contract, not {like!r}")
        like = canonical(like, self.aliases)
        if like in path:
            raise ConfigError(f"{self._where(index)}: `like` goes round in a circle: {' -> '.join((*path, like))}")
        if like in self.own and self.own[like] != index:
            return _laid_over(self._resolved(self.own[like], (*path, like)), written)
        if like in self.base:  # a contract that replaces a built-in one may be like it
            model = self.base[like]
            return _laid_over({name: getattr(model, name) for name in model.__struct_fields__}, written)
        raise ConfigError(f"{self._where(index)}: there is no contract {like!r} to be `like`{did_you_mean(like, [*self.base, *self.own])}")


def _laid_over(model: Raw, written: Raw) -> dict[str, Any]:
    """The fields of the model with the written ones over them. Where parameters are written anew, what the model says of others is left out."""
    return {**(_of_parameters(model, written["params"]) if "params" in written else model), **written}


def _of_parameters(model: Raw, params: Any) -> dict[str, Any]:
    """The model without what it says of parameters that are not among these."""
    known = params if isinstance(params, (list, tuple)) else ()
    kept = dict(model)
    for name, value in model.items():
        if name in ("takes", "defaults") and isinstance(value, Mapping):
            kept[name] = {key: entry for key, entry in value.items() if key in known}
        elif name in ("needs", "tensors") and isinstance(value, (list, tuple)):
            kept[name] = tuple(key for key in value if key in known)
        elif (name in ("of", "mixes", "inplace", "returns_if", "wraps", "threshold", "over") and isinstance(value, str) and value not in known) or (
            name == "dtype" and isinstance(value, str) and value.startswith("of:") and value[3:] not in known
        ):
            kept[name] = None
    return kept
