"""What is given to a function that nobody in the program calls?

def training_step(self, batch, scale=2.0)    an unknown batch, and 2.0
def forward(self, x, mask)                   two tensors of which nothing is known
"""

from __future__ import annotations

from torchlint.flow.arguments import Arguments
from torchlint.flow.attributes import is_module
from torchlint.flow.functions import FORWARD
from torchlint.flow.values import FORWARD_ARGUMENT, Function, Unknown, Value, plain_tensor


def forward_argument() -> Value:
    """A tensor of which nothing is known."""
    tensor = plain_tensor()
    tensor.facts.source = FORWARD_ARGUMENT
    return tensor


def unknown_arguments(function: Function, skip: int) -> Arguments:
    """An unknown for each parameter without a default; tensors for the forward of a module."""
    parameters = function.node.params
    tensors = function.name == FORWARD and function.owner is not None and is_module(function.owner)
    positional: list[Value] = []
    for parameter in (*parameters.posonly_params, *parameters.params)[skip:]:
        name = parameter.name.value
        default = function.defaults.get(name)
        if default is not None:
            positional.append(default)
        else:
            positional.append(forward_argument() if tensors else Unknown((id(function.node), name)))
    return Arguments(positional)
