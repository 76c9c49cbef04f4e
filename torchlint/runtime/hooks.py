"""Is what a hook keeps overwritten in place afterwards?

    layer.register_forward_hook(lambda module, inputs, output: kept.append(output))     # noted, with its place
    net(x)                          # the hook keeps the output itself: it is referenced once more after the hook than before
    F.relu(output, inplace=True)    # and here it is overwritten: KeptOverwritten

`install` wraps the registering methods of nn.Module (only `torchlint run` and `enable` do that): right before and right after each hook of the user's
one of ours looks at the output. A copy raises neither count, so a hook that keeps a copy, a number or nothing is never spoken of.
"""

from __future__ import annotations

import copy
import functools
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from torchlint.events import BackwardHookOnInplace, Event, KeptOverwritten
from torchlint.model import Place, Step
from torchlint.runtime.guard import Guard, unguarded
from torchlint.runtime.ledger import version_of
from torchlint.runtime.places import caller
from torchlint.wording import short

REGISTERING = ("register_forward_hook", "register_full_backward_hook", "register_full_backward_pre_hook")
_GUARD = "BackwardHookFunctionBackward"


@dataclass(slots=True)
class _Kept:
    """An output that a hook kept, with the version that it had then."""

    tensor: weakref.ref[Tensor]
    version: int
    module: str
    place: Place


@dataclass(slots=True)
class _Writer:
    step: Step
    name: str


class Hooks:
    """Watches what the user's hooks see. title: how a message names a module."""

    def __init__(self, emit: Callable[[Event], None], title: Callable[[nn.Module], str]) -> None:
        self._emit = emit
        self._title = title
        self._originals: dict[str, Callable[..., Any]] = {}
        self._kept: dict[int, list[_Kept]] = {}  # by the storage
        self._guarded: dict[int, tuple[str, Place]] = {}  # outputs of modules with full backward hooks, by the storage
        self.watching = False
        self.failed: Callable[[Exception], None] = unguarded

    def install(self) -> None:
        """From now on, note the hooks that are registered."""
        for name in REGISTERING:
            if name not in self._originals:
                original = self._originals[name] = getattr(nn.Module, name)
                setattr(nn.Module, name, self._wrapped(original, name == REGISTERING[0]))

    def uninstall(self) -> None:
        """Put the methods back."""
        for name, original in self._originals.items():
            setattr(nn.Module, name, original)
        self._originals.clear()

    def written(self, tensor: Tensor, name: str, place: Place) -> None:
        """An in-place operation has written a tensor."""
        kept = self._kept.pop(_storage(tensor), None)
        writer = _Writer(Step(f"{short(name)} writes in place", place), short(name))
        for each in kept or ():
            self._tell(each, writer)

    def about_to_write(self, tensor: Tensor, name: str, place: Place) -> None:
        """An in-place operation is going to write a tensor: torch will raise where a full backward hook has made it a view."""
        node = tensor.grad_fn
        guarded = self._guarded.get(_storage(tensor)) if node is not None and node.name() == _GUARD else None
        if guarded is not None:
            module, where = guarded
            step = Step(f"{short(name)} writes in place", place)
            self._emit(BackwardHookOnInplace(place=where, module_name=module, writer=step, writer_name=short(name)))

    def settle(self) -> None:
        """At the end of a step: what was written by something that nobody watched."""
        if not self.watching:
            return
        for each in [each for kept in list(self._kept.values()) for each in kept]:
            tensor = each.tensor()
            if tensor is not None and version_of(tensor) != each.version:
                node = tensor.grad_fn
                name = node.name().split("Backward")[0] if node is not None else "an operation"
                self._tell(each, _Writer(Step(f"{name} writes in place", each.place), name))
        self._kept.clear()
        self._guarded.clear()

    def _tell(self, kept: _Kept, writer: _Writer) -> None:
        name = f"forward hook on {kept.module}"
        keeper = Step(f"the {name} keeps this tensor without a copy", kept.place)
        self._emit(KeptOverwritten(place=kept.place, keeper=keeper, keeper_name=name, writer=writer.step, writer_name=writer.name))

    def _wrapped(self, original: Callable[..., Any], forward: bool) -> Callable[..., Any]:
        @functools.wraps(original)
        def register(module: nn.Module, hook: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            here = caller(sys._getframe(1)) if not torch.compiler.is_compiling() else None
            if here is None:
                return original(module, hook, *args, **kwargs)
            self.watching = True
            if forward:
                return original(module, _Around(hook, self, here.place), *args, **kwargs)
            handle = original(module, hook, *args, **kwargs)
            guarding = _Guarding(self, here.place, handle)
            guarding.own = nn.Module.register_forward_hook.__wrapped__(module, guarding)  # type: ignore[attr-defined]
            return handle

        return register

    def compare(self, before: tuple[int, int], now: tuple[int, int], place: Place, module: nn.Module, output: Tensor) -> None:
        """A hook of the user's has seen an output: whether it keeps it."""
        if now[0] > before[0] or now[1] > before[1]:
            kept = _Kept(weakref.ref(output), output._version, self._title(module), place)
            self._kept.setdefault(_storage(output), []).append(kept)

    def guard(self, place: Place, module: nn.Module, output: Any) -> None:
        """A module with a full backward hook has run."""
        for each in output if isinstance(output, (tuple, list)) else (output,):
            if isinstance(each, Tensor):
                self._guarded[_storage(each)] = (self._title(module), place)


class _Around:
    """A forward hook of the user's, with a look before and one after. Copies and pickles of the module carry the user's hook itself."""

    def __init__(self, hook: Callable[..., Any], hooks: Hooks, place: Place) -> None:
        functools.update_wrapper(self, hook, updated=())
        self._hook = hook
        self._hooks = hooks
        self._place = place

    def __call__(self, module: nn.Module, *passed: Any) -> Any:
        output = passed[-1]
        if torch.compiler.is_compiling() or not isinstance(output, Tensor) or output.is_inference():
            return self._hook(module, *passed)
        before: tuple[int, int] | None = None
        with Guard(self._hooks.failed):
            before = _counts(output)
        result = self._hook(module, *passed)
        if before is not None:
            with Guard(self._hooks.failed):
                tensors, storages = _counts(output)  # here, where as many frames refer to it as before
                if result is output:
                    tensors -= 1
                if result is output or not (isinstance(result, Tensor) and _storage(result) == _storage(output)):  # a view refers to it, too
                    self._hooks.compare(before, (tensors, storages), self._place, module, output)
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial, (self._hook,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., Any]:
        return copy.deepcopy(self._hook, memo)


class _Guarding:
    """A forward hook of ours beside a backward hook of the user's; it goes when that one goes. Copies of the module carry one that does nothing."""

    __name__ = "torchlint_guarding"

    def __init__(self, hooks: Hooks | None = None, place: Place | None = None, handle: Any = None) -> None:
        self._hooks = hooks
        self._place = place
        self._handle = handle
        self.own: Any = None

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if torch.compiler.is_compiling() or self._hooks is None or self._place is None:
            return
        with Guard(self._hooks.failed):
            if self._handle.id in (self._handle.hooks_dict_ref() or ()):
                self._hooks.guard(self._place, module, output)
            elif self.own is not None:
                self.own.remove()

    def __reduce__(self) -> tuple[Any, ...]:
        return _Guarding, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Guarding:
        return _Guarding()


def _counts(tensor: Tensor) -> tuple[int, int]:
    """How often the tensor, and how often its memory, is referenced; the same number of frames away each time."""
    return sys.getrefcount(tensor), torch._C._storage_Use_Count(tensor.untyped_storage()._cdata)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
