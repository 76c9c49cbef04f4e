"""What is given to a function that nobody in the program calls?

def training_step(self, batch, scale=2.0)    an unknown batch, and 2.0
def forward(self, x, mask)                   two tensors of which nothing is known
def forward(self, x, labels=None)            once without labels, and once with a tensor
"""

from __future__ import annotations

from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import is_module
from torchlint.flow.functions import FORWARD
from torchlint.flow.values import FORWARD_ARGUMENT, Const, Function, Unknown, Value, plain_tensor


def forward_argument() -> Value:
    """A tensor of which nothing is known."""
    tensor = plain_tensor()
    tensor.facts.source = FORWARD_ARGUMENT
    return tensor


def unknown_arguments(function: Function, skip: int, full: bool = False, unset: bool = False) -> Arguments:
    """An unknown for each parameter without a default; tensors for the forward of a module.

    full: also for those that are None by default; unset: for all that may be set otherwise
    """
    tensors = function.name == FORWARD and function.owner is not None and is_module(function.owner)
    positional: list[Value] = []
    for name in _positional(function)[skip:]:
        default = function.defaults.get(name)
        if default is not None and not (full and _is_none(default)) and not (unset and isinstance(default, Const)):
            positional.append(default)
        else:
            positional.append(forward_argument() if tensors else Unknown((id(function.node), name)))
    return Arguments(positional)


def ways_to_call(function: Function, skip: int) -> list[Arguments]:
    """Arguments for a function: those that it must get, and, where it can do without some, all."""
    optional = any(_is_none(function.defaults.get(name)) for name in _positional(function)[skip:])
    return [unknown_arguments(function, skip, full) for full in ((False, True) if optional else (False,))]


def _positional(function: Function) -> list[str]:
    parameters = function.node.params
    return [each.name.value for each in (*parameters.posonly_params, *parameters.params)]


def _is_none(default: Value | None) -> bool:
    return isinstance(default, Const) and default.value is None
