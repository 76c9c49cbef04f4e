"""Which of several callables can be what a call means?

    models.__dict__[name](num_classes=10)     # a function of that module without a parameter `num_classes` is not what is chosen here

Only what would raise a TypeError for sure is ruled out: a keyword that nothing takes, too many positional arguments, a parameter that gets nothing.
"""

from __future__ import annotations

import libcst as cst

from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import class_attribute
from torchlint.flow.decisions import join
from torchlint.flow.values import Alternatives, Class, Function, Unknown, Value


def fitting(callee: Alternatives, arguments: Arguments) -> Value:
    """The alternatives that accept the arguments; something else must be meant where none does."""
    kept = [option for option in callee.options if accepts(option.value, arguments)]
    if not kept:
        return Unknown()
    return callee if len(kept) == len(callee.options) else join(kept)


def accepts(value: Value, arguments: Arguments) -> bool:
    """Whether a callable may be called like this; True for whatever is not a plain function or class of the project."""
    function, bound = (class_attribute(value, "__init__"), 1) if isinstance(value, Class) else (value, 0)
    if not isinstance(function, Function) or isinstance(function.node, cst.Lambda) or function.node.decorators or arguments.open:
        return True
    parameters = function.node.params
    names = [each.name.value for each in (*parameters.posonly_params, *parameters.params)][bound:]
    keyword_only = [each.name.value for each in parameters.kwonly_params]
    if parameters.star_kwarg is None and not set(arguments.keywords) <= {*names, *keyword_only}:
        return False
    if type(parameters.star_arg) is not cst.Param and len(arguments.positional) > len(names):
        return False
    needed = [
        each.name.value for each in (*parameters.posonly_params, *parameters.params)[bound:] + tuple(parameters.kwonly_params) if each.default is None
    ]
    given = {*names[: len(arguments.positional)], *arguments.keywords}
    return arguments.rest is not None or set(needed) <= given
