"""How does a Trainer of Hugging Face turn the runtime mode on?

    trainer = Trainer(model, args, train_dataset=data, callbacks=[RuntimeChecks()])
    trainer.train()                 # warns where compute_loss gives a loss what it does not take

    with RuntimeChecks() as checks: # the same, and it ends with the block, whatever happens there
        Trainer(..., callbacks=[checks]).train()

transformers tells callbacks nothing of an exception. Without the block, watching then ends when the next training begins, by `close()`, or with the
program, which tells what was found.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

from torchlint.config import Settings
from torchlint.runtime.summary import tell
from torchlint.runtime.watching import Action, checks

if TYPE_CHECKING:

    class TrainerCallback:
        """The base class, whose methods are not typed."""

else:
    try:
        from transformers import TrainerCallback
    except ImportError as error:
        raise ImportError("torchlint.runtime.huggingface needs transformers: pip install transformers") from error


class RuntimeChecks(TrainerCallback):
    """Watch the training of a Trainer, and the evaluations in it.

    action, every, warmup, settings  as of `torchlint.runtime.checks`
    run  what was watched last: run.result().findings
    """

    def __init__(self, action: Action = "warn", every: int = 50, warmup: int = 20, *, settings: Settings | None = None) -> None:
        self._arguments = (action, every, warmup, settings)
        self.run = checks(action, every, warmup, settings=settings)
        self._running = False
        self._tells = True

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.close()
        action, every, warmup, settings = self._arguments
        self.run = checks(action, every, warmup, settings=settings)
        self._tells = bool(state.is_world_process_zero)
        self._running = True
        atexit.register(self.close)
        self.run.__enter__()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.close()

    def close(self) -> None:
        """Watch no more, and tell what was found, if a training has not come to its end."""
        if not self._running:
            return
        self._running = False
        atexit.unregister(self.close)
        self.run.close()
        if self._tells:
            tell(self.run)

    def __enter__(self) -> RuntimeChecks:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
