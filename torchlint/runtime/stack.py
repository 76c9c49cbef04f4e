"""How does a mode come onto torch's stack of function modes, and off it again, whatever the user does there in between?

    lay(ours)                        # [torch's default device, ours, those of the user]
    with TheirMode(): ...            # pushes and pops on top, as always
    lift(ours)                       # taken out from wherever it lies

Leaving a mode pops what lies on top, whatever that is: a mode of ours on top of the user's would be taken for theirs. So ours lies below all others,
except the context of torch.set_default_device, which insists on being the lowest (and does the same to get there).
"""

from __future__ import annotations

from torch._C import _len_torch_function_stack
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack, _pop_mode, _push_mode
from torch.utils._device import DeviceContext


def modes() -> list[TorchFunctionMode]:
    """The modes of this thread, the outermost first."""
    return _get_current_function_mode_stack()  # type: ignore[no-untyped-call,no-any-return]


def lay(mode: TorchFunctionMode) -> None:
    """Put a mode onto the stack of this thread, below those of the user."""
    above = []
    while _len_torch_function_stack():
        above.append(_pop_mode())  # type: ignore[no-untyped-call]
    if above and _insists(above[-1]):
        _push_mode(above.pop())  # type: ignore[no-untyped-call]
    _push_mode(mode)  # type: ignore[no-untyped-call]
    for each in reversed(above):
        _push_mode(each)  # type: ignore[no-untyped-call]


def _insists(mode: TorchFunctionMode) -> bool:
    """Whether it is the context of torch.set_default_device, which was entered by itself; that of `with torch.device(...)` is pushed from outside."""
    return isinstance(mode, DeviceContext) and hasattr(mode, "old_device")


def lift(mode: TorchFunctionMode) -> None:
    """Take a mode off the stack of this thread, wherever it lies. Those above it stay."""
    above = []
    while _len_torch_function_stack() and (top := _pop_mode()) is not mode:  # type: ignore[no-untyped-call]
        above.append(top)
    for each in reversed(above):
        _push_mode(each)  # type: ignore[no-untyped-call]
