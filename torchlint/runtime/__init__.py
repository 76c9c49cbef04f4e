"""Are the real tensors of a running program what its losses take?

    import torchlint.runtime

    with torchlint.runtime.checks():          # or: torchlint run train.py
        loss = criterion(net(x), y)           # warns where criterion gets probabilities and takes logits
    handle = torchlint.runtime.watch(criterion)     # only the calls of this module, in any thread

The same rules as those of the static side, on facts that are seen instead of inferred. Needs torch (`pip install torchlint[runtime]`), which is
imported when one of the names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchlint.runtime.watched import watch
    from torchlint.runtime.watching import TorchlintWarning, Violation, checks, disable, enable

__all__ = ["TorchlintWarning", "Violation", "checks", "disable", "enable", "watch"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from torchlint.runtime import watched, watching

    return getattr(watched if name == "watch" else watching, name)
