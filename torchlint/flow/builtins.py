"""What do Python's own functions do to the values?

For example:

    for name, module in {"a": A()}.items(): ...
    getattr(self, "head")(x)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow import choices, hooks
from torchlint.flow.arguments import Arguments
from torchlint.flow.assignment import set_child
from torchlint.flow.attributes import get_attribute
from torchlint.flow.containers import MAPPING_METHODS, SEQUENCE_METHODS, Handler, make_dict
from torchlint.flow.data_files import opened
from torchlint.flow.decisions import joined
from torchlint.flow.iteration import MOST_UNROLLED, as_sequence, element_of
from torchlint.flow.values import (
    FALSE,
    NEVER,
    NONE,
    TRUE,
    Alternatives,
    Api,
    ApiObject,
    Builtin,
    Class,
    Const,
    Import,
    Instance,
    Mapping,
    ModuleValue,
    Sequence,
    Stream,
    Super,
    Tensor,
    Unknown,
    Value,
    constant,
)

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope

TEXT_METHODS = frozenset(["lower", "upper", "strip", "startswith", "endswith", "replace", "split", "capitalize", "title", "format"])
"""Methods of strings that are computed."""


def call_builtin(machine: Machine, callee: Builtin, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """A builtin function, or a method of a list, dict, string or number."""
    if callee.receiver is None:
        handler = FUNCTIONS.get(callee.name)
    elif isinstance(callee.receiver, Sequence):
        handler = SEQUENCE_METHODS.get(callee.name)
    elif isinstance(callee.receiver, Mapping):
        handler = MAPPING_METHODS.get(callee.name)
    elif isinstance(callee.receiver, ApiObject):
        hooks.remove(machine, callee.receiver)
        return NONE
    elif isinstance(callee.receiver, Const):
        return _constant_method(callee.receiver, callee.name, arguments)
    else:
        handler = None
    return handler(machine, callee.receiver, arguments, node, scope) if handler is not None else Unknown()


def _constant_method(receiver: Const, name: str, arguments: Arguments) -> Value:
    if not isinstance(receiver.value, str) or name not in TEXT_METHODS:
        return Unknown()
    if arguments.open or not all(isinstance(value, Const) for value in arguments.values()):
        return Unknown()
    given = [value.value for value in arguments.positional if isinstance(value, Const)]
    try:
        result = getattr(receiver.value, name)(*given, **{key: value.value for key, value in arguments.keywords.items() if isinstance(value, Const)})
    except (TypeError, ValueError, LookupError):
        return Unknown()
    return Sequence([Const(each) for each in result], True) if isinstance(result, list) else constant(result)


def for_each(handler: Handler, *positions: int) -> Handler:
    """The handler, applied to each alternative of the arguments at these positions by itself."""

    def handle(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
        given = arguments.positional
        for position in positions:
            if position < len(given) and type(given[position]) is Alternatives:

                def one(each: Value, position: int = position) -> Value:
                    replaced = Arguments([*given[:position], each, *given[position + 1 :]], arguments.keywords, arguments.open)
                    return handle(machine, receiver, replaced, node, scope)

                return machine.project_value(given[position], one)
        return handler(machine, receiver, arguments, node, scope)

    return handle


# --- functions -------------------------------------------------------------------------------------------------------------


def _list(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    if first is None:
        return Sequence((), True)
    known = as_sequence(machine, first)
    return Sequence(known.items, True, known.open) if known is not None else Sequence([element_of(machine, first)], True, True)


def _tuple(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    if first is None:
        return Sequence()
    known = as_sequence(machine, first)
    return Sequence(known.items, False, known.open) if known is not None else Sequence([element_of(machine, first)], False, True)


def _range(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    bounds = [value.value for value in arguments.positional if isinstance(value, Const) and isinstance(value.value, int)]
    if len(bounds) == len(arguments.positional) and bounds:
        try:
            numbers = range(*bounds)
        except (TypeError, ValueError):
            return Unknown()
        if len(numbers) <= MOST_UNROLLED:
            return Sequence([Const(number) for number in numbers])
    return Stream(Unknown())


def _enumerate(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first, start = arguments.first(), arguments.get(1, "start")
    begin = start.value if isinstance(start, Const) and isinstance(start.value, int) else 0
    known = as_sequence(machine, first) if first is not None else None
    if known is not None and (start is None or isinstance(start, Const)):
        return Sequence([Sequence([Const(index), item]) for index, item in enumerate(known.items, begin)], open_=known.open)
    return Stream(Sequence([Unknown(), element_of(machine, first) if first is not None else Unknown()]))


def _zip(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    known = [as_sequence(machine, value) for value in arguments.positional]
    lengths = [len(each.items) for each in known if each is not None and not each.open]
    if lengths and not arguments.open and all(each is not None for each in known):
        count = min(lengths)
        columns = [each for each in known if each is not None and len(each.items) >= count]
        if len(columns) == len(known):
            return Sequence([Sequence([column.items[index] for column in columns]) for index in range(count)])
    return Stream(Sequence([element_of(machine, value) for value in arguments.positional], open_=arguments.open))


def _reversed(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    known = as_sequence(machine, first) if first is not None else None
    return Sequence(tuple(reversed(known.items)), open_=known.open) if known is not None else Stream(element_of(machine, first or Unknown()))


def _filter(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """filter(wanted, x): some of the entries."""
    known = as_sequence(machine, arguments.positional[1]) if len(arguments.positional) == 2 else None
    return Sequence(known.items, open_=True) if known is not None else Stream(element_of(machine, arguments.get(1, "iterable") or Unknown()))


def _same(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    return arguments.first() or Unknown()


def _map(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    from torchlint.flow.calls import call  # mutual recursion: calls leads here

    if len(arguments.positional) < 2:
        return Unknown()
    function, *columns = arguments.positional
    known = as_sequence(machine, columns[0]) if len(columns) == 1 else None
    if known is not None and len(known.items) <= MOST_UNROLLED:
        return Sequence([call(machine, function, Arguments([item]), node, scope) for item in known.items], open_=known.open)
    return Stream(call(machine, function, Arguments([element_of(machine, column) for column in columns]), node, scope))


def _getattr(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    owner, name = arguments.first(), arguments.get(1, "name")
    if isinstance(owner, ModuleValue) and isinstance(name, Unknown):
        return choices.choose(choices.of_module(machine, owner.scope), name.symbol)
    if owner is None or not (isinstance(name, Const) and isinstance(name.value, str)):
        return Unknown()
    found = get_attribute(machine, owner, name.value)
    default = arguments.get(2, "default")
    return default if isinstance(found, Unknown) and default is not None and isinstance(owner, Instance) else found


def _setattr(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    owner, name, value = arguments.first(), arguments.get(1, "name"), arguments.get(2, "value")
    if not isinstance(owner, (Instance, ApiObject)) or value is None:
        return NONE
    if isinstance(name, Const):
        set_child(machine, owner, str(name.value), value)
    else:
        for known in [each for each in owner.attributes if not each.startswith("#")]:
            machine.store.write(owner.attributes, known, Unknown())
        if "#items" in owner.attributes:
            machine.store.write(owner.attributes, "#items", Sequence((), True, True))
    return NONE


def _hasattr(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    owner, name = arguments.first(), arguments.get(1, "name")
    if isinstance(owner, Instance) and isinstance(name, Const) and isinstance(name.value, str):
        found = get_attribute(machine, owner, name.value)
        if not isinstance(found, Unknown):
            return TRUE
    return Unknown()


def _isinstance(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    value, cls = arguments.first(), arguments.get(1, "classinfo")
    wanted = cls.items if isinstance(cls, Sequence) else (cls,)
    if value is not None:
        return machine.project_value(value, lambda each: is_one_of(each, wanted))
    return Unknown()


def is_one_of(value: Value, wanted: Iterable[Value | None]) -> Value:
    answers = [_is_instance(value, each) for each in wanted]
    if any(answer is True for answer in answers):
        return TRUE
    return FALSE if all(answer is False for answer in answers) else Unknown()


def _is_instance(value: Value | None, cls: Value | None) -> bool | None:
    """Whether the value is of the class, None if that cannot be told."""
    if isinstance(cls, Builtin):
        names = {"tuple": (Sequence, False), "list": (Sequence, True), "dict": (Mapping, None)}
        if cls.name in names:
            kind, mutable = names[cls.name]
            if isinstance(value, Sequence):
                return kind is Sequence and value.mutable is mutable
            if isinstance(value, Mapping):
                return kind is Mapping
            return False if isinstance(value, (Tensor, Instance, ApiObject, Const)) else None
        if isinstance(value, Const) and cls.name in {"int", "float", "str", "bool"}:
            return type(value.value).__name__ == cls.name or (cls.name == "int" and isinstance(value.value, bool))
        return False if isinstance(value, (Tensor, Instance, ApiObject)) else None
    if isinstance(cls, Class) and isinstance(value, Instance):
        return any(each is cls for each in value.cls.mro) or (None if value.cls.partial else False)
    if isinstance(cls, Api):
        if isinstance(value, ApiObject) and value.module is not None:
            return value.name == cls.name or cls.name == "torch.nn.Module"
        if isinstance(value, Instance):
            return any(isinstance(each, Api) and each.name == cls.name for each in value.cls.mro) or None
        if cls.name == "torch.Tensor":
            return True if isinstance(value, Tensor) else False if isinstance(value, (Sequence, Mapping, Instance, ApiObject, Const)) else None
    return None


def _len(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    known = as_sequence(machine, arguments.positional[0]) if arguments.positional else None
    return Const(len(known.items)) if known is not None and not known.open else Unknown()


def _next(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    if first is None:
        return Unknown()
    known = as_sequence(machine, first)
    return known.items[0] if known is not None and known.items else element_of(machine, first)


def _super(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    if len(arguments.positional) >= 2 and isinstance(arguments.positional[0], Class):
        return Super(arguments.positional[0], arguments.positional[1])
    here: Scope | None = scope
    while here is not None:
        frame = here.frame
        if frame is not None and frame.owner is not None and frame.receiver is not None:
            return Super(frame.owner, frame.receiver)
        here = here.parent
    return Unknown()


def _type(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    return first.cls if isinstance(first, Instance) and len(arguments.positional) == 1 else Unknown()


def _globals(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    return ModuleValue(scope.module)  # read like a dict in flow.subscripts


def _vars(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """vars() is globals() at the top of a file; vars(x) is x.__dict__."""
    first = arguments.first()
    return get_attribute(machine, first, "__dict__") if first is not None else _globals(machine, receiver, arguments, node, scope)


def _eval(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """eval("Net") and eval("Net()"); eval(args.model): one of the classes that the file knows."""
    first = arguments.first()
    if isinstance(first, Const) and isinstance(first.value, str):
        try:
            return machine.evaluate(cst.parse_expression(first.value), scope)
        except cst.ParserSyntaxError:
            return Unknown()
    if isinstance(first, Unknown) and len(arguments.positional) == 1:
        return choices.choose(choices.classes_in_sight(machine, scope.module), first.symbol)
    return Unknown()


def import_module(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """importlib.import_module("models.net"), and of one of the files in a folder."""
    first = arguments.first()
    if isinstance(first, Const) and isinstance(first.value, str):
        name = first.value.lstrip(".")
        return machine.project.resolve(machine, Import(name, len(first.value) - len(name), None, scope.module.path))
    pieces = joined(first.symbol) if isinstance(first, Unknown) else None
    if pieces is None:
        return Unknown()
    before, subject, after = pieces
    package, dot, stem = before.rpartition(".")
    folder = machine.project.resolve(machine, Import(package, 0, None, scope.module.path)) if dot else None
    if not isinstance(folder, ModuleValue):
        return Unknown()
    files = machine.project.submodules(machine, folder.scope, stem, after, choices.MOST_CHOICES)
    return choices.choose(files, subject)


def _number(convert: Callable[[Any], Any]) -> Handler:
    def handler(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
        first = arguments.first()
        if isinstance(first, Const):
            try:
                return Const(convert(first.value))
            except (TypeError, ValueError, OverflowError):
                return Unknown()
        return first if type(first) is Unknown else Unknown()

    return handler


def _make_namedtuple(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    first = arguments.first()
    if not isinstance(first, Sequence):
        return Unknown()
    names = [item.value for item in first.items if isinstance(item, Const)]
    items = [arguments.get(index, name) or Unknown() for index, name in enumerate(names, 1)]
    return Sequence(items, fields=tuple(names))


def _open(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """open("config.yaml")"""
    return opened(arguments.get(0, "file"))


def _exit(machine: Machine, receiver: Value | None, arguments: Arguments, node: cst.CSTNode, scope: Scope) -> Value:
    """sys.exit()"""
    return NEVER


FUNCTIONS: dict[str, Handler] = {
    "list": _list, "tuple": _tuple, "dict": make_dict, "set": _list, "sorted": _list, "range": _range, "enumerate": _enumerate, "zip": _zip,
    "reversed": _reversed, "iter": _same, "map": _map, "filter": _filter, "getattr": for_each(_getattr, 0, 1),
    "setattr": _setattr, "hasattr": _hasattr, "isinstance": _isinstance,
    "len": _len, "next": _next, "super": _super, "type": _type, "globals": _globals, "vars": _vars, "eval": _eval,
    "__import__": for_each(import_module, 0),
    "int": _number(int), "float": _number(float), "str": _number(str), "bool": _number(bool),
    "exit": _exit, "quit": _exit, "open": _open, "#namedtuple": _make_namedtuple, "#identity": _same,
}  # fmt: skip


NAMES = frozenset(FUNCTIONS)
