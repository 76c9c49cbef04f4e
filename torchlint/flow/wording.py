"""What would a reader call a value?

For example:

    an object of `class Net` -> Net      nn.Softmax(dim=1) -> nn.Softmax      partial(focal_loss, gamma=2) -> focal_loss
"""

from __future__ import annotations

from torchlint.flow.values import ApiObject, Bound, Class, Function, Instance, Partial, Value
from torchlint.wording import short


def title(value: Value) -> str:
    """What a reader would call a value: its class or function name."""
    if isinstance(value, Instance):
        return value.cls.name
    if isinstance(value, ApiObject):
        return short(value.name)
    if isinstance(value, Class):
        return value.name
    if isinstance(value, Function):
        return value.title
    if isinstance(value, (Bound, Partial)):
        return title(value.function)
    return ""
