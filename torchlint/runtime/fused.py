"""Which modules compute otherwise when there is any mode on torch's stack?

    encoder = nn.TransformerEncoder(...).eval()
    encoder(x)      # fused kernels; under a mode torch takes the long way, which rounds otherwise

So that looking changes no bit of a result, modes of ours are taken off the stack while such a module evaluates. `install` gives these classes a
`__call__` for as long as anybody looks now and then; neither hooks of modules nor a wrapped `forward` would do: the former end the fused way too and
cannot be exported, the latter cannot be scripted.
"""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import nn

from torchlint.runtime.mode import CallMode
from torchlint.runtime.stack import lay, lift, modes

FUSED = (nn.TransformerEncoderLayer, nn.TransformerEncoder, nn.MultiheadAttention)
_lock = threading.Lock()
_wanted = 0


def install() -> None:
    """One more looks now and then."""
    global _wanted
    with _lock:
        _wanted += 1
        if _wanted == 1:
            for each in FUSED:
                each.__call__ = _call  # type: ignore[method-assign]


def uninstall() -> None:
    """One fewer looks."""
    global _wanted
    with _lock:
        _wanted -= 1
        if not _wanted:
            for each in FUSED:
                del each.__call__


def _call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    if module.training or torch.compiler.is_compiling():
        return nn.Module.__call__(module, *args, **kwargs)
    ours = [mode for mode in modes() if isinstance(mode, CallMode)]
    for mode in ours:
        lift(mode)
    try:
        return nn.Module.__call__(module, *args, **kwargs)
    finally:
        for mode in reversed(ours):
            lay(mode)
