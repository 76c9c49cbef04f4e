"""Which objects may a name mean that is known only when the program runs?

    MODELS[args.model]()            one of the entries of a registry
    getattr(models, args.arch)()    one of the classes and functions of a module
    eval(args.loss)()               one of the classes that the file knows

Each entry becomes an alternative under the condition that the name equals its key, so that two look-ups by one name agree.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

from torchlint.flow.attributes import is_module
from torchlint.flow.decisions import join
from torchlint.flow.values import Class, Function, Import, Option, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import ModuleScope

MOST_CHOICES = 24
"""How many entries are told apart; of a larger registry nothing is known."""


def choose(entries: Mapping[Hashable, Value], subject: Hashable, rest: Value | None = None) -> Value:
    """The entry whose key equals the unknown `subject`. rest: what there may be under other keys."""
    if not entries or len(entries) > MOST_CHOICES:
        return rest if rest is not None and not entries else Unknown()
    options = [Option(value, ((("==", subject, key), True),)) for key, value in entries.items()]
    if rest is not None:
        options.append(Option(rest, tuple((("==", subject, key), False) for key in entries)))
    return join(options, MOST_CHOICES)


def of_module(machine: Machine, module: ModuleScope) -> dict[Hashable, Value]:
    """The networks, losses and public functions that a module of the project offers by name."""
    found: dict[Hashable, Value] = {}
    for scope in (module, *(star for star in module.stars if not isinstance(star, str))):
        for name in list(scope.variables):
            if scope is not module and not machine.project.exports(scope, name):
                continue
            value = machine.project.member(machine, scope, name) if type(scope.variables[name]) is Import else scope.variables[name]
            if _is_offered(name, value):
                found.setdefault(name, value)
    return found


def _is_offered(name: str, value: object) -> bool:
    if isinstance(value, Class):
        return is_module(value)
    return isinstance(value, Function) and not name.startswith("_")


def classes_in_sight(machine: Machine, module: ModuleScope) -> dict[Hashable, Value]:
    """What `eval(name)` and `globals()[name]` are used for: the networks and losses that a file defines or imports, by name."""
    return {name: value for name, value in of_module(machine, module).items() if isinstance(value, Class)}
