"""Which argument goes to which parameter?

For example:

    f(a, *rest, k=b, **more)  ->  Arguments(positional=[a, ...rest if known], keywords={k: b, ...}, open=True if rest or more is unknown)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Sequence as Seq
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from torchlint.flow.decisions import join
from torchlint.flow.values import NAMESPACE, Alternatives, ApiObject, Mapping, Option, Sequence, Stream, Tensor, Unknown, Value

if TYPE_CHECKING:
    from torchlint.flow.machine import Machine
    from torchlint.flow.scope import Scope


@dataclass(slots=True)
class Arguments:
    """Evaluated arguments of a call. open: more arguments than these may be there, at unknown places.

    rest: what `*args` of unknown length holds, one value for all; nodes: where each argument is written;
    behind: positional arguments after one of unknown length; hole: nothing at all is known of one of those;
    either: the dicts of which one is spread (`each_way` decides).
    """

    positional: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    open: bool = False
    rest: Value | None = None
    nodes: list[cst.CSTNode] = field(default_factory=list)
    behind: list[Value] = field(default_factory=list)
    hole: bool = False
    either: Alternatives | None = None

    def with_first(self, first: Value) -> Arguments:
        """The same arguments behind one more."""
        return Arguments([first, *self.positional], self.keywords, self.open, self.rest, self.nodes, self.behind, self.hole)

    def first(self) -> Value | None:
        """The first positional argument, if any."""
        return self.positional[0] if self.positional else None

    def get(self, index: int, name: str) -> Value | None:
        """The argument at a position or of a name."""
        return self.positional[index] if len(self.positional) > index else self.keywords.get(name)

    def values(self) -> Iterable[Value]:
        """All of them."""
        return (*self.positional, *self.keywords.values())


def evaluate_arguments(machine: Machine, nodes: Seq[cst.Arg], scope: Scope) -> Arguments:
    """Evaluate the arguments of a call, from left to right."""
    result = Arguments()
    for node in nodes:
        value = machine.evaluate(node.value, scope)
        if node.star == "*":
            spread(machine, result, value)
        elif node.star == "**":
            spread_dict(result, value)
        elif node.keyword is not None:
            result.keywords[node.keyword.value] = value
        elif result.rest is None and not result.open:
            result.positional.append(value)
        else:
            result.behind.append(value)
            result.open = True
        result.nodes.append(node)
    return result


def each_way(machine: Machine, arguments: Arguments, run: Callable[[Arguments], Value]) -> Value:
    """run(arguments), for each of the dicts that may be spread into them by itself."""
    if arguments.either is None:
        return run(arguments)

    def with_one(entries: Value) -> Value:
        one = replace(arguments, keywords=dict(arguments.keywords), either=None)
        spread_dict(one, entries)
        return run(one)

    return machine.lift(arguments.either, with_one)


def spread_dict(result: Arguments, value: Value) -> None:
    """f(**value)"""
    entries = _entries(value)
    if entries is not None:
        result.keywords.update({key: item for key, item in entries.items() if isinstance(key, str) and key[:1] != "#"})
        result.open = result.open or (isinstance(value, Mapping) and value.open)
    elif isinstance(value, Alternatives) and result.either is None and all(_entries(option.value) is not None for option in value.options):
        result.either = value
    else:
        result.open = True


def _entries(value: Value) -> dict[Any, Any] | None:
    """What a dict holds, or an object whose attributes are entries."""
    if isinstance(value, Mapping):
        return value.entries
    return value.attributes if isinstance(value, ApiObject) and value.name == NAMESPACE else None


def spread(machine: Machine, result: Arguments, value: Value) -> None:
    """f(*value)"""
    if isinstance(value, Sequence):
        result.positional.extend(value.items)
        result.open = result.open or value.open
    elif isinstance(value, (Tensor, Stream)):
        result.rest = value.element if isinstance(value, Stream) else value
        result.open = result.hole = True
    elif isinstance(value, Alternatives) and all(isinstance(option.value, Sequence) for option in value.options):
        lengths = {len(option.value.items) for option in value.options if isinstance(option.value, Sequence)}
        if len(lengths) == 1:
            for index in range(lengths.pop()):
                result.positional.append(
                    join(Option(o.value.items[index], o.conditions, o.certain) for o in value.options if isinstance(o.value, Sequence))
                )
        else:
            result.open = result.hole = True
    else:
        result.open = result.hole = True


def bind_settings(parameters: Seq[str], arguments: Arguments) -> dict[str, Value]:
    """As `bind`, for a constructor: where more arguments may be there, a parameter without one is unknown, not left at its default."""
    bound = bind(parameters, arguments)
    if arguments.open:
        bound = {name: Unknown() for name in parameters if name != "*"} | bound
    return bound


def bind(parameters: Seq[str], arguments: Arguments) -> dict[str, Value]:
    """Arguments by parameter name, for a contract's parameters ("*" starts the keyword-only ones). Too many arguments are dropped."""
    bound: dict[str, Value] = {}
    positional = [name for name in parameters if name != "*"] if "*" not in parameters else list(parameters[: parameters.index("*")])
    for name, value in zip(positional, arguments.positional, strict=False):
        bound[name] = value
    if arguments.rest is not None:
        for name in positional[len(arguments.positional) :]:
            bound[name] = Unknown()
    bound.update(arguments.keywords)
    return bound
