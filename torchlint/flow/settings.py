"""Where do a program's settings come from, and what are they when nobody sets them?

    parser.add_argument("--softmax", action="store_true")    args.softmax is False unless given
    cfg = EasyDict(loss="ce")                                cfg.loss is "ce"

An option of the command line stays unknown, since a user may give it; but what holds with its default holds for sure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.arguments import Arguments
from torchlint.flow.choices import choose
from torchlint.flow.values import FALSE, NAMESPACE, NONE, OBJECTS, TRUE, ApiObject, Const, Mapping, Sequence, Settings, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

OPTIONS = "#options"
"""The attribute of a parser that holds the default of each option."""
COMMANDS = "#commands"
"""The attribute that holds the parser of each sub-command."""
CHOSEN = "#chosen"
"""The attribute that holds the name of the option that says which of them was chosen."""
DEEPEST = 6


def namespace(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """EasyDict({...}), SimpleNamespace(a=1): an object whose attributes are the entries."""
    first = arguments.first()
    return machine.project_value(first, lambda each: _namespace(each, arguments.keywords)) if first is not None else _object(arguments.keywords, 0)


def _namespace(first: Value, keywords: dict[str, Value]) -> Value:
    return _object({**first.entries, **keywords}, 0) if isinstance(first, Mapping) else Unknown()


def _object(entries: dict[Any, Value], depth: int) -> ApiObject:
    made = ApiObject(NAMESPACE, None, {})
    for key, value in entries.items():
        if isinstance(key, str):
            made.attributes[key] = _object(value.entries, depth + 1) if isinstance(value, Mapping) and depth < DEEPEST else value
    return made


def parser(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """argparse.ArgumentParser()"""
    return _parser()


def _parser() -> ApiObject:
    made = ApiObject("argparse.ArgumentParser", None, {})
    made.attributes.update({OPTIONS: Mapping(), COMMANDS: Mapping()})
    return made


def commands(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """parser.add_subparsers(dest="command")"""
    owner = arguments.first()
    made = ApiObject("argparse._SubParsersAction", None, {})
    if isinstance(owner, ApiObject):
        made.attributes[COMMANDS] = owner.attributes.get(COMMANDS)
        dest = arguments.keywords.get("dest")
        if isinstance(dest, Const):
            machine.store.write(owner.attributes, CHOSEN, dest.value)
    return made


def add_command(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """subparsers.add_parser("train"): a parser of its own"""
    owner = arguments.first()
    known = owner.attributes.get(COMMANDS) if isinstance(owner, ApiObject) else None
    name = arguments.get(1, "name")
    made = _parser()
    if isinstance(known, Mapping) and isinstance(name, Const):
        machine.store.write(known.entries, name.value, made)
    return made


def add_option(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """parser.add_argument("--softmax", action="store_true")"""
    options = _options(arguments.first())
    name = _destination(arguments)
    if options is not None and name is not None:
        default = _default(arguments)
        if default is not None:
            machine.store.write(options.entries, name, default)
    return Unknown()


def set_options(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """parser.set_defaults(softmax=True)"""
    options = _options(arguments.first())
    if options is not None:
        for name, value in arguments.keywords.items():
            machine.store.write(options.entries, name, value)
    return NONE


def parsed(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """parser.parse_args(): unknown, but for what each option is when it is not given."""
    owner = arguments.first()
    options = _options(owner)
    symbol = ("options", id(node), id(options))
    if options is None or not isinstance(owner, ApiObject):
        return Unknown(symbol)
    for name, value in options.entries.items():
        if isinstance(value, Const):
            machine.defaults[".", symbol, name] = value.value
    objects = {name: value for name, value in options.entries.items() if isinstance(name, str) and isinstance(value, OBJECTS)}
    return Settings(symbol, {**objects, **_by_command(owner, symbol)})


def _by_command(owner: ApiObject, symbol: Hashable) -> dict[str, Value]:
    """The objects that sub-commands set: `set_defaults(func=train)` in one and `set_defaults(func=evaluate)` in another."""
    known = owner.attributes.get(COMMANDS)
    found: dict[str, dict[Hashable, Value]] = defaultdict(dict)
    for command, each in known.entries.items() if isinstance(known, Mapping) else ():
        options = _options(each)
        for name, value in options.entries.items() if options is not None else ():
            if isinstance(name, str) and isinstance(value, OBJECTS):
                found[name][command] = value
    return {name: choose(values, (".", symbol, owner.attributes.get(CHOSEN, COMMANDS))) for name, values in found.items()}


def parsed_known(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """parser.parse_known_args()"""
    return Sequence([parsed(machine, arguments, node, scope), Unknown()])


def same_parser(machine: Machine, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """parser.add_argument_group(...): its options are the parser's."""
    return arguments.first() or Unknown()


def _options(owner: Value | None) -> Mapping | None:
    options = owner.attributes.get(OPTIONS) if isinstance(owner, ApiObject) else None
    return options if isinstance(options, Mapping) else None


def _destination(arguments: Arguments) -> str | None:
    given = arguments.keywords.get("dest")
    if isinstance(given, Const) and isinstance(given.value, str):
        return given.value
    names = [each.value for each in arguments.positional[1:] if isinstance(each, Const) and isinstance(each.value, str)]
    chosen = next((name for name in names if name.startswith("--")), names[0] if names else None)
    return chosen.lstrip("-").replace("-", "_") if chosen is not None else None


def _default(arguments: Arguments) -> Value | None:
    """The value of an option that is not given; None where it must be given."""
    default = arguments.keywords.get("default")
    if default is not None:
        return default
    action = arguments.keywords.get("action")
    how = action.value if isinstance(action, Const) else None
    if how in ("store_true", "store_false"):
        return TRUE if how == "store_false" else FALSE
    required = arguments.keywords.get("required")
    names = [each.value for each in arguments.positional[1:] if isinstance(each, Const)]
    optional = any(isinstance(name, str) and name.startswith("-") for name in names)
    return NONE if optional and (required is None or (isinstance(required, Const) and not required.value)) else None
